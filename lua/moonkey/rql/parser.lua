-- Text of RQL to a tree, by the platform's grammar and with its words for what is wrong (api-contract, section 4).
local reader = require "moonkey.rql.reader"
local redact = require("moonkey.secret").redact
local tree = require "moonkey.rql.tree"
local wire = require "moonkey.rql.wire"

local M = {}

M.KEY = "rql_validation" -- of errors that are about no property

local function invalid(term, message, key)
  return { op = "invalid", key = key or M.KEY, message = message, position = term and term.at or 1 }
end

local function refuse(term, message)
  error({ message = message, at = term.at }, 0)
end

-- ---- the two sides of a comparison ----

local function property_of(term)
  if term.kind == "word" then
    return term.text
  end
  return invalid(term, "Unsupported property node.")
end

local CONSTANTS = { null = tree.null, empty = tree.empty }

-- null() and empty(); nil for another call
local function constant_of(call)
  local constant = CONSTANTS[call.name:lower()]
  if constant and #call.terms > 0 then
    refuse(call, "Constant functions cannot have arguments")
  end
  return constant
end

local function value_of(term)
  if term.kind == "word" then
    return term.quoted and term.text or { word = term.text }
  end
  return term.kind == "call" and constant_of(term) or invalid(term, "Unsupported argument type.")
end

local function text_of(term)
  local value = value_of(term)
  if value == tree.null then
    return invalid(term, "Null values are not supported.")
  end
  return value
end

local function values_of(term)
  local terms = term.kind == "list" and term.terms or { term }
  local null = #terms == 1 and terms[1].kind ~= "word"
  if #terms == 0 or null then
    return invalid(term, "Value has to be a non empty array.")
  end
  local values = {}
  for i, item in ipairs(terms) do
    values[i] = text_of(item)
    if type(values[i]) == "table" and values[i].op then
      return values[i]
    end
  end
  return values
end

-- ---- expressions ----

local build

local function compare(op, left, right)
  local searched = op == "like" or op == "ilike"
  return tree.new({ op = op, property = property_of(left), value = (searched and text_of or value_of)(right), at = left.at })
end

local function binary(op)
  return function(call)
    if #call.terms ~= 2 then
      refuse(call, "Binary expression must have 2 arguments")
    end
    local left, right = call.terms[1], call.terms[2]
    if op == "in" or op == "out" then
      return tree.new({ op = op, property = property_of(left), values = values_of(right), at = left.at })
    end
    return compare(op, left, right)
  end
end

local function group(op)
  return function(call)
    local items = {}
    for i, term in ipairs(call.terms) do
      items[i] = build(term)
    end
    return #items > 0 and tree.group(op, items) or tree.new(invalid(call, "Expression expected."))
  end
end

local function negation(call)
  if #call.terms ~= 1 then
    refuse(call, "Unary expression must have 1 argument")
  end
  return tree.negated(build(call.terms[1]))
end

local function collection(op)
  return function(call)
    if #call.terms == 0 then
      refuse(call, "Collection expression must have at least 1 argument")
    end
    local rest = table.move(call.terms, 2, #call.terms, 1, {})
    if rest[1] then
      rest[1].link = nil
    end
    local inner = reader.reduced(rest)
    local property = property_of(call.terms[1])
    if op == "all" and not inner then
      property = type(property) == "table" and property or invalid(call, "all() function must have 2 arguments")
    end
    return tree.new({ op = op, property = property, item = inner and build(inner), at = call.at })
  end
end

local CALLS = {
  ["and"] = group("and"), ["or"] = group("or"), ["not"] = negation, any = collection("any"), all = collection("all"),
}
for _, op in ipairs({ "eq", "ne", "gt", "ge", "lt", "le", "like", "ilike", "in", "out" }) do
  CALLS[op] = binary(op)
end

local BUILD = { ["and"] = CALLS["and"], ["or"] = CALLS["or"] }

function BUILD.call(term)
  local handler = not term.quoted and CALLS[term.name:lower()]
  if handler then
    return handler(term)
  elseif constant_of(term) then
    return tree.new(invalid(term, "Expression expected."))
  end
  return tree.new(invalid(term, "Unknown expression group.", term.name:lower()))
end

function BUILD.word(term)
  return tree.new(invalid(term, "Expression expected."))
end

function BUILD.list(term)
  local inner = reader.reduced(term.terms)
  return inner and build(inner) or tree.new(invalid(term, "Expression expected."))
end

function BUILD.equals(term)
  local right = term.right
  if right.kind ~= "word" and not (right.kind == "call" and constant_of(right)) then
    refuse(right, "Invalid equals shortcut expression")
  end
  return compare("eq", term.left, right)
end

function build(term)
  return BUILD[term.kind](term)
end

-- ---- what is wrong with a tree ----

local function faulty(part)
  return type(part) == "table" and part.op == "invalid" and part or nil
end

local function first_fault(expression)
  local node = tree.of(expression)
  local fault = faulty(node) or faulty(node.property) or faulty(node.value) or faulty(node.values)
  if not fault and node.property and not node.property:find("^[%w.]+$") then
    fault = { key = node.property ~= "" and node.property or M.KEY, message = "Invalid property path.", position = node.at }
  end
  if not fault and node.item then
    fault = first_fault(node.item)
  end
  for _, item in ipairs(not fault and node.items or {}) do
    fault = first_fault(item)
    if fault then
      break
    end
  end
  return fault
end

-- Decoded text to a tree, in which parts may be "invalid" -> expression | nil, { message, position, key }
function M.tree(text)
  local ok, result = pcall(function()
    local term = reader.reduced(reader.read(text))
    return term and build(term) or tree.new(invalid(term, "Expression expected."))
  end)
  if ok then
    return result
  elseif type(result) ~= "table" then
    error(result, 0)
  end
  return nil, { message = result.message, position = result.at, key = M.KEY }
end

-- Where in the text from the wire the character is that is the `position`th of it decoded.
local function wire_position(text, position)
  local at = 1
  for _ = 2, position do
    at = at + (text:find("^%%%x%x", at) and 3 or 1)
  end
  return at
end

local Error = {}

function Error:__tostring()
  local about = self.key ~= M.KEY and ("%q: "):format(self.key) or ""
  return redact(("RQL: %s%s (character %d of %q)"):format(about, self.message, self.position, self.text))
end

-- Text from the wire -> expression | nil, error
function M.parse(text)
  local expression, fault = M.tree(wire.decode(text))
  fault = fault or first_fault(expression)
  if not fault then
    return expression
  end
  return nil, setmetatable({
    message = fault.message, key = fault.key, position = wire_position(text, fault.position or 1),
    text = #text > 200 and text:sub(1, 200) .. "…" or text,
  }, Error)
end

return M
