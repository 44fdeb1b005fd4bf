-- Expressions as text for the wire. The platform decodes percent signs first and parses then, so a value is protected by its
-- quotes, and whatever the URL would take for its own is percent-encoded besides.
local tree = require "moonkey.rql.tree"

local M = {}

local function percent(character)
  return ("%%%02X"):format(character:byte())
end

-- What may stand in a query string and means nothing in RQL stays as it is.
function M.encode(text)
  return (text:gsub("[^%w%-._~:*@/]", percent))
end

local function character(digits)
  return string.char(tonumber(digits, 16))
end

-- A "%" that no two digits follow stays one, as servers do.
function M.decode(text)
  return (text:gsub("%+", " "):gsub("%%(%x%x)", character))
end

-- Can `text` be quoted at all? There is no escape for a quote within the same quotes.
function M.quotable(text)
  return not (text:find("'", 1, true) and text:find('"', 1, true))
end

function M.quoted(text)
  local mark = text:find("'", 1, true) and "%22" or "'"
  return mark .. M.encode(text) .. mark
end

local function value_text(value)
  if value == tree.null then
    return "null()"
  elseif value == tree.empty then
    return "empty()"
  elseif type(value) == "table" then
    return M.encode(value.word)
  end
  return M.quoted(value)
end

local function join(list, convert)
  local parts = {}
  for i, item in ipairs(list) do
    parts[i] = convert(item)
  end
  return table.concat(parts, ",")
end

function M.print(expression)
  local node = tree.of(expression)
  local rest
  if node.items then
    return node.op .. "(" .. join(node.items, M.print) .. ")"
  elseif node.values then
    rest = ",(" .. join(node.values, value_text) .. ")"
  elseif node.value then
    rest = "," .. value_text(node.value)
  else
    rest = node.item and (node.property and "," or "") .. M.print(node.item) or ""
  end
  return node.op .. "(" .. (node.property or "") .. rest .. ")"
end

tree.printed_by(M.print)

return M
