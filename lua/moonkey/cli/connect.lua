-- Set up the client of the process from flags, environment and profile, or with an emulator of our own.
local announce = require "moonkey.announce"
local control = require "moonkey.control"
local credential = require "moonkey.cli.credential"
local log = require "moonkey.log"
local profiles = require "moonkey.profile"
local settings = require "moonkey.cli.settings"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"
require "moonkey.batch.engine" -- a script may want it, and it needs moonkey.control, which is gone by then

local M = {}

local EMULATOR_TOKENS = "1000"

local emulator -- kept reachable until the program ends: its collection stops the process

local function word(line, name)
  local value = line and line:match("^export " .. name .. "=(.*)$")
  if not value then
    return nil
  end
  return (value:gsub("^'(.*)'$", "%1"):gsub("'\\''", "'"))
end

local function asks_for_faults(args)
  return args.fault and #args.fault > 0 or args.fault_seed ~= nil
end

-- More arguments of the emulator, from those of the command.
local function pass_on(args, argv)
  local function add(flag, value)
    table.move({ flag, value }, 1, 2, #argv + 1, argv)
  end
  if args.emulator_data then add("--data", args.emulator_data) end
  if asks_for_faults(args) then
    local fault_flags = require "moonkey.cli.fault_flags"
    local faults = fault_flags.read(args)
    for _, text in ipairs(args.fault) do add("--fault", text) end
    add("--fault-seed", tostring(faults.seed))
    log.info("%s", fault_flags.describe(faults))
  end
end

-- The base URL of a new emulator, and the source of its credential as fields of control.configure.
function M.start_emulator(args)
  local process = require "moonkey.process"
  local argv = { assert(sys.executable()), "emulator", "--port", "0", "--seed", EMULATOR_TOKENS, "--log-level", "warn" }
  pass_on(args, argv)
  local message
  emulator, message = process.spawn(argv)
  if not emulator then
    stop.with(1, ("cannot start the emulator: %s"):format(message))
  end
  local url = word(emulator:read_line(20), "MPT_API_BASE_URL")
  local secret = url and word(emulator:read_line(20), "MPT_API_TOKEN")
  if not secret then
    emulator:stop()
    stop.usage("the emulator did not start; its message stands above")
  end
  log.debug("emulator at %s, process %d", url, emulator:pid())
  return url, { credential_value = secret }
end

-- Is an emulator asked for?
function M.uses_emulator(args)
  if not (args.emulator or args.emulator_data) then
    if asks_for_faults(args) then
      stop.usage("--fault and --fault-seed are for the emulator: give --emulator, too; nothing real is made to fail")
    end
    return false
  end
  local other = args.base_url and "--base-url" or args.profile and "--profile"
  if args.emulator_data == "" then
    stop.usage("--emulator= needs the name of a file for its tokens; without one, write --emulator")
  elseif other then
    stop.usage(("--emulator and %s exclude each other: the emulator has its own URL and credential"):format(other))
  end
  return true
end

-- The profile, or nil. One that was asked for by a flag says so in `asked`; `by` says how it was chosen.
function M.find_profile(args)
  local name, by = profiles.asked(args.profile)
  local profile, message = profiles.find(name)
  if message then stop.usage(message) end
  if profile then
    profile.asked, profile.by = args.profile ~= nil, by or "default"
    log.debug("settings of %s", profile.where)
  end
  return profile
end

-- Is any request permitted that changes something?
local function writes(permits)
  for _, rule in ipairs(permits) do
    if not rule:find("^GET ") then return true end
  end
end

-- After it, nothing about the client can be changed any more; nothing of the user's may run before it.
-- `jobs`: requests at a time where neither -j nor a profile says. `when_needed`: a missing credential is no error until a call
-- needs it. args.permits: no other requests are sent (cli/restricted.lua).
-- Returns the number of requests at a time, and the profile in force, or nil.
function M.configure(args, jobs, when_needed)
  local emulated = M.uses_emulator(args)
  local profile = not emulated and M.find_profile(args) or nil
  local config = settings.collect(args, profile)
  config.jobs = config.jobs or jobs
  local base_url, source, none
  if emulated then
    base_url, source = M.start_emulator(args)
  else
    base_url, source, none = credential.choose(args, profile)
  end
  if none then
    none = stop.new(2, none)
    if not when_needed then error(none, 0) end
    control.refuse_with(none)
    control.seal()
    return config.jobs, profile
  end
  for name, value in pairs(source) do config[name] = value end
  config.base_url = base_url
  local ok, message = control.configure(config)
  if not ok then stop.usage(message) end
  announce.configure{ consent = profile and profile.consent, profile = profile and profile.name, yes = args.yes }
  if args.permits then
    if writes(args.permits) and not emulated then announce.account() end -- while it can be asked for
    control.restrict(args.permits)
  end
  control.seal()
  return config.jobs, profile
end

return M
