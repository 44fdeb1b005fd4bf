-- Token objects in the API's own shape, from a file straight into the store. Refused is only what the store cannot hold: any
-- situation can be set up. A secret, an account or a status that is missing is made up; what no token has is left out.
local builtin = require "moonkey.emulator.builtin"
local json = require "moonkey.json"
local secrets = require "moonkey.emulator.secrets"

local M = {}

local EVENTS = { "created", "updated", "enabled", "disabled", "deleted" }
local BOM = "\xEF\xBB\xBF"

-- Errors of the file are raised as tables, and get the name of the file and the line on their way up.
local function refuse(format, ...)
  error({ format:format(...) })
end

local function text(value, what)
  if value == nil or value == json.null then
    return nil
  elseif type(value) == "table" then
    refuse("%s must be a string or null", what)
  end
  return tostring(value)
end

local function object(value, what)
  if value == nil or value == json.null then
    return {}
  elseif type(value) ~= "table" or json.is_array(value) then
    refuse("%s must be an object", what)
  end
  return value
end

local function account_of(value)
  local account = type(value) == "string" and { id = value } or object(value, "account")
  return {
    id = text(account.id, "account.id") or builtin.OPERATIONS.id, type = text(account.type, "account.type"),
    status = text(account.status, "account.status"), name = text(account.name, "account.name"),
    icon = text(account.icon, "account.icon"),
  }
end

-- The id of one of the modules; what the file says about a module holds for the whole store.
local function module_of(store, value, what)
  local module = type(value) == "string" and { id = value } or object(value, what)
  local id = text(module.id, what .. ".id")
  if not id or id == "" or id:find(";", 1, true) then
    refuse("%s must have an id, without a semicolon in it", what)
  end
  local settings, account_types = module.settings, module.accountTypes
  if account_types ~= nil and account_types ~= json.null and not json.is_array(account_types) then
    refuse("%s.accountTypes must be a list", what)
  end
  store:put_module({
    id = id, name = text(module.name, what .. ".name"), description = text(module.description, what .. ".description"),
    settings = settings ~= nil and settings ~= json.null and json.encode(object(settings, what .. ".settings")) or nil,
    account_types = json.is_array(account_types) and json.encode(account_types) or nil,
  })
  return id
end

local function modules_of(store, list)
  local ids = {}
  if list == nil or list == json.null then
    return ids
  elseif not json.is_array(list) then
    refuse("modules must be a list")
  end
  for i, item in ipairs(list) do
    ids[i] = module_of(store, item, ("modules[%d]"):format(i - 1))
  end
  return ids
end

local function add_audit(token, value)
  local audit = object(value, "audit")
  for _, name in ipairs(EVENTS) do
    local event = object(audit[name], "audit." .. name)
    token[name .. "_at"] = text(event.at, "audit." .. name .. ".at")
    token[name .. "_by"] = event.by ~= nil and event.by ~= json.null and json.encode(event.by) or nil
  end
end

local MASKED = "[redacted]" -- what moonkey shows in place of a secret

-- What an output of moonkey has instead of a secret is none.
local function secret_of(value)
  local secret = text(value, "token")
  return secret ~= MASKED and secret or nil
end

-- number: makes its secret, when it has none
local function add_token(store, value, number)
  local source = object(value, "a token")
  local id = text(source.id, "id")
  if not id or id == "" then
    refuse("the token has no id")
  elseif store:row("SELECT n FROM token WHERE id = ?", id) then
    refuse("token %s is there already", id)
  end
  local account = account_of(source.account)
  store:put_account(account)
  local token = {
    id = id, name = text(source.name, "name"), description = text(source.description, "description"),
    icon = text(source.icon, "icon"), status = text(source.status, "status") or "Active",
    secret = secret_of(source.token) or secrets.fixed(id, number),
    last_access_at = text(source.lastAccessAt, "lastAccessAt"), account = account.id,
    revision = math.tointeger(source.revision) or 1, modules = modules_of(store, source.modules),
  }
  if source.extensions ~= nil and source.extensions ~= json.null then
    token.extensions = json.encode(source.extensions)
  end
  add_audit(token, source.audit)
  store:add(token)
end

local function add_list(store, list)
  for i, value in ipairs(list) do
    local ok, err = pcall(add_token, store, value, i)
    if not ok then
      refuse("item %d of the list: %s", i, type(err) == "table" and err[1] or err)
    end
  end
end

-- One JSON text of the file: a token, a list of tokens, or a page as the API answers with.
local function add_text(store, line, number)
  local value, message = json.decode(line)
  if value == nil then
    refuse("%s (a seed is one JSON object a line, or one JSON array)", message)
  elseif json.is_array(value) then
    add_list(store, value)
  elseif type(value) == "table" and json.is_array(value.data) and value.id == nil then
    add_list(store, value.data)
  else
    add_token(store, value, number)
  end
end

-- Line by line, or the whole file as one text when it begins as a list, or as an object over many lines. at.line: where it is.
local function add_all(store, file, at)
  local line = file:read("L"):gsub("^" .. BOM, "")
  if line:find("^%s*%[") or line:find("^%s*{%s*$") then
    line = line .. (file:read("a") or "")
  end
  while line do
    at.line = at.line + 1
    if line:find("%S") then
      add_text(store, line, at.line)
    end
    line = file:read("L")
  end
end

-- -> the file, with something in it | nil, message
local function open(path)
  local file, message = io.open(path, "r")
  if not file then
    return nil, "cannot read the seed: " .. message
  end
  local something, reason = file:read(0) -- a directory can be opened, but not read
  if something then
    return file
  end
  file:close()
  return nil, reason and ("cannot read the seed: %s: %s"):format(path, reason)
    or path .. " is empty: a seed is one JSON object a line"
end

-- load(store, path), within the caller's transaction -> true | nil, message with the number of the line
function M.load(store, path)
  local file, message = open(path)
  if not file then
    return nil, message
  end
  builtin.put(store)
  local at = { line = 0 }
  local ok, err = pcall(add_all, store, file, at)
  file:close()
  if not ok then
    return nil, ("%s:%d: %s"):format(path, at.line, type(err) == "table" and err[1] or err)
  end
  return true
end

return M
