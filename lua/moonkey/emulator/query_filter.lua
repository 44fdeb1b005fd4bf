--[[
Filters to SQL. Names come from properties.lua only, and every value is bound, so no query can say anything to the database but
what RQL can say. ilike tells letters of ASCII from each other without regard to case, and all others with it.

A comparison with null is false, whatever the operator; not() turns it round. SQL's third truth value would be neither, so
within a not() each comparison is made to be true or false; elsewhere that changes nothing, and the plain form can use an index.
]]
local properties = require "moonkey.emulator.properties"
local tree = require "moonkey.rql.tree"
local values = require "moonkey.emulator.query_values"

local M = {}

M.MAX_TERMS = 500 -- comparisons of a query; SQLite takes expressions of a depth of 1000

local NOTHING = "0"

local Filter = {}
Filter.__index = Filter

-- A translation notes `used`, the paths that it uses, and `errors`, a list of { key, message }.
-- may_use(path) says whether a path may be used here.
function M.new(scope, may_use)
  return setmetatable({ scope = scope, prefix = "", args = {}, errors = {}, used = {}, terms = 0, may_use = may_use }, Filter)
end

-- Note an error; what stands for the comparison is never run.
function Filter:refuse(key, message)
  self.errors[#self.errors + 1] = { key = key, message = message }
  return NOTHING
end

function Filter:invalid(part)
  return type(part) == "table" and part.op == "invalid" and self:refuse(part.key, part.message) or nil
end

function Filter:bind(value)
  self.args[#self.args + 1] = value
  return "?"
end

function Filter:certain(sql)
  return self.negated and "(" .. sql .. ") IS TRUE" or sql
end

-- ---- properties ----

function Filter:use(path)
  local full = self.prefix .. path
  if not self.may_use(full) then
    self:refuse(full, ("Filtering is not permitted without select=%s."):format(full:match("^[^.]*"):lower()))
  end
  self.used[#self.used + 1] = full
end

-- The property of a path, or nil and the SQL that stands for what was refused.
function Filter:property(path)
  local sql = self:invalid(path)
  if sql then
    return nil, sql
  end
  local property, missing = properties.find(self.scope, path)
  if not property then
    local key = self.prefix .. missing
    return nil, self:refuse(key ~= "" and key or "rql_validation", "Invalid property path.")
  end
  self:use(path)
  return property
end

-- The property that an unquoted value names, when it can be compared with the other.
function Filter:named(value, other)
  local property = type(value) == "table" and value.word and properties.find(self.scope, value.word)
  if property and property.sql and property.kind == other.kind then
    self:use(value.word)
    return property
  end
end

-- ---- comparisons ----

local SYMBOLS = { eq = "=", ne = "<>", gt = ">", ge = ">=", lt = "<", le = "<=" }
local NAMES = { gt = "Gt", ge = "Ge", lt = "Lt", le = "Le" }

local function text_of(value)
  if value == tree.empty then
    return ""
  end
  return type(value) == "table" and value.word or value
end

function Filter:compare_null(op, property)
  if property.required then
    return self:refuse("rql_validation", "Cannot compare non nullable property with null")
  elseif op ~= "eq" and op ~= "ne" then
    return NOTHING
  elseif not property.sql then -- an object or a collection always is there
    return op == "ne" and "1" or NOTHING
  end
  return property.sql .. (op == "eq" and " IS NULL" or " IS NOT NULL")
end

function Filter:compare(node)
  local property, refused = self:property(node.property)
  if not property then
    return refused
  end
  local other = self:named(node.value, property)
  if other then
    return self:certain(("%s %s %s"):format(property.sql, SYMBOLS[node.op], other.sql))
  elseif node.value == tree.null then
    return self:compare_null(node.op, property)
  elseif self:invalid(node.value) then
    return NOTHING
  elseif property.kind == "boolean" and NAMES[node.op] then
    return self:refuse("rql_validation", ("Operator '%s' is not permitted"):format(NAMES[node.op]))
  end
  local value, message = values.convert(text_of(node.value), property)
  if message then
    return self:refuse("rql_validation", message)
  elseif value == nil then
    return self:compare_null(node.op, property)
  end
  return self:certain(("%s %s %s"):format(property.sql, SYMBOLS[node.op], self:bind(value)))
end

-- ---- lists of values ----

function Filter:one_of(node)
  local property, refused = self:property(node.property)
  if not property then
    return refused
  elseif self:invalid(node.values) then
    return NOTHING
  end
  local marks = {}
  for _, item in ipairs(node.values) do
    local value, message = values.convert(text_of(item), property)
    if message then
      self:refuse("rql_validation", message)
    elseif value ~= nil then
      marks[#marks + 1] = self:bind(value)
    end
  end
  if not property.sql then
    return NOTHING
  end
  local list = table.concat(marks, ",")
  if node.op == "in" then
    return self:certain(("%s IN (%s)"):format(property.sql, list))
  end
  return ("(%s IN (%s)) IS NOT TRUE"):format(property.sql, list)
end

-- ---- patterns ----

local MAX_PATTERN = 16384 -- bytes; SQLite refuses patterns of more than 50000, and no text of a token is as long as that

-- `*` is a wildcard at the ends, `\*` a star there. -> the text, may anything be before it, may anything be after it
local function read_pattern(pattern)
  local open_start = pattern:find("^%*") ~= nil
  if open_start then
    pattern = pattern:sub(2)
  end
  local open_end = pattern == "" and open_start
  if pattern:find("\\%*$") then
    pattern = pattern:sub(1, -3) .. "*"
  elseif pattern:find("%*$") then
    pattern, open_end = pattern:sub(1, -2), true
  end
  if not open_start then
    pattern = pattern:gsub("^\\%*", "*")
  end
  return pattern, open_start, open_end
end

local SEARCH = {
  like = { sql = "%s GLOB %s", special = "[*?%[]", escape = "[%0]", any = "*" },
  ilike = { sql = "%s LIKE %s ESCAPE '\\'", special = "[%%_\\]", escape = "\\%0", any = "%" },
}

-- The platform's name of what a pattern asks for.
local function operator(open_start, open_end)
  if open_start then
    return open_end and "Contains" or "EndsWith"
  end
  return open_end and "StartsWith" or "Like"
end

function Filter:search(node)
  local property, refused = self:property(node.property)
  if not property then
    return refused
  elseif self:invalid(node.value) then
    return NOTHING
  end
  local text, open_start, open_end = read_pattern(text_of(node.value))
  if property.kind ~= "text" then
    return self:refuse("rql_validation", ("Operator '%s' is not permitted"):format(operator(open_start, open_end)))
  elseif text:find("\0", 1, true) or #text > MAX_PATTERN then
    return NOTHING
  elseif node.op == "like" and not open_start and not open_end then
    return self:certain(property.sql .. " = " .. self:bind(text))
  end
  local how = SEARCH[node.op]
  local pattern = text:gsub(how.special, how.escape)
  pattern = (open_start and how.any or "") .. pattern .. (open_end and how.any or "")
  return self:certain(how.sql:format(property.sql, self:bind(pattern)))
end

-- ---- collections ----

local HOLDERS = "t.n %s (SELECT token FROM token_module%s)"

-- Modules are few, so those for which the inner expression holds are found first, and then the tokens that have them.
function Filter:collection(node)
  local property, refused = self:property(node.property)
  if not property then
    return refused
  elseif property.kind ~= "collection" then
    return self:refuse(self.prefix .. node.property, "Collection property has incompatible type")
  elseif not node.item then
    return HOLDERS:format("IN", "")
  end
  self.used[#self.used] = nil -- but what the inner expression uses of its elements
  local scope, prefix, negated = self.scope, self.prefix, self.negated
  self.scope, self.prefix, self.negated = property.elements, prefix .. node.property .. ".", node.op == "all" or nil
  local inner = self:expression(node.item)
  self.scope, self.prefix, self.negated = scope, prefix, negated
  if node.op == "any" then
    return HOLDERS:format("IN", " WHERE module IN (SELECT m.id FROM module m WHERE " .. inner .. ")")
  end
  return HOLDERS:format("NOT IN", " WHERE module IN (SELECT m.id FROM module m WHERE NOT " .. inner .. ")")
end

-- ---- expressions ----

function Filter:group(node)
  local parts = {}
  for i, item in ipairs(node.items) do
    parts[i] = self:expression(item)
  end
  return "(" .. table.concat(parts, node.op == "and" and " AND " or " OR ") .. ")"
end

function Filter:negation(node)
  local outside = self.negated
  self.negated = true
  local inner = self:expression(node.item)
  self.negated = outside
  return "(NOT " .. inner .. ")"
end

local TRANSLATE = {
  ["and"] = Filter.group, ["or"] = Filter.group, ["not"] = Filter.negation, ["in"] = Filter.one_of, out = Filter.one_of,
  like = Filter.search, ilike = Filter.search, any = Filter.collection, all = Filter.collection, invalid = Filter.invalid,
}
for op in pairs(SYMBOLS) do
  TRANSLATE[op] = Filter.compare
end

function Filter:expression(expression)
  local node = tree.of(expression)
  self.terms = self.terms + (node.items and 0 or 1)
  if self.terms > M.MAX_TERMS then
    if self.terms == M.MAX_TERMS + 1 then
      self:refuse("rql_validation", ("The expression is too long: at most %d comparisons are allowed."):format(M.MAX_TERMS))
    end
    return NOTHING
  end
  return TRANSLATE[node.op](self, node)
end

return M
