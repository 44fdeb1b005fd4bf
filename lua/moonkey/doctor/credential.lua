-- Where the API is, which credential is for it, and whether that can be had. Sets up the client where it can.
local announce = require "moonkey.announce"
local connect = require "moonkey.cli.connect"
local control = require "moonkey.control"
local credential = require "moonkey.cli.credential"
local http = require "moonkey.http"
local stop = require "moonkey.cli.stop"

local SOURCES = "set MPT_API_TOKEN, MPT_API_TOKEN_FILE or MPT_API_TOKEN_COMMAND, or use a profile; --emulator needs none"

-- A problem of the base URL raises; one of the credential comes with a base URL.
local function find_target(case)
  local ok, url, source, none
  if case.emulated then
    ok, url, source = true, connect.start_emulator(case.args)
  else
    ok, url, source, none = pcall(credential.choose, case.args, case.profile)
  end
  if not ok and not stop.is(url) then error(url, 0) end
  if not ok then
    case.blocked = "the base URL cannot be used"
    return case:problem("base URL", tostring(url), "correct --base-url, MPT_API_BASE_URL or base_url of the profile")
  end
  case.base_url, case.no_credential = url, none
  case:ok("base URL", url)
  return source
end

local REMEDIES = {
  ["run: chmod"] = function(message) return message:match("run: (chmod .*)$") end,
  ["run it by hand"] = function() return "run it in a shell: it has to print the credential, and end with exit status 0" end,
  ["its message stands above"] = function()
    return "mend the module, which `moonkey modules-path` names, or its credential_options"
  end,
  ["cannot read"] = function() return "put the credential into that file, and chmod 600 it" end,
}

local function remedy_for(message)
  for text, remedy in pairs(REMEDIES) do
    if message:find(text, 1, true) then return remedy(message) end
  end
  return "give the token alone, on one line: idt:TKN-…"
end

local function set_up(case, source)
  local config = {}
  for name, value in pairs(case.settings) do config[name] = value end
  for name, value in pairs(source) do config[name] = value end
  config.base_url, config.jobs = case.base_url, 1
  local ok, message = control.configure(config)
  if not ok and not message:find("credential", 1, true) then
    case.blocked = "the proxy cannot be used"
    return case:problem("proxy", message, "correct HTTPS_PROXY or --proxy")
  elseif not ok then
    return case:problem("credential", message, remedy_for(message))
  end
  announce.configure{}
  case.has_client = true
  local _, _, from, own_id = http.origin()
  case:ok("credential", own_id ~= "" and ("of %s, from %s"):format(own_id, from) or ("from %s"):format(from))
  if own_id == "" then
    case:warning("credential", "it does not begin with idt:TKN-…, so moonkey cannot tell whose it is, and not guard its token",
      "look whether all of it was copied")
  end
end

return function(case)
  if case.blocked then
    case:skipped("base URL", case.blocked)
    return case:skipped("credential", case.blocked)
  end
  local source = find_target(case)
  if case.blocked then return case:skipped("credential", case.blocked) end
  if case.no_credential then
    local only = case.no_credential:match("\n(The credential of profile.*)$")
    return case:problem("credential", ("there is none for %s%s"):format(case.base_url, only and ". " .. only or ""), SOURCES)
  end
  set_up(case, source)
end
