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
local nearest = require "moonkey.nearest"
local sys = require "moonkey.sys"

local M = {}

local SECRET_ADVICE = "a configuration file holds no secrets; put it into a file that only you can read and name that in"
  .. " credential_file, or name a command that prints it in credential_command"

local SECRET_NAMES = {
  access_token = true, api_key = true, api_token = true, authorization = true, bearer = true, credential = true,
  credentials = true, passwd = true, password = true, secret = true, token = true,
}

-- ---- fields: a check returns the value as it is to be used, or nil and what was expected

local function text(value)
  if type(value) == "string" and value ~= "" then return value end
  return nil, "some text"
end

-- A name that is neither absolute nor in the home directory is one beside the configuration file.
local function file_name(value, directory)
  if not text(value) then return nil, "the name of a file" end
  local home, rest = os.getenv("HOME"), value:match("^~(/.*)$")
  if rest and home then return home .. rest end
  return value:sub(1, 1) == "/" and value or directory .. "/" .. value
end

local function whole_number(value)
  if math.type(value) == "integer" then return value end
  return nil, "a whole number"
end

local function boolean(value)
  if type(value) == "boolean" then return value end
  return nil, "true or false"
end

local function rate(value)
  if text(value) then return value end
  return nil, 'text such as "50/s" or "100/m"'
end

local function duration(value)
  if type(value) == "number" or text(value) then return value end
  return nil, 'seconds, or text such as "500ms" or "20s"'
end

local function proxy(value)
  if not text(value) then return nil, "a URL" end
  if value:find("@", 1, true) then return nil, "a URL without a password; one with it belongs into HTTPS_PROXY" end
  return value
end

local function consent(value)
  if value == "yes" or value == "account" then return value end
  return nil, '"yes" or "account"'
end

local FIELDS = {
  base_url = text, cacert = file_name, cert = file_name, connect_timeout = duration, consent = consent,
  credential_command = text, credential_file = file_name, http2 = boolean, jobs = whole_number, key = file_name,
  max_time = duration, proxy = proxy, rate = rate, read_only = boolean, retry = whole_number,
}

local function sorted_names(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local FIELD_NAMES = sorted_names(FIELDS)

local function is_secret(name, value)
  return type(name) == "string" and SECRET_NAMES[name:lower()] or type(value) == "string" and value:find("idt:[^:]*:%w") ~= nil
end

-- What is wrong with a field, or nil.
local function mistake_in(name, value)
  if is_secret(name, value) then return SECRET_ADVICE end
  if FIELDS[name] then return end
  if type(name) ~= "string" then return "a profile has named fields only, such as base_url = …" end
  local near = nearest(name, FIELD_NAMES)
  return near and ("there is no such field; did you mean '%s'?"):format(near)
    or ("there is no such field; there are %s"):format(table.concat(FIELD_NAMES, ", "))
end

-- The settings of a profile, checked; nil and what is wrong. `where` begins the messages.
local function check_profile(where, fields, directory)
  local names, settings = {}, { where = where }
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for _, name in ipairs(names) do
    local value = fields[name]
    local mistake = mistake_in(name, value)
    if mistake then return nil, ("%s: %s: %s"):format(where, name, mistake) end
    local checked, expected = FIELDS[name](value, directory)
    settings[name] = checked
    if expected then
      local got = type(value) == "table" and "a table" or type(value) == "string" and "other text" or "a " .. type(value)
      return nil, ("%s: %s: expected %s, got %s"):format(where, name, expected, got)
    end
  end
  if settings.credential_file and settings.credential_command then
    return nil, ("%s: credential_file and credential_command exclude each other"):format(where)
  end
  return settings
end

-- ---- the file

local function set(value)
  return value ~= nil and value ~= "" and value or nil
end

-- Its name; nil where there is no home. The XDG specification has relative paths ignored.
local function place()
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
  local ok, value = pcall(chunk)
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

-- All profiles of a file by name, and the name of the default one, or nil; nil and a message where any of them is wrong.
function M.read(path)
  local config, problem = read_file(path)
  if not config then return nil, problem end
  local profiles, default, directory = {}, config.default, path:match("^(.*)/")
  for name, fields in pairs(config) do
    if name ~= "default" then
      if type(name) ~= "string" or type(fields) ~= "table" then
        return nil, ("%s: %s: expected NAME = { … }, a profile%s"):format(path, tostring(name),
          is_secret(name, fields) and "; " .. SECRET_ADVICE or "")
      end
      profiles[name] = fields
    end
  end
  for _, name in ipairs(sorted_names(profiles)) do
    local message
    profiles[name], message = check_profile(("%s: profile '%s'"):format(path, name), profiles[name], directory)
    if message then return nil, message end
    profiles[name].name = name
  end
  if default ~= nil and not (type(default) == "string" and profiles[default]) then
    return nil, ("%s: default: expected the name of one of the profiles: %s")
      :format(path, table.concat(sorted_names(profiles), ", "))
  end
  return profiles, default
end

local function unknown(path, name, profiles)
  local names = sorted_names(profiles)
  local near = nearest(name, names)
  return ("there is no profile '%s' in %s; %s%s"):format(name, path,
    #names == 0 and "it has none" or "it has " .. table.concat(names, ", "),
    near and (" - did you mean '%s'?"):format(near) or "")
end

--[[
M.find(name): the settings of that profile, or of the default one where name is nil: its fields, `name`, and `where` to begin
messages with. Nothing where no profile was asked for and there is none; nil and a message for what is wrong.
]]
function M.find(name)
  local path = place()
  if not path or not sys.file_type(path) then
    if not name then return nil end
    return nil, ("there is no profile '%s': %s"):format(name, path and "there is no file " .. path or "HOME is not set")
  end
  local profiles, default = M.read(path)
  if not profiles then return nil, default end
  name = name or default
  if name == nil then return nil end
  if not profiles[name] then return nil, unknown(path, name, profiles) end
  return profiles[name]
end

return M
