--[[
What a list is asked for: the options of token.list as the query of its requests.

Source: api-contract, sections 4 and 7. Every page needs the same order, or rows would be on two pages or on none; so `id`,
which no two rows share, ends it. What is filtered or sorted by audit has to be selected.
]]
local nearest = require "moonkey.nearest"

local M = {}

local OPTIONS = { "where", "select", "order", "limit", "page_size" }
local MOST = 100 -- rows that the platform puts on one page
local LONGEST = 60000 -- bytes; below what one request may have, with room for the paging

-- ---- where ----

-- { status = "Active", … }: all of them have to be so.
local function equalities(where)
  local rql = require "moonkey.rql"
  local names = {}
  for name in next, where do
    if type(name) ~= "string" then
      return nil, ("where: expected properties such as status=, got a %s key"):format(type(name))
    end
    names[#names + 1] = name
  end
  table.sort(names)
  local parts = {}
  for i, name in ipairs(names) do
    local ok, part = pcall(rql.eq, name, where[name]) -- its own words are good ones
    if not ok then return nil, "where: " .. tostring(part) end
    parts[i] = part
  end
  if #parts == 0 then return "" end
  return tostring(rql.and_(table.unpack(parts)))
end

-- What would be taken for an option of the list itself has a place of its own. The text, or nil and what is wrong.
function M.check_text(where)
  local outside_quotes = where:gsub("(['\"]).-%1", "%1%1")
  for part in outside_quotes:gmatch("[^&]+") do
    local name = part:match("^%s*(%a+)%s*=")
    name = name and name:lower()
    if name == "limit" or name == "select" or name == "order" then
      return nil, ("where: '%s' is no condition; give it as %s = …"):format(part, name)
    elseif name == "offset" then
      return nil, ("where: '%s' is no condition; a list begins at its beginning"):format(part)
    end
  end
  return where
end

-- RQL as text, written anew so that a space or an "&" within quotes stays one; what is no RQL to us is for the platform to
-- judge.
local function of_text(where)
  local text, wrong = M.check_text(where)
  if not text then return nil, wrong end
  local rql = require "moonkey.rql"
  local expression = rql.parse(text)
  if expression then return tostring(expression), rql.uses(expression, "audit") end
  return text, text:lower():find("%f[%w]audit%f[%W]") ~= nil
end

-- The condition as it goes into the query, "" for none; and whether it is about audit.
local function condition(where)
  if where == nil then
    return "", false
  elseif type(where) == "string" then
    return of_text(where)
  elseif type(where) ~= "table" then
    return nil, ('where: expected an expression of moonkey.rql, RQL as text, or a table such as { status = "Active" }, got %s')
      :format("a " .. type(where))
  end
  local rql = require "moonkey.rql"
  if rql.is(where) then return tostring(where), rql.uses(where, "audit") end
  local text, wrong = equalities(where)
  return text, text and text:lower():find("[(,]audit[.,]") ~= nil or wrong
end

-- ---- select and order ----

-- "a,-b" or { "a", "-b" } as a list of names with their signs; nil and what is wrong.
local function names_of(option, value)
  local names = {}
  if value == nil then return names end
  if type(value) == "string" then
    for name in value:gmatch("[^,]+") do names[#names + 1] = name end
  elseif type(value) == "table" and not next(value, #value > 0 and #value or nil) then
    table.move(value, 1, #value, 1, names)
  else
    return nil, ("%s: expected names such as %q, in a string or a list, got %s"):format(option, "-name,id",
      type(value) == "table" and "a table with gaps or named fields" or "a " .. type(value))
  end
  for i, name in ipairs(names) do
    local trimmed = type(name) == "string" and name:match("^%s*([+-]?[%w$*][%w_.$*]*)%s*$")
    if not trimmed then
      return nil, ("%s: expected a name such as %q, got %s"):format(option, "name",
        type(name) == "string" and ("%q"):format(name) or "a " .. type(name))
    end
    names[i] = trimmed
  end
  return names
end

local function bare(name)
  return name:gsub("^[+-]", ""):lower()
end

local function is_audit(name)
  return bare(name):find("^audit%f[^%w]") ~= nil
end

-- A raw plus sign would arrive as a space.
local function parameter(name, names)
  return #names > 0 and ("%s=%s"):format(name, (table.concat(names, ","):gsub("%+", "%%2B"))) or nil
end

local function select_audit(names)
  local kept = {}
  for _, name in ipairs(names) do
    if bare(name) ~= "audit" then kept[#kept + 1] = name end
  end
  kept[#kept + 1] = "audit"
  return kept
end

local function order_by(order)
  local names, wrong = names_of("order", order)
  if not names then return nil, wrong end
  local by_audit, by_id = false, false
  for _, name in ipairs(names) do
    by_audit, by_id = by_audit or is_audit(name), by_id or bare(name) == "id"
  end
  if not by_id then names[#names + 1] = "id" end
  return names, by_audit
end

-- ---- numbers ----

local function whole_number(name, value, least, most)
  if value == nil then return true end
  if math.type(value) == "integer" and value >= least and value <= most then return true end
  local range = most == math.maxinteger and ("%d or more"):format(least) or ("%d to %d"):format(least, most)
  return nil, ("%s: expected a whole number, %s, got %s"):format(name, range,
    type(value) == "number" and tostring(value) or "a " .. type(value))
end

local function check_names(options)
  for name in next, options do
    local known = false
    for _, option in ipairs(OPTIONS) do known = known or name == option end
    if not known and type(name) ~= "string" then
      return nil, ("expected options such as where=, got a %s key"):format(type(name))
    elseif not known then
      local near = nearest(name, OPTIONS)
      return nil, ("unknown option '%s'; %s"):format(name, near and ("did you mean '%s'?"):format(near)
        or "there are " .. table.concat(OPTIONS, ", "))
    end
  end
  return true
end

-- ---- all of it ----

-- { text = the query but for limit and offset, limit = rows in all or nil, page_size = rows } | nil, what is wrong
function M.build(options)
  if options == nil then options = {} end
  if type(options) ~= "table" then
    return nil, ("expected a table of options, such as { where = … }, got a %s"):format(type(options))
  end
  local known, wrong = check_names(options)
  if not known then return nil, wrong end
  local where, of_audit = condition(options.where)
  if not where then return nil, of_audit end
  local selected, order, by_audit, numbers
  selected, wrong = names_of("select", options.select)
  if not selected then return nil, wrong end
  order, by_audit = order_by(options.order)
  if not order then return nil, by_audit end
  numbers, wrong = whole_number("limit", options.limit, 0, math.maxinteger)
  if not numbers then return nil, wrong end
  numbers, wrong = whole_number("page_size", options.page_size, 1, MOST)
  if not numbers then return nil, wrong end
  if of_audit or by_audit then selected = select_audit(selected) end
  local parts = { where ~= "" and where or nil }
  parts[#parts + 1] = parameter("select", selected)
  parts[#parts + 1] = parameter("order", order)
  local text = table.concat(parts, "&")
  if #text > LONGEST then
    return nil, ("where: too long for one request (%d bytes; %d are the most): ask for less at a time"):format(#text, LONGEST)
  end
  return { text = text, limit = options.limit, page_size = options.page_size or MOST }
end

return M
