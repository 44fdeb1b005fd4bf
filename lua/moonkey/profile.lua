--[[
Profiles: named settings in $XDG_CONFIG_HOME/moonkey/config.lua, or else ~/.config/moonkey/config.lua. The file returns a
table of them; `default` may name the one that is used where none is asked for:

  return {
    default = "test",
    test = { base_url = "https://api.test.example.com", credential_file = "~/.secrets/test", jobs = 5 },
    production = { credential_command = "pass show marketplace", rate = "20/s", consent = "account" },
  }

It is data: nothing that it could call is there. It says where a credential is, never what it is.
]]
local fields = require "moonkey.profile_fields"
local nearest = require "moonkey.nearest"
local sorted_keys = require "moonkey.sorted_keys"
local sys = require "moonkey.sys"

local M = {}

local STEPS = 1000000 -- of Lua's virtual machine: more than any data needs

local function set(value)
  return value ~= nil and value ~= "" and value or nil
end

-- The name of the file; nil where there is no home. The XDG specification has relative paths ignored.
function M.path()
  local base = set(os.getenv("XDG_CONFIG_HOME"))
  if not base or base:sub(1, 1) ~= "/" then
    local home = set(os.getenv("HOME"))
    base = home and home .. "/.config"
  end
  return base and base .. "/moonkey/config.lua"
end

-- A message of Lua's may quote a string, which may be a secret.
local function unquoted(message)
  return (tostring(message):gsub("near '[\"'%[%d].*$", "near some text"):gsub(" %(constant '.*'%)", ""))
end

-- What the chunk returns; nil and what is wrong.
local function evaluate(path, source)
  local chunk, message = load(source, "@" .. path, "t", {})
  if not chunk then return nil, unquoted(message) end
  debug.sethook(function() error(path .. ": it does not come to an end", 0) end, "", STEPS)
  local ok, value = pcall(chunk)
  debug.sethook()
  if not ok then return nil, unquoted(value) .. "; the file is data, and nothing is there that it could call" end
  if type(value) ~= "table" then
    return nil, ("%s: expected `return { NAME = { … } }`, a table of profiles; it returns a %s"):format(path, type(value))
  end
  return value
end

local function read_file(path)
  local file, message = io.open(path, "rb")
  if not file then return nil, ("cannot read the configuration file %s"):format(message) end
  local source
  source, message = file:read("a")
  file:close()
  if not source then return nil, ("cannot read the configuration file %s: %s"):format(path, message) end
  local mode = sys.file_mode(path)
  if mode and mode & 2 ~= 0 then -- it names a command to run, and where a credential is sent
    return nil, ("the configuration file %s can be changed by everyone; run: chmod o-w %s"):format(path, path)
  end
  return evaluate(path, source)
end

-- All profiles of a file by name, the name of the default one or nil, and all that is wrong, as a list of messages; nil and a
-- message where there are none to be told of.
function M.examine(path)
  local config, problem = read_file(path)
  if not config then return nil, problem end
  local profiles, default, directory, mistakes = {}, config.default, path:match("^(.*)/"), {}
  for name, settings in pairs(config) do
    if name ~= "default" and type(name) == "string" and type(settings) == "table" then
      profiles[name] = settings
    elseif name ~= "default" then
      mistakes[#mistakes + 1] = ("%s: %s: expected NAME = { … }, a profile%s"):format(path, tostring(name),
        fields.is_secret(name, settings) and "; " .. fields.SECRET_ADVICE or "")
    end
  end
  for _, name in ipairs(sorted_keys(profiles)) do
    profiles[name] = fields.check(("%s: profile '%s'"):format(path, name), profiles[name], directory, mistakes)
    profiles[name].name = name
  end
  if default ~= nil and not (type(default) == "string" and profiles[default]) then
    mistakes[#mistakes + 1] = ("%s: default: expected the name of one of the profiles: %s")
      :format(path, table.concat(sorted_keys(profiles), ", "))
  end
  return profiles, default, mistakes
end

-- All profiles of a file by name, and the name of the default one, or nil; nil and a message where any of them is wrong.
function M.read(path)
  local profiles, default, mistakes = M.examine(path)
  if not profiles then return nil, default end
  if mistakes[1] then return nil, mistakes[1] end
  return profiles, default
end

-- What to say of a name that none of them has.
function M.unknown(path, name, profiles)
  local names = sorted_keys(profiles)
  local near = nearest(name, names)
  return ("there is no profile '%s' in %s; %s%s"):format(name, path,
    #names == 0 and "it has none" or "it has " .. table.concat(names, ", "),
    near and (" - did you mean '%s'?"):format(near) or "")
end

-- The name of the profile that is asked for, and by what: "-p" (with `flag`, its value) or "MOONKEY_PROFILE". nil: the default
-- one, where there is one.
function M.asked(flag)
  if flag then return flag, "-p" end
  local name = set(os.getenv("MOONKEY_PROFILE"))
  return name, name and "MOONKEY_PROFILE"
end

--[[
M.find(name): the settings of that profile, or of the default one where name is nil: its fields, `name`, and `where` to begin
messages with. Nothing where no profile was asked for and there is none; nil and a message for what is wrong.
]]
function M.find(name)
  local path = M.path()
  if not path or not sys.file_type(path) then
    if not name then return nil end
    return nil, ("there is no profile '%s': %s"):format(name, path and "there is no file " .. path or "HOME is not set")
  end
  local profiles, default = M.read(path)
  if not profiles then return nil, default end
  name = name or default
  if name == nil then return nil end
  if not profiles[name] then return nil, M.unknown(path, name, profiles) end
  return profiles[name]
end

return M
