--[[
moonkey.rql: expressions of the platform's query language, built from values, so that nobody has to quote anything.

  local rql = require "moonkey.rql"
  local unused = rql.eq("status", "Active") & rql.lt("lastAccessAt", os.time() - 90 * 86400)
  for tok in token.list{ where = unused | rql.contains("name", "robot") } do … end

Misuse raises at the caller's line.
]]
local json = require "moonkey.json"
local parser = require "moonkey.rql.parser"
local time = require "moonkey.time"
local tree = require "moonkey.rql.tree"
local wire = require "moonkey.rql.wire"

local M = { null = tree.null, empty = tree.empty, is = tree.is }

local HERE = debug.getinfo(1, "S").source

-- Raise where this module was called from.
local function refuse(name, message, ...)
  local level = 2
  while (debug.getinfo(level, "S") or {}).source == HERE do
    level = level + 1
  end
  error(("rql.%s: "):format(name) .. message:format(...), level)
end

-- ---- arguments ----

-- Letters and digits, in parts that dots join and letters begin.
local function is_property(text)
  return type(text) == "string" and not text:find("[^%w.]") and not ("." .. text .. "."):find("%.[^%a]")
end

local function check_property(name, property)
  if not is_property(property) then
    refuse(name, "expected the name of a property, such as \"status\" or \"account.id\", got %s",
      type(property) == "string" and ("%q"):format(property) or type(property))
  end
end

local function is_date(property)
  property = property:lower()
  return property == "lastaccessat" or property:find("%.at$") ~= nil or property == "at"
end

local function text_of_number(name, number, property)
  if number ~= number or number == math.huge or number == -math.huge then
    refuse(name, "%s cannot be compared with anything", tostring(number))
  elseif is_date(property) then
    local ok, text = pcall(time.format, number)
    return ok and text or refuse(name, "%s is compared with seconds since 1970, of a year from 0 to 9999", property)
  end
  return math.type(number) == "integer" and ("%d"):format(number) or ("%.17g"):format(number)
end

local function check_quotes(name, text)
  if not wire.quotable(text) then
    refuse(name, "a value with both ' and \" cannot be written in RQL, which has no escape for quotes;"
      .. " use rql.contains with a part of it")
  end
  return text
end

local function text_of(name, value, property)
  local kind = type(value)
  if kind == "string" then
    return check_quotes(name, value)
  elseif kind == "number" then
    return text_of_number(name, value, property)
  elseif kind == "boolean" then
    return tostring(value)
  elseif value == nil then
    refuse(name, "the value for %s is nil; rql.null is what a missing value is compared with", property)
  end
  refuse(name, "the value for %s must be a string, a number or a boolean, got %s%s", property, kind,
    kind == "userdata" and "; of a secret, secret.reveal gives the text" or "")
end

local function check_expression(name, value)
  if not tree.is(value) then
    refuse(name, "expected an expression, as rql.eq(…) or rql.parse(text) make them, got %s", type(value))
  end
end

-- ---- comparing ----

local function comparison(op)
  return function(property, value)
    check_property(op, property)
    if value == json.null then
      value = tree.null
    elseif value ~= tree.null and value ~= tree.empty then
      value = text_of(op, value, property)
    end
    return tree.new({ op = op, property = property, value = value })
  end
end

for _, op in ipairs({ "eq", "ne", "gt", "ge", "lt", "le" }) do
  M[op] = comparison(op)
end

local function search(op)
  return function(property, pattern)
    check_property(op, property)
    if type(pattern) ~= "string" then
      refuse(op, "expected a pattern such as \"robot*\", got %s", type(pattern))
    end
    return tree.new({ op = op, property = property, value = check_quotes(op, pattern) })
  end
end

M.like, M.ilike = search("like"), search("ilike")

local function list(op)
  return function(property, values)
    check_property(op, property)
    if type(values) ~= "table" or tree.is(values) or values == tree.null or values == tree.empty then
      refuse(op, "expected a list of values, got %s", type(values))
    elseif #values == 0 then
      refuse(op, "the list of values is empty, which the platform refuses")
    end
    local texts = {}
    for i = 1, #values do
      texts[i] = text_of(op, values[i], property)
    end
    return tree.new({ op = op, property = property, values = texts })
  end
end

M.in_, M.out = list("in"), list("out")
M["in"] = M.in_

-- ---- parts of a text ----

-- Does case matter?
local function minds_case(name, options)
  if options == nil then
    return false
  elseif type(options) ~= "table" then
    refuse(name, "expected options such as { case = true }, got %s", type(options))
  end
  for key in pairs(options) do
    if key ~= "case" then
      refuse(name, "there is no option %s, only case", tostring(key))
    end
  end
  return options.case
end

-- `*` is a wildcard at the ends only, and `\*` a star only there: some texts with a backslash at an end cannot be asked for.
local function part(name, before, after)
  return function(property, text, options)
    check_property(name, property)
    if type(text) ~= "string" then
      refuse(name, "expected a text, got %s", type(text))
    elseif after == "*" and text:find("\\$") or before == "" and text:find("^\\%*") then
      refuse(name, "%q cannot be asked for in RQL: its backslash would make a text of the star beside it", text)
    end
    local pattern = check_quotes(name, text)
    if before == "" then
      pattern = pattern:gsub("^%*", "\\*")
    end
    if after == "" then
      pattern = pattern:gsub("%*$", "\\*")
    end
    local op = minds_case(name, options) and "like" or "ilike"
    return tree.new({ op = op, property = property, value = before .. pattern .. after })
  end
end

M.contains = part("contains", "*", "*")
M.starts_with = part("starts_with", "", "*")
M.ends_with = part("ends_with", "*", "")

-- ---- collections ----

function M.any(property, expression)
  check_property("any", property)
  if expression ~= nil then
    check_expression("any", expression)
  end
  return tree.new({ op = "any", property = property, item = expression })
end

function M.all(property, expression)
  check_property("all", property)
  check_expression("all", expression)
  return tree.new({ op = "all", property = property, item = expression })
end

-- ---- composing ----

local function composition(op)
  return function(...)
    local count = select("#", ...)
    if count == 0 then
      refuse(op, "expected at least one expression")
    end
    for i = 1, count do
      check_expression(op, (select(i, ...)))
    end
    return tree.group(op, { ... })
  end
end

M.and_, M.or_ = composition("and"), composition("or")
M["and"], M["or"] = M.and_, M.or_

function M.not_(expression)
  check_expression("not", expression)
  return tree.negated(expression)
end

M["not"] = M.not_

-- ---- the rest ----

-- Seconds since 1970 as the platform writes a time: UTC, with milliseconds.
function M.date(seconds)
  local ok, text = pcall(time.format, seconds)
  if not ok then
    refuse("date", "expected seconds since 1970, of a year from 0 to 9999, got %s", tostring(seconds))
  end
  return text
end

-- The value as it goes on the wire: quoted, and percent-encoded.
function M.quote(value)
  return wire.quoted(text_of("quote", value, "value"))
end

function M.equal(a, b)
  check_expression("equal", a)
  check_expression("equal", b)
  return tree.equal(a, b)
end

-- Does the expression name the property, or one below it?
function M.uses(expression, property)
  check_expression("uses", expression)
  check_property("uses", property)
  return tree.uses(expression, property)
end

-- What follows the "?" of a URL -> expression | nil, err; err has message, key and position.
function M.parse(text)
  if type(text) ~= "string" then
    refuse("parse", "expected a text, got %s", type(text))
  end
  return parser.parse(text)
end

return M
