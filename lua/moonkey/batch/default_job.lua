-- What a row means without --job: token.update of the row's fields. A wrong row is refused before anything is sent.
local json = require "moonkey.json"
local nearest = require "moonkey.nearest"
local token = require "moonkey.token"

local M = {}

local COLUMNS = { "id", "name", "description", "icon", "modules" }
local null = json.null

local function did_you_mean(name)
  local near = nearest(name, COLUMNS)
  return near and (' (did you mean "%s"?)'):format(near) or ""
end

local function text(field, value)
  if type(value) == "string" then return end
  if value == null then return ('"%s" cannot be null: a token always has one'):format(field) end
  return ('"%s" must be a string, not a %s'):format(field, type(value))
end

local function text_or_null(field, value)
  if type(value) == "string" or value == null then return end
  return ('"%s" must be a string or null, not a %s'):format(field, type(value))
end

local function module_ids(field, value)
  if type(value) ~= "table" then
    return ('"%s" must be a list of module ids such as ["MOD-1756"] (empty: no modules)'):format(field)
  end
  local count = 0
  for key, item in pairs(value) do
    local id = type(item) == "table" and item.id or item
    if math.type(key) ~= "integer" or type(id) ~= "string" or id == "" then
      return ('"%s" must hold module ids such as "MOD-1756"'):format(field)
    end
    count = count + 1
  end
  if count ~= #value then return ('"%s" must be a list without gaps'):format(field) end
end

local CHECKS = { name = text, description = text_or_null, icon = text_or_null, modules = module_ids }

-- nil for a row that can be sent; otherwise the kind of mistake, and the mistake. The column `error` is what `runs results`
-- adds to rows that failed, and says nothing to us.
function M.check(row)
  row.error = nil
  local id, fields = row.id, 0
  for field, value in next, row do
    if field ~= "id" then
      local check = CHECKS[field]
      if not check then
        local hint = did_you_mean(tostring(field))
        return "unknown column", ('there is no field "%s" to write%s'):format(field, hint)
      end
      local mistake = check(field, value)
      if mistake then return "wrong value", mistake end
      fields = fields + 1
    end
  end
  if id == nil or id == "" then return "no id", 'the row has no "id": nothing says which token to change' end
  if type(id) ~= "string" then return "wrong value", '"id" must be a string such as "TKN-1234-5678"' end
  if fields == 0 then return "nothing to change", "the row has an id, but no field to write" end
end

local OPTIONS = { reply = false } -- the result of a row has no place for the token

function M.run(row)
  local id = row.id
  row.id = nil
  return token.update(id, row, OPTIONS)
end

-- What is wrong with the columns of a CSV file as a whole: an error, or nil and a list of warnings.
function M.check_columns(columns)
  local has_id, warnings = false, {}
  for _, name in ipairs(columns) do
    if name == "id" then
      has_id = true
    elseif name ~= "" and name ~= "error" and not CHECKS[name] then
      warnings[#warnings + 1] = ('column "%s" is not a field of a token%s; each row with a value there will fail')
        :format(name, did_you_mean(name))
    end
  end
  if has_id then return nil, warnings end
  return ('no column is called "id" (they are: %s); the first line must name the columns, such as id,name,description')
    :format(table.concat(columns, ", "):sub(1, 100))
end

return M
