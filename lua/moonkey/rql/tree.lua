--[[
Expressions of RQL as trees. An expression shows nothing of itself and cannot be changed; of(expression) gives its node to the
modules beside this one and to the emulator, which must not change it either:

  { op = "and" or "or", items = { expression, … } }       two or more; none of them has the same op
  { op = "not", item = expression }
  { op = "eq", "ne", "gt", "ge", "lt", "le", "like" or "ilike", property =, value = }
  { op = "in" or "out", property =, values = { text, … } }
  { op = "any" or "all", property =, item = expression or nil }
  { op = "invalid", key =, message =, position = }          only in what the parser could read but the platform refuses

A value is a text (what was quoted), tree.null, tree.empty, or { word = text }: unquoted text, which may name a property.
A value, a property or the list of values may also be such an "invalid" table.
]]
local M = {}

M.null, M.empty = {}, {}

local nodes = setmetatable({}, { __mode = "k" })
local Expression = { __name = "moonkey.rql", __metatable = "moonkey.rql" }

function Expression.__newindex()
  error("an expression cannot be changed; build another one", 2)
end

function M.new(node)
  local expression = setmetatable({}, Expression)
  nodes[expression] = node
  return expression
end

function M.of(expression)
  return nodes[expression]
end

function M.is(value)
  return type(value) == "table" and nodes[value] ~= nil
end

local function add(items, op, expression)
  local node = nodes[expression]
  if node.op == op then
    table.move(node.items, 1, #node.items, #items + 1, items)
  else
    items[#items + 1] = expression
  end
end

-- All or any of `list`, which is not empty: "and" in "and" is one, and of one expression nothing else becomes.
function M.group(op, list)
  local items = {}
  for _, expression in ipairs(list) do
    add(items, op, expression)
  end
  return #items == 1 and items[1] or M.new({ op = op, items = items })
end

function M.negated(expression)
  return M.new({ op = "not", item = expression })
end

-- ---- comparing ----

local function same_value(a, b)
  if type(a) == "table" and type(b) == "table" and a.word then
    return a.word == b.word
  end
  return a == b
end

local function same_list(a, b, same)
  if not a or not b or #a ~= #b then
    return a == b
  end
  for i, item in ipairs(a) do
    if not same(item, b[i]) then
      return false
    end
  end
  return true
end

-- Do both say the same in the same order? Property names are compared without regard to case, as the platform does.
function M.equal(a, b)
  local x, y = nodes[a], nodes[b]
  if x.op ~= y.op or (x.property or ""):lower() ~= (y.property or ""):lower() or not same_value(x.value, y.value) then
    return false
  elseif (x.item == nil) ~= (y.item == nil) or x.item and not M.equal(x.item, y.item) then
    return false
  end
  return same_list(x.values, y.values, same_value) and same_list(x.items, y.items, M.equal)
end

function Expression.__eq(a, b)
  return M.is(a) and M.is(b) and M.equal(a, b)
end

-- ---- what an expression is about ----

local function names(path, property)
  path = path:lower()
  return path == property or path:sub(1, #property + 1) == property .. "."
end

local function uses(node, property, prefix)
  if node.property and names(prefix .. node.property, property) then
    return true
  elseif type(node.value) == "table" and node.value.word and names(prefix .. node.value.word, property) then
    return true
  end
  local below = node.property and prefix .. node.property .. "." or prefix
  if node.item and uses(nodes[node.item], property, below) then
    return true
  end
  for _, item in ipairs(node.items or {}) do
    if uses(nodes[item], property, prefix) then
      return true
    end
  end
  return false
end

-- Does it name the property, or one below it?
function M.uses(expression, property)
  return uses(nodes[expression], property:lower(), "")
end

-- ---- operators ----

local function operand(value, symbol)
  if not M.is(value) then
    error(("%s joins expressions of moonkey.rql, but one side is a %s; build it with rql.eq(…) or rql.parse(text)")
      :format(symbol, type(value)), 3)
  end
end

function Expression.__band(a, b)
  operand(a, "&")
  operand(b, "&")
  return M.group("and", { a, b })
end

function Expression.__bor(a, b)
  operand(a, "|")
  operand(b, "|")
  return M.group("or", { a, b })
end

function Expression.__bnot(a)
  return M.negated(a)
end

-- The wire text is made elsewhere, because it needs this module.
function M.printed_by(printer)
  Expression.__tostring = printer
end

return M
