-- The settings of the client that are the same whatever it talks to: from flags, and from the profile where no flag is given.
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"
local units = require "moonkey.cli.units"

local M = {}

local function count(least, most)
  return function(what, value) return units.count(what, tostring(value), least, most) end
end

local function duration(what, value)
  return units.duration(what, tostring(value))
end

-- libcurl would find out with the first connection, and not name the file. What is no regular file may be read only once.
local function pem_file(what, path)
  local file, message = io.open(path, "rb")
  if not file then stop.usage(("%s: cannot read %s"):format(what, message)) end
  local text, kind = "", sys.file_type(path)
  if kind == "file" then text, message = file:read("a") end
  file:close()
  if kind == "directory" or not text then
    stop.usage(("%s: cannot read %s: %s"):format(what, path, message or "it is a directory; name a file"))
  elseif kind == "file" and not text:find("-----BEGIN ", 1, true) then
    stop.usage(("%s: %s has nothing in PEM format, no line that starts with -----BEGIN"):format(what, path))
  end
  return path
end

local function proxy(what, url)
  if url:find("@", 1, true) then
    stop.usage(what .. ": a proxy's user name and password belong into HTTPS_PROXY; an argument can be read by others")
  end
  return url
end

local function as_it_is(_, value)
  return value
end

local RETRIES = count(0, 100)

-- { name in the arguments and in a profile, flag, name for control.configure, conversion }
local SETTINGS = {
  { "jobs", "-j", "jobs", count(1, 1000) },
  { "rate", "--rate", "rate", units.rate },
  { "retry", "--retry", "attempts", function(what, value) return RETRIES(what, value) + 1 end },
  { "max_time", "--max-time", "max_time", duration },
  { "connect_timeout", "--connect-timeout", "connect_timeout", duration },
  { "cacert", "--cacert", "ca_file", pem_file },
  { "cert", "--cert", "cert_file", pem_file },
  { "key", "--key", "key_file", pem_file },
  { "proxy", "--proxy", "proxy", proxy },
  { "http2", "--http2", "http2", as_it_is },
  { "read_only", "--read-only", "read_only", as_it_is }, -- no flag says the opposite: a profile's cannot be lifted
  { "dry_run", "--dry-run", "dry_run", as_it_is },
  { "allow_self", "--allow-self", "allow_self", as_it_is },
  { "max_changes", "--max-changes", "max_changes", count(1, 1000000000) }, -- for none there is --read-only
}

-- For control.configure. `profile` may be nil.
function M.collect(args, profile)
  local settings = {}
  for _, setting in ipairs(SETTINGS) do
    local name, what, field, convert = table.unpack(setting)
    local value = args[name]
    if value == nil and profile then value, what = profile[name], ("%s: %s"):format(profile.where, name) end
    if value ~= nil then settings[field] = convert(what, value) end
  end
  if settings.key_file and not settings.cert_file then
    stop.usage("--key is of no use without --cert, the certificate that it is the key of")
  end
  settings.needs_consent = profile ~= nil and profile.consent ~= nil
  return settings
end

return M
