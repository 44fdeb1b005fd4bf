-- Set up the client of the process from flags and environment: base URL, credential, or an emulator of our own.
local http = require "moonkey.http"
local log = require "moonkey.log"
local stop = require "moonkey.cli.stop"
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
  local argv = { "/proc/self/exe", "emulator", "--port", "0", "--seed", EMULATOR_TOKENS }
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

-- Where the credential is, as fields of http.configure.
local function credential_source(base_url)
  if http.environment_has_credential() then
    return { credential_environment = true }
  elseif set(os.getenv("MPT_API_TOKEN_FILE")) then
    return { credential_file = os.getenv("MPT_API_TOKEN_FILE") }
  elseif set(os.getenv("MPT_API_TOKEN_COMMAND")) then
    return { credential_command = os.getenv("MPT_API_TOKEN_COMMAND") }
  end
  stop.usage(NO_CREDENTIAL:format(base_url))
end

local function check_file(flag, path)
  local file, message = path and io.open(path)
  if path and not file then
    stop.usage(("%s: cannot read %s"):format(flag, message))
  end
  if file then file:close() end
  return path
end

local function duration(args, field, flag)
  return args[field] and units.duration(flag, args[field])
end

-- `jobs`: requests at a time where -j does not say.
function M.configure(args, jobs)
  local base_url = args.base_url or set(os.getenv("MPT_API_BASE_URL")) or DEFAULT_BASE_URL
  local settings
  if args.emulator or args.emulator_data then
    if args.base_url then stop.usage("--emulator and --base-url exclude each other: the emulator has its own URL") end
    local url, credential = start_emulator(args.emulator_data)
    base_url, settings = url, { credential_value = credential }
  else
    settings = credential_source(base_url)
  end
  settings.base_url = base_url
  settings.jobs = args.jobs and units.count("-j", args.jobs, 1, 1000) or jobs
  settings.rate = args.rate and units.rate("--rate", args.rate)
  settings.read_only = args.read_only
  settings.attempts = args.retry and units.count("--retry", args.retry, 0, 100) + 1 or nil
  settings.max_time = duration(args, "max_time", "--max-time")
  settings.connect_timeout = duration(args, "connect_timeout", "--connect-timeout")
  settings.ca_file = check_file("--cacert", args.cacert)
  settings.cert_file = check_file("--cert", args.cert)
  settings.key_file = check_file("--key", args.key)
  settings.proxy = args.proxy
  local ok, message = http.configure(settings)
  if not ok then stop.usage(message) end
end

return M
