--[[
Where the API is, and which credential is sent there. Both come from flags, the environment, and a profile; they are a pair:

- A profile that was asked for with -p comes before the environment, any other after it.
- The credential of a profile goes to the base URL of that profile. Elsewhere only where both were asked for: -p and --base-url.
]]
local control = require "moonkey.control"
local http = require "moonkey.http"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {}

M.DEFAULT_BASE_URL = "https://api.platform.softwareone.com"

local NO_CREDENTIAL = [[
no credential for %s. Give one in one of these ways:
  export MPT_API_TOKEN=…              the credential itself
  export MPT_API_TOKEN_FILE=path      a file that holds it, readable only by you
  export MPT_API_TOKEN_COMMAND='…'    a command that prints it, such as one of a password manager
  moonkey -p NAME …                   a profile of your configuration that names such a file, command or module]]
local EMULATOR_NEEDS_NONE = "\nor add --emulator, which needs none." -- not over a queue

local function set(text)
  return text ~= nil and text ~= "" and text or nil
end

local function of_environment()
  local found = { base_url = set(os.getenv("MPT_API_BASE_URL")) }
  local file, command = set(os.getenv("MPT_API_TOKEN_FILE")), set(os.getenv("MPT_API_TOKEN_COMMAND"))
  if control.environment_has_credential() then
    found.credential = { credential_environment = true }
  elseif file then
    found.credential = { credential_file = file }
  elseif command then
    found.credential = { credential_command = command }
  end
  return found
end

-- The variables in force that say where the API is, or what the credential is.
function M.set_in_environment()
  local found = {}
  if set(os.getenv("MPT_API_BASE_URL")) then found[1] = "MPT_API_BASE_URL" end
  local source = of_environment().credential
  if source then
    found[#found + 1] = source.credential_environment and "MPT_API_TOKEN"
      or source.credential_file and "MPT_API_TOKEN_FILE" or "MPT_API_TOKEN_COMMAND"
  end
  return found
end

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- A module of the user's runs in a process of its own (credential_source.lua). So the host gets the credential as from any
-- command, and it never is in the memory of the Lua that scripts run in.
local function of_module(profile)
  local words = { assert(sys.executable()), "-p", profile.name, "credential-source" }
  for i, word in ipairs(words) do words[i] = quote(word) end
  return { credential_command = "exec " .. table.concat(words, " "),
    credential_origin = ("the credential source '%s'"):format(profile.credential_source) }
end

local function of_profile(profile)
  if not profile then return {} end
  local found = { base_url = profile.base_url }
  if profile.credential_source then
    found.credential = of_module(profile)
    found.base_url = found.base_url or M.DEFAULT_BASE_URL
  elseif profile.credential_file or profile.credential_command then
    found.credential = { credential_file = profile.credential_file, credential_command = profile.credential_command }
    found.base_url = found.base_url or M.DEFAULT_BASE_URL
  end
  return found
end

-- The base URL, and the source of the credential as fields of control.configure, or nil and what to say where there is none.
function M.choose(args, profile)
  local environment, own = of_environment(), of_profile(profile)
  local first, second = environment, own
  if profile and profile.asked then first, second = own, environment end
  local base_url = args.base_url or first.base_url or second.base_url or M.DEFAULT_BASE_URL
  local ok, message = http.check_base_url(base_url)
  if not ok then stop.usage(message) end
  local source = first.credential or second.credential
  if source and (source ~= own.credential or profile.asked or base_url == own.base_url) then return base_url, source end
  message = NO_CREDENTIAL:format(base_url) .. (args.queue and "" or EMULATOR_NEEDS_NONE)
  if source then
    message = ("%s\nThe credential of profile '%s' is for %s only."):format(message, profile.name, own.base_url)
  end
  return base_url, nil, message
end

return M
