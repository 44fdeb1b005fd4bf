-- Set up the client of the process from flags and environment: base URL, credential, or an emulator of our own.
local http = require "moonkey.http"
local log = require "moonkey.log"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"
local units = require "moonkey.cli.units"

local M = {}

local DEFAULT_BASE_URL = "https://api.platform.softwareone.com"
local EMULATOR_TOKENS = "1000"

local NO_CREDENTIAL = [[
no credential for %s. Give one in one of these ways:
  export MPT_API_TOKEN=…              the credential itself
  export MPT_API_TOKEN_FILE=path      a file that holds it, readable only by you
  export MPT_API_TOKEN_COMMAND='…'    a command that prints it, such as one of a password manager
or add --emulator, which needs none.]]

local emulator -- kept reachable until the program ends: its collection stops the process

local function word(line, name)
  local value = line and line:match("^export " .. name .. "=(.*)$")
  if not value then
    return nil
  end
  return (value:gsub("^'(.*)'$", "%1"):gsub("'\\''", "'"))
end

local function start_emulator(data)
  local process = require "moonkey.process"
  local argv = { assert(sys.executable()), "emulator", "--port", "0", "--seed", EMULATOR_TOKENS, "--log-level", "warn" }
  if data then
    table.move({ "--data", data }, 1, 2, #argv + 1, argv)
  end
  local message
  emulator, message = process.spawn(argv)
  if not emulator then
    stop.with(1, ("cannot start the emulator: %s"):format(message))
  end
  local url = word(emulator:read_line(20), "MPT_API_BASE_URL")
  local credential = url and word(emulator:read_line(20), "MPT_API_TOKEN")
  if not credential then
    emulator:stop()
    stop.usage("the emulator did not start; its message stands above")
  end
  log.debug("emulator at %s, process %d", url, emulator:pid())
  return url, credential
end

local function set(text)
  return text ~= nil and text ~= "" and text or nil
end

-- Where the credential is, as fields of http.configure; nil if there is none.
local function credential_source()
  if http.environment_has_credential() then
    return { credential_environment = true }
  elseif set(os.getenv("MPT_API_TOKEN_FILE")) then
    return { credential_file = os.getenv("MPT_API_TOKEN_FILE") }
  elseif set(os.getenv("MPT_API_TOKEN_COMMAND")) then
    return { credential_command = os.getenv("MPT_API_TOKEN_COMMAND") }
  end
end

local function check_file(flag, path)
  if not path then return nil end
  local file, message = io.open(path)
  if not file then stop.usage(("%s: cannot read %s"):format(flag, message)) end
  file:close()
  return path
end

local function duration(args, field, flag)
  return args[field] and units.duration(flag, args[field])
end

local function base_url_of(args)
  local base_url = args.base_url or set(os.getenv("MPT_API_BASE_URL")) or DEFAULT_BASE_URL
  local ok, message = http.check_base_url(base_url)
  if not ok then stop.usage(message) end
  return base_url
end

local function where(args)
  if not (args.emulator or args.emulator_data) then
    return base_url_of(args), credential_source()
  elseif args.emulator_data == "" then
    stop.usage("--emulator= needs the name of a file for its tokens; without one, write --emulator")
  elseif args.base_url then
    stop.usage("--emulator and --base-url exclude each other: the emulator has its own URL")
  end
  local url, credential = start_emulator(args.emulator_data)
  return url, { credential_value = credential }
end

-- `jobs`: requests at a time where -j does not say. `when_needed`: a missing credential is no error until a call needs it.
function M.configure(args, jobs, when_needed)
  local limits = {
    jobs = args.jobs and units.count("-j", args.jobs, 1, 1000) or jobs,
    rate = args.rate and units.rate("--rate", args.rate),
    read_only = args.read_only,
    dry_run = args.dry_run,
    allow_self = args.allow_self,
    attempts = args.retry and units.count("--retry", args.retry, 0, 100) + 1 or nil,
    max_time = duration(args, "max_time", "--max-time"),
    connect_timeout = duration(args, "connect_timeout", "--connect-timeout"),
    ca_file = check_file("--cacert", args.cacert),
    cert_file = check_file("--cert", args.cert),
    key_file = check_file("--key", args.key),
    proxy = args.proxy,
  }
  local base_url, settings = where(args)
  if not settings then
    local none = stop.new(2, NO_CREDENTIAL:format(base_url))
    if not when_needed then error(none, 0) end
    return http.refuse_with(none)
  end
  for name, value in pairs(limits) do settings[name] = value end
  settings.base_url = base_url
  local ok, message = http.configure(settings)
  if not ok then stop.usage(message) end
end

return M
