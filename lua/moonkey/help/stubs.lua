--[[
The stubs of lua/types, read: what they say is all that is said of Lua, in the manual, by `moonkey help` and in the reference.
  M.module(name) -> { name = "moonkey.token", summary =, functions = {…}, classes = {…}, aliases = {…}, constants = {…} }
A function is { name = "token.list", list = "(options)", text =, parameters = {…}, returns = {…} }, a class { name =, parent =,
text =, fields = {…} }; a parameter, return or field { name =, type =, optional =, text = }.
]]
local resource = require "moonkey.resource"

local M = {}

local DIRECTORY = "types/"

-- The names of all stubs, sorted, without "moonkey.".
function M.names()
  local names = resource.list(DIRECTORY)
  for i, path in ipairs(names) do names[i] = path:match("([^/]+)%.lua$") end
  return names
end

local CLOSING = { ["("] = ")", ["{"] = "}", ["<"] = ">", ["["] = "]" }

-- A type may have blanks within brackets, after the colon of fun(…): T, and after a comma of what a fun returns.
local function split_type(text)
  local depth, last = 0, ""
  for i = 1, #text do
    local char = text:sub(i, i)
    if CLOSING[char] then
      depth = depth + 1
    elseif char:find("[%)}>%]]") then
      depth = depth - 1
    elseif char:find("%s") and depth == 0 and not (last:find("[:,]") and text:sub(1, i):find("fun(", 1, true)) then
      return text:sub(1, i - 1), text:sub(i + 1)
    end
    if not char:find("%s") then last = char end
  end
  return text, ""
end

-- "name? type text", as after @param and @field.
local function named(text)
  local name, mark, rest = text:match('^([%w_%.]+)(%??)%s+(.*)$')
  if not name then name, mark, rest = text:match('^(%[[^%]]+%])(%??)%s+(.*)$') end
  if not name then return nil end
  local kind, said = split_type(rest)
  return { name = name, type = kind, optional = mark == "?", text = said }
end

-- "type name text", as after @return. What begins with a small word is a name; `# text` has none.
local function returned(text)
  local kind, rest = split_type(text)
  local name, said = rest:match("^([%a_][%w_]*)%s*(.*)$")
  return { name = name, type = kind, text = said or rest }
end

-- The lines of one comment: its text, and its tags in order.
local function read_comment(lines)
  local text, tags = {}, {}
  for _, line in ipairs(lines) do
    local tag, rest = line:match("^@(%a+)%s*(.*)$")
    local choice = line:match("^|%s*(.*)$")
    if tag then
      tags[#tags + 1] = { tag = tag, rest = rest }
    elseif choice then
      tags[#tags + 1] = { tag = "choice", rest = choice }
    else
      text[#text + 1] = line
    end
  end
  return table.concat(text, "\n"), tags
end

local function all_of(tags, tag, read)
  local found = {}
  for _, entry in ipairs(tags) do
    if entry.tag == tag then found[#found + 1] = read(entry.rest) end
  end
  return found
end

local function first_of(tags, tag)
  for _, entry in ipairs(tags) do
    if entry.tag == tag then return entry.rest end
  end
end

local function add_function(module, owner, member, list, text, tags)
  local name = (owner == "M" or owner == module.short) and module.short .. "." .. member or owner:lower() .. ":" .. member
  module.functions[#module.functions + 1] = { name = name, list = list, text = text,
    parameters = all_of(tags, "param", named), returns = all_of(tags, "return", returned) }
end

local function add_class(module, class, text, tags)
  local name, rest = class:match("^([%w_%.]+)%s*(.*)$")
  local parents, said = rest:match("^:%s*([%w_%.]+)%s*(.*)$")
  said = said or rest
  if said ~= "" then text = text == "" and said or said .. "\n" .. text end
  module.classes[#module.classes + 1] = { name = name, parent = parents, text = text, fields = all_of(tags, "field", named) }
end

local function add_alias(module, alias, text, tags)
  local name, kind = alias:match("^([%w_%.]+)%s*(.*)$")
  module.aliases[#module.aliases + 1] = { name = name, type = kind, text = text, choices = all_of(tags, "choice", function(rest)
    local value, said = rest:match("^(%S+)%s*#?%s*(.*)$")
    return { value = value, text = said }
  end) }
end

-- What a comment and the line behind it declare.
local function add(module, lines, code)
  local text, tags = read_comment(lines)
  local owner, member, list = code:match("^function (%w+)[%.:]([%w_]+)(%b())")
  local class, alias = first_of(tags, "class"), first_of(tags, "alias")
  local constant = code:match("^M%.([%w_]+) =")
  if owner then
    add_function(module, owner, member, list, text, tags)
  elseif class then
    add_class(module, class, text, tags)
  elseif alias then
    add_alias(module, alias, text, tags)
  elseif constant then
    local name = module.short .. "." .. constant
    module.constants[#module.constants + 1] = { name = name, type = first_of(tags, "type"), text = text }
  end
end

-- The summary is the plain comment below @meta.
local function read_summary(text)
  local lines = {}
  for line in (text:match("^%-%-%-@meta [^\n]*\n(.*)$") or ""):gmatch("[^\n]*") do
    local said = line:match("^%-%- (.*)$")
    if not said then break end
    lines[#lines + 1] = said
  end
  return table.concat(lines, " ")
end

function M.parse(name, text)
  local module = { short = name, name = text:match("^%-%-%-@meta (%S+)"), summary = read_summary(text), functions = {},
    classes = {}, aliases = {}, constants = {} }
  local comment = {}
  for line in text:gmatch("([^\n]*)\n") do
    local said = line:match("^%-%-%-(.*)$")
    if said then
      comment[#comment + 1] = said
    elseif #comment > 0 then
      add(module, comment, line)
      comment = {}
    end
  end
  if #comment > 0 then add(module, comment, "") end
  return module
end

-- What it is called in a heading: one that cannot be required has no name.
function M.title(module)
  return module.name == "_" and "moonkey." .. module.short or module.name
end

-- nil where there is no such stub.
function M.module(name)
  local text = resource.read(DIRECTORY .. name .. ".lua")
  return text and M.parse(name, text)
end

return M
