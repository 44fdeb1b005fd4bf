-- What may stand in a profile of the configuration file, and what must not: secrets.
local nearest = require "moonkey.nearest"

local M = {}

M.SECRET_ADVICE = "a configuration file holds no secrets; put it into a file that only you can read and name that in"
  .. " credential_file, or name a command that prints it in credential_command"

-- Without what is neither a letter nor a digit: api_key, apiKey and API-Key are one.
local SECRET_NAMES = {
  accesskey = true, accesstoken = true, apikey = true, apitoken = true, auth = true, authorization = true, bearer = true,
  bearertoken = true, credential = true, credentials = true, credentialvalue = true, mptapitoken = true, passphrase = true,
  passwd = true, password = true, secret = true, token = true,
}

local OPAQUE = 32 -- a word of so many letters and digits, capitals and small ones, is no word of any language

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

local function base_url(value)
  if not text(value) then return nil, "a URL" end
  if value:find("[@?#]") then return nil, "scheme, host and path only; credential_file says where the credential is" end
  return value
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

-- Of the policy for scripts, which cli/restricted.lua checks: what it says names the profile.
local function texts(value)
  if type(value) ~= "table" then return nil, "a list of texts, in braces" end
  for _, item in pairs(value) do
    if not text(item) then return nil, "a list of texts, in braces" end
  end
  return value
end

local function directories(value, directory)
  local list, expected = texts(value)
  local named = {}
  for i, path in ipairs(list or {}) do named[i] = file_name(path, directory) end
  return list and named, expected
end

local function size(value)
  if math.type(value) == "integer" or text(value) then return value end
  return nil, 'bytes, or text such as "64M"'
end

-- A module of the user's: see moonkey.extension.
local function module_name(value)
  if type(value) == "string" and value:find("^[%a_][%w_%-]*$") then return value end
  return nil, 'the name of a module, such as "vault" of moonkey.credential.vault'
end

local function module_names(value)
  local list, expected = texts(value)
  for _, name in ipairs(list or {}) do
    if not module_name(name) then return nil, 'a list of names such as "naming" of moonkey.check.naming, in braces' end
  end
  return list, expected
end

-- Data for a module of the user's. Not the secret, under any name.
local function options(value)
  if type(value) ~= "table" then return nil, "options in braces" end
  for name, item in pairs(value) do
    if M.is_secret(name, item) then return nil, M.SECRET_ADVICE, true end
    if type(item) == "table" then
      local _, expected, is_secret = options(item)
      if expected then return nil, expected, is_secret end
    end
  end
  return value
end

local FIELDS = {
  checks = module_names, credential_options = options, credential_source = module_name,
  allow_api = texts, allow_env = texts, allow_read = directories, allow_secret = boolean, allow_write = directories,
  max_changes = whole_number, max_cpu = duration, max_cpu_total = duration, max_memory = size, restricted = boolean,
  base_url = base_url, cacert = file_name, cert = file_name, connect_timeout = duration, consent = consent,
  credential_command = text, credential_file = file_name, http2 = boolean, jobs = whole_number, key = file_name,
  max_time = duration, proxy = proxy, rate = rate, read_only = boolean, retry = whole_number,
}

M.NAMES = {} -- of all fields, sorted
for name in pairs(FIELDS) do M.NAMES[#M.NAMES + 1] = name end
table.sort(M.NAMES)

local function is_secret_name(name)
  return type(name) == "string" and SECRET_NAMES[name:lower():gsub("[^%a%d]", "")] or false
end

-- A word that nobody would write but as a secret.
local function has_opaque_word(value)
  for word in value:gmatch("%w+") do
    if #word >= OPAQUE and word:find("%d") and word:find("%u") and word:find("%l") then return true end
  end
  return false
end

-- A command that prints what it is told: what stands in the file. Not what it is told to find elsewhere, as in "$TOKEN".
local function is_echo(value)
  local program = value:match("^%s*(%S+)%s")
  program = program and program:match("[^/]*$")
  return (program == "echo" or program == "printf") and not value:find("[$`]")
end

-- Does this look like a secret, or like the name of one?
function M.is_secret(name, value)
  if is_secret_name(name) then return true end
  if type(value) ~= "string" then return false end
  return value:find("idt:[^:]*:%w") ~= nil or has_opaque_word(value) or name == "credential_command" and is_echo(value)
end

-- Is it itself what a profile is?
local function is_profile(value)
  if type(value) ~= "table" then return false end
  for _, name in ipairs(M.NAMES) do
    if value[name] ~= nil then return true end
  end
  return false
end

-- What is wrong with a field, or nil.
local function mistake_in(name, value)
  if M.is_secret(name, value) then return M.SECRET_ADVICE end
  if FIELDS[name] then return end
  if is_profile(value) then return "a profile within a profile; they stand at the top of the file: return { prod = { … } }" end
  if type(name) ~= "string" then return "a profile has named fields only, such as base_url = …" end
  local near = nearest(name, M.NAMES)
  return near and ("there is no such field; did you mean '%s'?"):format(near)
    or ("there is no such field; there are %s"):format(table.concat(M.NAMES, ", "))
end

local function shown(value)
  return type(value) == "table" and "a table" or type(value) == "string" and "other text" or "a " .. type(value)
end

-- The settings of a profile, checked. What is wrong is added to `mistakes`, begun with `where`. Relative names of files are
-- beside the configuration file, in `directory`.
function M.check(where, fields, directory, mistakes)
  local names, settings = {}, { where = where }
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for _, name in ipairs(names) do
    local mistake, checked, expected, is_secret = mistake_in(name, fields[name]), nil, nil, nil
    if not mistake then checked, expected, is_secret = FIELDS[name](fields[name], directory) end
    if is_secret then
      mistake = expected
    elseif expected then
      mistake = ("expected %s, got %s"):format(expected, shown(fields[name]))
    end
    if mistake then mistakes[#mistakes + 1] = ("%s: %s: %s"):format(where, name, mistake) else settings[name] = checked end
  end
  local sources = {}
  for _, name in ipairs{ "credential_file", "credential_command", "credential_source" } do
    if settings[name] then sources[#sources + 1] = name end
  end
  if #sources > 1 then
    mistakes[#mistakes + 1] = ("%s: %s exclude each other"):format(where, table.concat(sources, " and "))
  elseif settings.credential_options and not settings.credential_source then
    mistakes[#mistakes + 1] = ("%s: credential_options are for credential_source, which is not there"):format(where)
  end
  return settings
end

return M
