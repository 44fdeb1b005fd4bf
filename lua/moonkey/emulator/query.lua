--[[
The query string of a list: limit, offset, order and select beside a filter, which is all the rest (api-contract, section 4).

As in every URL, "&" stands between parameters before anything is decoded, even where quotes are open: a value that was cut
there is none that a token could have.
]]
local filter = require "moonkey.emulator.query_filter"
local json = require "moonkey.json"
local order = require "moonkey.emulator.query_order"
local parser = require "moonkey.rql.parser"
local properties = require "moonkey.emulator.properties"
local select_fields = require "moonkey.emulator.query_select"
local tree = require "moonkey.rql.tree"
local values = require "moonkey.emulator.query_values"
local wire = require "moonkey.rql.wire"

local M = {}

local DEFAULT_LIMIT, MAX_LIMIT = 10, 100
local MAX_NUMBER = 2147483647
local CUT = "\u{FFFF}" -- stands for an "&" within quotes; no text of a token holds it

-- What a list of the resource leaves out unless it is asked for; `needs` has to be selected where a filter or an order uses it.
local RESOURCES = {
  ["api-tokens"] = { scope = properties.token, left_out = { audit = true, modules = true }, needs = "audit" },
  modules = { scope = properties.module, left_out = { accounttypes = true } },
}

-- Percent-decode a part of a path.
function M.decode(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local PARAMETERS = { limit = true, offset = true, order = true, select = true, query = true }

-- The quote that is open at the end of `text`, when `open` was at its beginning.
local function open_quote(text, open)
  for mark in text:gmatch("['\"]") do
    if not open then
      open = mark
    elseif open == mark then
      open = nil
    end
  end
  return open
end

-- -> { name = list of values } and the text of the filter
local function split(raw)
  local given, rest, open = {}, {}, nil
  for part in raw:gmatch("[^&]+") do
    local text = values.utf8(wire.decode(part))
    local name, value = text:match("^(%a+)=(.*)$")
    name = name and name:lower()
    if PARAMETERS[name] then
      given[name] = given[name] or {}
      table.insert(given[name], value)
    else
      rest[#rest + 1] = (rest[1] and (open and CUT or "&") or "") .. text
      open = open_quote(text, open)
    end
  end
  return given, table.concat(rest)
end

-- The first one given, as servers do.
local function number(given, name, default)
  local text = given[name] and given[name][1]
  if not text then
    return default
  end
  local value = text:find("^%d+$") and math.tointeger(tonumber(text))
  if value and value <= MAX_NUMBER then
    return value
  end
  return nil, { key = name, message = ("Cannot convert value: '%s'."):format(text) }
end

-- The filter, and each `query=`, as one expression; nil when there is none | nil, fault
local function expression(rest, queries)
  local all = {}
  for _, text in ipairs({ rest, table.unpack(queries or {}) }) do
    if text ~= "" then
      local parsed, fault = parser.tree(text)
      if not parsed then
        return nil, fault
      end
      all[#all + 1] = parsed
    end
  end
  return #all > 0 and tree.group("and", all) or nil
end

-- A list of { key, message } as the map of the platform's errors; what is said twice is there once.
local function error_map(faults)
  local map, said = {}, {}
  for _, fault in ipairs(faults) do
    local once = fault.key .. "\0" .. fault.message
    if not said[once] then
      said[once] = true
      map[fault.key] = map[fault.key] or json.array()
      table.insert(map[fault.key], fault.message)
    end
  end
  return map
end

-- May a path be used in a filter or an order?
local function permission(resource, selected)
  local needs = resource.needs
  if not needs or selected:asks_for(needs) then
    return function() return true end
  end
  return function(path)
    path = path:lower()
    return path ~= needs and path:sub(1, #needs + 1) ~= needs .. "."
  end
end

-- The parts that are SQL -> where (nil for all), args, order, and the paths that they use
local function translate(resource, given, rest, selected, faults)
  local may_use = permission(resource, selected)
  local parsed, fault = expression(rest, given.query)
  local wanted = filter.new(resource.scope, may_use)
  local where = parsed and wanted:expression(parsed)
  table.move(wanted.errors, 1, #wanted.errors, #faults + 1, faults)
  faults[#faults + 1] = fault
  local sorted = order.translate(table.concat(given.order or {}, ","), resource.scope, may_use, faults)
  for _, path in ipairs(sorted.used) do
    table.insert(wanted.used, path)
  end
  return where, wanted.args, sorted.sql, wanted.used
end

--[[
parse(raw query or nil, "api-tokens" or "modules") -> page | nil, errors

page: { offset =, limit =, where = SQL or nil, args = its values, order = SQL, select = see query_select.lua }
]]
function M.parse(raw, name)
  local resource = RESOURCES[name]
  local given, rest = split(raw or "")
  local faults, page = {}, {}
  for parameter, default in pairs({ offset = 0, limit = DEFAULT_LIMIT }) do
    local fault
    page[parameter], fault = number(given, parameter, default)
    faults[#faults + 1] = fault
  end
  local selected, fault = select_fields.read(given.select, resource.scope)
  faults[#faults + 1] = fault
  local used
  page.where, page.args, page.order, used = translate(resource, given, rest, selected, faults)
  if #faults > 0 then
    return nil, error_map(faults)
  end
  page.limit = math.min(page.limit, MAX_LIMIT)
  page.select = selected:shown(resource.left_out, used)
  return page
end

-- The `select=` of a single token or module, of which nothing is left out -> see query_select.lua | nil, errors
function M.parse_select(raw, name)
  local selected, fault = select_fields.read(split(raw or "").select, RESOURCES[name].scope)
  if fault then
    return nil, error_map({ fault })
  end
  return selected:shown({}, {})
end

return M
