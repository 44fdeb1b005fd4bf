--[[
--restricted and the limits: what the user's code may touch, and take. From the flags, and from the profile.

A command that runs such code asks for the policy first (of), loads the code into its globals (globals), has the client set up
with args.permits, and begins: from then on the limits hold, and the process has given up what the code does not need.
]]
local connect = require "moonkey.cli.connect"
local control = require "moonkey.control"
local files = require "moonkey.files"
local job = require "moonkey.restricted.job"
local limits = require "moonkey.limits"
local log = require "moonkey.log"
local place = require "moonkey.batch.journal.place"
local places = require "moonkey.restricted.places"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"
local units = require "moonkey.cli.units"

local M = {}

-- What a restricted script may take where nobody says: enough for a day's work, and little enough to notice.
local MEMORY, CPU = "256M", "60s"

local LISTS = { "allow_api", "allow_read", "allow_write", "allow_env" }
local SETTINGS = { "restricted", "allow_secret", "max_memory", "max_cpu", "max_cpu_total" }

-- What a run keeps of the command line.
M.KEPT = table.move(SETTINGS, 1, #SETTINGS, #LISTS + 1, { table.unpack(LISTS) })

local function flag_of(name)
  return "--" .. name:gsub("_", "-")
end

-- Directories are kept as they are from here: a resume may be elsewhere.
local function make_absolute(args)
  for _, name in ipairs{ "allow_read", "allow_write" } do
    for i, path in ipairs(args[name] or {}) do
      local real, why = files.absolute(path)
      if not real then stop.usage(("%s %s: %s"):format(flag_of(name), path, why)) end
      args[name][i] = real
    end
  end
end

-- A value of the command line or, where there is none, of the profile; with its name for messages.
local function setting(args, profile, name)
  if args[name] ~= nil then return args[name], flag_of(name) end
  if profile and profile[name] ~= nil then return profile[name], ("%s: %s"):format(profile.where, name) end
end

-- Both together: what the profile permits, and what is permitted now.
local function list(args, profile, name)
  local all = {}
  for _, value in ipairs(profile and profile[name] or {}) do all[#all + 1] = value end
  for _, value in ipairs(args[name] or {}) do all[#all + 1] = value end
  return all
end

local function directories(args, profile, name)
  local found, why = places.directories(list(args, profile, name))
  if not found then stop.usage(("%s: %s"):format(flag_of(name), why)) end
  return found
end

local function rules(args, profile)
  local all = list(args, profile, "allow_api")
  for _, rule in ipairs(all) do
    local mistake = control.check_permit(rule)
    if mistake then
      stop.usage(("--allow-api '%s': %s; an example: --allow-api 'PUT /accounts/api-tokens/*'"):format(rule, mistake))
    end
  end
  return all
end

local function names(args, profile)
  local set = {}
  for _, name in ipairs(list(args, profile, "allow_env")) do
    if not name:find("^[%a_][%w_]*$") then stop.usage(("--allow-env %s: expected the name of a variable"):format(name)) end
    set[name] = true
  end
  return set
end

local function limits_of(args, profile, restricted)
  local function one(name, convert, otherwise)
    local value, what = setting(args, profile, name)
    if value == nil and restricted then value, what = otherwise, flag_of(name) end
    return value ~= nil and convert(what, tostring(value)) or nil
  end
  return {
    memory = one("max_memory", units.size, MEMORY), cpu = one("max_cpu", units.duration, CPU),
    cpu_total = one("max_cpu_total", units.duration),
  }
end

-- Permissions that permit nothing, because nothing is forbidden, are a mistake that somebody would rely on.
local function check_needed(args)
  for _, name in ipairs{ "allow_api", "allow_read", "allow_write", "allow_env", "allow_secret" } do
    local value = args[name]
    if value and value ~= true and #value > 0 or value == true then
      stop.usage(("%s is of no use without --restricted: everything is permitted"):format(flag_of(name)))
    end
  end
end

-- The policy for code of the user's, from the arguments, where args.restricted and args.permits say it to others from here on.
function M.of(args)
  make_absolute(args)
  local profile = not connect.uses_emulator(args) and connect.find_profile(args) or nil
  local restricted = setting(args, profile, "restricted") or nil -- no flag says the opposite: a profile's cannot be lifted
  if not restricted then
    check_needed(args)
    return { limits = limits_of(args, profile) }
  end
  args.restricted = true
  args.permits = rules(args, profile)
  return {
    restricted = true, read = directories(args, profile, "allow_read"), write = directories(args, profile, "allow_write"),
    env = names(args, profile), secret = setting(args, profile, "allow_secret"), limits = limits_of(args, profile, true),
  }
end

-- The globals for a script or job with these `arguments`, after script.prepare.
function M.globals(policy, arguments)
  if not policy.restricted then return _G end
  return require("moonkey.restricted.environment").new(policy, arguments)
end

-- Is it the home directory, or above it? Then more is in it than a script and its modules.
local function has_home(directory)
  local home = files.absolute(os.getenv("HOME") or "/")
  return directory == "/" or home and (home .. "/"):sub(1, #directory + 1) == directory .. "/"
end

local function add_lua_files(found, directory)
  for _, name in ipairs(files.list(directory) or {}) do
    local path = (directory == "/" and "" or directory) .. "/" .. name
    if name:find("%.lua$") and sys.file_type(path) == "file" then found[#found + 1] = path end
  end
end

-- Where modules of the script can be: the directories of package.path.
local function module_places()
  local found, seen = {}, {}
  for template in package.path:gmatch("[^;]+") do
    local directory = files.absolute(template:match("^(.-)/?[^/]*%?"))
    if directory and not seen[directory] then
      seen[directory] = true
      if has_home(directory) then
        add_lua_files(found, directory)
      else
        found[#found + 1] = directory
      end
    end
  end
  return found
end

local function real_names(found)
  local real = {}
  for i, directory in ipairs(found) do real[i] = directory.real end
  return real
end

-- Of files that the host itself has yet to write: a journal, results.
local function add_directories(found, paths)
  for _, path in ipairs(paths) do
    found[#found + 1] = files.absolute(path:match("^(.*/)") or ".")
  end
end

-- The layers beneath Lua, as people call them.
local LAYERS = { { "no_new_privs", "no new privileges" }, { "seccomp", "seccomp" }, { "landlock", "Landlock" } }

local function warn_of_missing(status)
  for _, layer in ipairs(LAYERS) do
    local why = status.why[layer[1]]
    if why then
      log.warn("--restricted goes on without %s: %s; what is seen from Lua is restricted all the same (moonkey doctor)",
        layer[2], why)
    end
  end
end

local function give_up_rest(policy, run)
  local read, write = real_names(policy.read), real_names(policy.write)
  for _, more in ipairs{ module_places(), run.read } do table.move(more, 1, #more, #read + 1, read) end
  add_directories(write, run.written)
  warn_of_missing(control.jail{ read = read, write = write, queue_port = run.queue_port })
end

-- What resume goes by, such as that the run is restricted, is not the job's to change.
local function check_journal(policy, journal)
  local directory = files.absolute(journal:match("^(.*/)") or ".")
  for _, permitted in ipairs(policy.write) do
    local above = permitted.real == "/" and "/" or permitted.real .. "/"
    if directory and (directory .. "/"):sub(1, #above) == above then
      stop.usage(("the journal would be in %s, where --allow-write %s lets the job change it; put it elsewhere with --journal "
        .. "FILE, or permit another directory"):format(directory, permitted.real))
    end
  end
end

-- The client is set up: the user's code comes next. `run`: names of files that the command will have to open then, as
-- { read =, written = }, and the journals among them, and `queue_port` where it has one.
function M.begin(policy, run)
  for _, journal in ipairs(policy.restricted and run and run.journals or {}) do check_journal(policy, journal) end
  if policy.restricted then give_up_rest(policy, run or { read = {}, written = {} }) end
  if next(policy.limits) == nil then return end
  local ok, why = limits.begin(policy.limits)
  if not ok then stop.with(1, why) end
end

-- The files of a run of the job at `path` over `source`, for begin: as args says, and its journal, where it goes on with one.
function M.files_of_run(args, path, source, journal)
  local directory = place.directory()
  local default = directory and files.make_directories(directory) and directory .. "/"
  local journals = { journal or args.journal or default }
  if journal and args.accept_changes then journals[2] = args.journal or default end -- it goes on in a new one
  local written = table.move(journals, 1, #journals, 1, { [#journals + 1] = args.results })
  return { read = { path, source.path }, written = written, journals = journals }
end

-- What make() makes of code of the user's is the script's own.
function M.in_script(make)
  return job.in_script(make)
end

-- jobs.from of what a job file returns.
function M.job(policy, value, name)
  local from = policy.restricted and job.from or require("moonkey.batch.job").from
  local made, message = from(value, name)
  return made and job.limited(made), message
end

return M
