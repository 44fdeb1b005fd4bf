-- The configuration file, the profile in force, and the settings that come of it and the flags.
local connect = require "moonkey.cli.connect"
local profiles = require "moonkey.profile"
local settings = require "moonkey.cli.settings"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

-- What `f` returns; nil and the message of a stop that it raised.
local function attempt(f, ...)
  local ok, value = pcall(f, ...)
  if ok then return value end
  if not stop.is(value) then error(value, 0) end
  return nil, value.message
end

local function count(map)
  local n = 0
  for _ in pairs(map) do n = n + 1 end
  return n
end

-- The remedies that a message has in itself are not said twice.
local function remedy_for(message)
  if message:find("run: chmod", 1, true) then return message:match("run: (chmod .*)$") end
  if message:find("holds no secrets", 1, true) then
    return "take the secret out of the file, and make a new one: it may have been seen or backed up; `man moonkey`, PROFILES"
  end
  if message:find("no such field", 1, true) or message:find("expected", 1, true) then
    return "correct it; `man moonkey`, PROFILES"
  end
  if message:find("cannot read", 1, true) then return "give it to yourself: chown and chmod u+r" end
  return "mend the file; `moonkey profile list` reads it, and sends nothing"
end

-- All that is wrong in the file. Its profiles, where they can be told of.
local function examine_file(case, path)
  local found, default, mistakes = profiles.examine(path)
  if not found then
    case:problem("configuration", default, remedy_for(default))
    return nil
  end
  for _, mistake in ipairs(mistakes) do case:problem("configuration", mistake, remedy_for(mistake)) end
  if #mistakes > 0 then return nil end
  case:ok("configuration", ("%s: %d profile%s%s"):format(path, count(found), count(found) == 1 and "" or "s",
    default and (", default '%s'"):format(default) or ", no default"))
  return found
end

local function examine_profile(case)
  local profile, message = attempt(connect.find_profile, case.args)
  if message then
    case.blocked = "which profile is in force is not known"
    case:problem("profile", message, "name one that is there with -p or MOONKEY_PROFILE; `moonkey profile list` shows them")
  elseif profile then
    case.profile = profile
    case:ok("profile", ("'%s' is in force, by %s"):format(profile.name, profile.by))
  else
    case:ok("profile", "none is in force: flags and environment alone decide")
  end
end

local function examine_settings(case)
  local message
  case.settings, message = attempt(settings.collect, case.args, case.profile)
  if not message then return end
  case.blocked = "the settings cannot be used"
  case:problem("settings", message, "correct it in the profile; `man moonkey`, PROFILES")
end

return function(case)
  if case.emulated then
    case.settings = settings.collect(case.args, nil)
    return case:skipped("configuration", "--emulator uses none")
  end
  local path = profiles.path()
  case.path = path and sys.file_type(path) and path
  local asked, by = profiles.asked(case.args.profile)
  if case.path then
    case.profiles = examine_file(case, path)
    if not case.profiles then case.blocked = "the configuration cannot be used" end
  elseif not asked then
    case:ok("configuration", path and "there is no file " .. path .. ", and none is needed"
      or "neither XDG_CONFIG_HOME nor HOME is set, so there is no configuration file")
  else
    case.blocked = ("there is no profile '%s'"):format(asked)
    case:problem("configuration", ("%s asks for the profile '%s', but %s"):format(by, asked,
      path and "there is no file " .. path or "neither XDG_CONFIG_HOME nor HOME says where the file is"),
      path and "write the file (`man moonkey`, PROFILES), or do without " .. by or "set HOME, or do without " .. by)
  end
  if not case.blocked then examine_profile(case) end
  if not case.blocked then examine_settings(case) end
end
