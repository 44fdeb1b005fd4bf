-- The query string of lists. Only paging and the selection of single fields so far; a filter is refused, because to leave it
-- out would change what the answer means.
local json = require "moonkey.json"

local M = {}

local DEFAULT_LIMIT, MAX_LIMIT = 10, 100

local function character(digits)
  return string.char(tonumber(digits, 16))
end

-- Percent-decode; in a query string, "+" is a space.
function M.decode(text, plus)
  if plus then
    text = text:gsub("%+", " ")
  end
  return (text:gsub("%%(%x%x)", character))
end

-- "modules,-token" -> { modules = true, token = false }: what is added to a list's tokens, and what is left out.
local function selection(text)
  local fields = {}
  for sign, name in text:gmatch("([+ -]?)([^,]+)") do fields[name:lower()] = sign ~= "-" end
  return fields
end

-- parse(raw query or nil) -> { offset =, limit =, select = { field = boolean } } | nil, errors
function M.parse(raw)
  local page = { offset = 0, limit = DEFAULT_LIMIT, select = {} }
  for part in (raw or ""):gmatch("[^&]+") do
    local name, value = part:match("^([%a]+)=(.*)$")
    name = name and name:lower()
    if name == "offset" or name == "limit" then
      value = M.decode(value, true)
      local number = value:find("^%d+$") and math.tointeger(tonumber(value))
      if not number then
        return nil, { [name] = json.array({ ("Cannot convert value: '%s'."):format(value) }) }
      end
      page[name] = number
    elseif name == "select" then
      page.select = selection(M.decode(value, true))
    else
      return nil, { rql_validation = json.array({
        "This version of the emulator has no filters and no order: only limit, offset and select.",
      }) }
    end
  end
  page.limit = math.min(page.limit, MAX_LIMIT)
  return page
end

return M
