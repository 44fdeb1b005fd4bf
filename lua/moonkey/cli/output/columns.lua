-- Columns of a table or a CSV file: where in an object their values are, and how they are shown.
local json = require "moonkey.json"

local M = {}

-- The value at a path such as "account.id"; of a list, the values of its items.
local function at(object, path)
  local value = object
  for name in path:gmatch("[^.]+") do
    if type(value) ~= "table" then return nil end
    if json.is_array(value) then
      local found = json.array()
      for _, item in ipairs(value) do found[#found + 1] = type(item) == "table" and item[name] or nil end
      value = found
    else
      value = value[name]
    end
  end
  return value
end

local function item_text(value)
  if type(value) == "table" and type(value.id) == "string" then return value.id end
  return type(value) == "table" and json.encode(value) or tostring(value)
end

-- Any value as text for people: of objects their ids, of times no fractions of a second.
local function shown(value)
  if value == nil then return "" end
  if type(value) == "boolean" then return value and "yes" or "no" end
  if json.is_array(value) then
    local items = {}
    for i, item in ipairs(value) do items[i] = item_text(item) end
    return table.concat(items, ", ")
  end
  return (item_text(value):gsub("^(%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d)%.%d+Z$", "%1Z"))
end

-- A column for the path `name`. options: title of the table's column; none: what is shown where there is no value.
function M.new(name, options)
  options = options or {}
  local none = options.none or ""
  return {
    name = name,
    title = options.title or name:upper(),
    value = function(object) return at(object, name) end,
    text = function(object)
      local text = shown(at(object, name))
      return text == "" and none or text
    end,
  }
end

return M
