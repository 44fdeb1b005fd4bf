--[[
`select=a,-b,c.d`: which properties a reply shows.

`fields` is a tree: { [name] = true, all of it, or a tree of what is shown below it }, names as the API spells them. What is nil
is left out. `omitted` beside it lists what is left out by default or by "-".

A name adds, "-" removes, "*" is each property; what is named is there even if "-*" removes all. A name below a collection, or
below what is left out by default, shows only that much of it. Names that do not exist are ignored.
]]
local json = require "moonkey.json"
local parser = require "moonkey.rql.parser"
local reader = require "moonkey.rql.reader"

local M = {}

local Selection = {}
Selection.__index = Selection

-- ---- reading ----

-- A mark is { plus =, minus =, below = { [lower-case name] = mark } }.
local function below(mark, name)
  mark.below = mark.below or {}
  mark.below[name] = mark.below[name] or {}
  return mark.below[name]
end

-- The mark and the property at the path, made on the way; nil when there is no such property.
local function descend(mark, property, path)
  local lowered = path:lower()
  for name in lowered:gmatch("[^.]+") do
    property = property.by_name and property.by_name[name]
    if not property then
      return nil
    end
    mark = below(mark, name)
  end
  return mark, property
end

local function set(mark, sign)
  mark[sign == "-" and "minus" or "plus"] = true
end

local function read_term(text, mark, property)
  local sign, path = text:match("^([+ -]?)%s*(.-)%s*$")
  local parent = path:match("^%*$") and "" or path:match("^(.*)%.%*$")
  if not parent then
    local found, at = descend(mark, property, path)
    if found then
      set(found, sign)
    end
    return found, at
  end
  local found, at = descend(mark, property, parent)
  for _, child in ipairs(found and at.list or {}) do
    set(below(found, child.name:lower()), sign)
  end
end

-- `a,b(c,-d)`: what stands in parentheses is below what stands before them.
local function read_terms(terms, mark, property)
  for _, term in ipairs(terms) do
    local found, at = read_term(term.text or term.name or "", mark, property)
    if term.terms and found then
      read_terms(term.terms, found, at)
    end
  end
end

-- read(list of texts or nil, scope) -> selection | nil, fault
function M.read(texts, scope)
  local root = {}
  local ok, terms = pcall(reader.read, table.concat(texts or {}, ","))
  local selection = setmetatable({ root = root, scope = scope }, Selection)
  if not ok then
    return selection, { key = parser.KEY, message = terms.message }
  end
  read_terms(terms, root, scope)
  return selection
end

-- Is the property, or something below it, named without "-"?
function Selection:asks_for(name)
  local function asks(mark)
    if mark.plus then
      return true
    end
    for _, child in pairs(mark.below or {}) do
      if asks(child) then
        return true
      end
    end
    return false
  end
  return asks(self.root.below and self.root.below[name] or {})
end

-- ---- deciding ----

local NONE = {}

local function visible(property, mark, use, default)
  local whole = mark.plus or default and not mark.minus or false
  if not property.list then
    return (whole or use.used) and true or nil
  end
  if property.kind == "collection" and mark.below and not mark.plus then
    for _, child in pairs(mark.below) do
      whole = whole and not child.plus
    end
  end
  local tree, complete = {}, true
  for _, child in ipairs(property.list) do
    local name = child.name:lower()
    local shown = visible(child, mark.below and mark.below[name] or NONE, use.below and use.below[name] or NONE, whole)
    tree[child.name] = shown
    complete = complete and shown == true
  end
  return complete and true or next(tree) and tree or nil
end

local function add_omitted(list, path, property, mark, shown)
  if not shown then
    list[#list + 1] = path
  elseif shown ~= true then
    for _, child in ipairs(property.list) do
      local inner = mark.below and mark.below[child.name:lower()] or NONE
      if inner.minus or inner.below then
        if shown[child.name] or inner.minus then
          add_omitted(list, path .. "." .. child.name, child, inner, shown[child.name])
        end
      end
    end
  end
end

-- What filter and order use, as marks.
local function uses(paths, scope)
  local root = {}
  for _, path in ipairs(paths) do
    local mark, property = descend(root, scope, path)
    if mark and property.kind == "collection" then
      mark = below(mark, "id")
    end
    if mark then
      mark.used = true
    end
  end
  return root
end

-- shown(left_out = { [lower-case name] = true } of what needs to be asked for, used = paths)
-- -> { fields = tree, omitted = list of paths }
function Selection:shown(left_out, used)
  local used_marks = uses(used, self.scope)
  local fields, omitted = {}, json.array()
  for _, property in ipairs(self.scope.list) do
    local name = property.name:lower()
    local mark = self.root.below and self.root.below[name] or NONE
    local shown = visible(property, mark, used_marks.below and used_marks.below[name] or NONE, not left_out[name])
    fields[property.name] = shown
    add_omitted(omitted, property.name, property, mark, shown)
  end
  table.sort(omitted)
  return { fields = fields, omitted = omitted }
end

return M
