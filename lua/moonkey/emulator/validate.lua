-- The rules for the fields of a token that a client writes. A field is absent, null (json.null) or a value: three different
-- things.
local json = require "moonkey.json"

local M = {}

local MAX_NAME, MAX_DESCRIPTION = 200, 2000 -- characters

-- Beyond ASCII whatever is not in a block of punctuation, symbols or pictures passes for a letter.
local function is_letter(code)
  return code >= 0xC0 and code ~= 0xD7 and code ~= 0xF7 and not (code >= 0x2000 and code <= 0x2BFF)
    and not (code >= 0x3000 and code <= 0x303F) and not (code >= 0xE000 and code <= 0xF8FF) and code < 0x1F000
end

local function name_error(name)
  if name == json.null then
    return "The name cannot be null."
  elseif type(name) ~= "string" then
    return "The name must be a string."
  elseif not name:find("%S") then
    return "The name cannot be empty."
  elseif #name > MAX_NAME and utf8.len(name) > MAX_NAME then
    return "The name must be at most 200 characters long."
  end
  local rest = name:gsub("[%w %-.'\"]+", "")
  for _, code in utf8.codes(rest) do
    if not is_letter(code) then
      return "The name may contain only letters, digits, spaces and the characters - . ' \"."
    end
  end
end

local function text_error(value, field, most)
  if value == nil or value == json.null then
    return nil
  elseif type(value) ~= "string" then
    return ("The %s must be a string or null."):format(field)
  elseif most and #value > most and utf8.len(value) > most then
    return ("The %s must be at most %d characters long."):format(field, most)
  end
end

-- Why a module cannot be given to an account of that type; nil when it can.
local function module_error(id, store, account_type)
  if type(id) ~= "string" then
    return "Each module must be an object with an id."
  end
  local module = store:module(id)
  if not module then
    return ("Module '%s' does not exist."):format(id)
  elseif module.types and not module.types[account_type] then
    return ("Module '%s' is not available to the account."):format(id)
  end
end

-- -> array of ids, each once. What is wrong with one of the list is told at its place, as in modules[0].id.
local function module_ids(modules, store, account_type, refuse)
  if not json.is_array(modules) then
    refuse("modules", "The modules must be a list of objects with an id.")
    return nil
  end
  local ids, seen = {}, {}
  for i, item in ipairs(modules) do
    local id = type(item) == "table" and item.id
    local message = module_error(id, store, account_type)
    if message then
      refuse(("modules[%d].id"):format(i - 1), message)
    elseif not seen[id] then
      ids[#ids + 1], seen[id] = id, true
    end
  end
  return ids
end

-- The extensions that a token may act through: null for all of them. Which ones there are, nobody here knows.
-- -> JSON text or json.null
local function extension_ids(extensions, refuse)
  if extensions == json.null then
    return extensions
  elseif not json.is_array(extensions) then
    refuse("extensions", "The extensions must be null, or a list of objects with an id.")
    return nil
  end
  local ids = json.array({})
  for i, item in ipairs(extensions) do
    ids[i] = { id = type(item) == "table" and item.id or nil }
    if type(ids[i].id) ~= "string" then
      refuse(("extensions[%d].id"):format(i - 1), "Each extension must be an object with an id.")
      return nil
    end
  end
  return json.encode(ids)
end

M.NAMES = {
  account = "account", name = "name", description = "description", icon = "icon", modules = "modules",
  extensions = "extensions",
}

-- fields(body, store, account_type, creating)
-- -> { name, description, icon, modules = array of ids, extensions = JSON text or null }, as far as given
-- | nil, errors
function M.fields(body, store, account_type, creating)
  local errors
  local function refuse(field, message)
    if message then
      errors = errors or {}
      errors[field] = json.array({ message })
    end
  end
  local fields = { name = body.name, description = body.description, icon = body.icon }
  if body.name ~= nil then
    refuse("name", name_error(body.name))
  elseif creating then
    refuse("name", "The name is required.")
  end
  refuse("description", text_error(body.description, "description", MAX_DESCRIPTION))
  refuse("icon", text_error(body.icon, "icon"))
  if body.modules ~= nil then
    fields.modules = module_ids(body.modules, store, account_type, refuse)
  end
  if body.extensions ~= nil then
    fields.extensions = extension_ids(body.extensions, refuse)
  end
  if errors then
    return nil, errors
  end
  return fields
end

return M
