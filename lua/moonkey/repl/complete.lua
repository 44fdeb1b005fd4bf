--[[
What the Tab key adds to a line: names of globals, of the fields of a table, and of methods; modules after require.

Tables are read, and metatables' __index where that is a table; nothing of a script's is called.
]]
local sorted_keys = require "moonkey.sorted_keys"

local M = {}

local KEYWORDS = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
  "nil", "not", "or", "repeat", "return", "then", "true", "until", "while" }

local MOST_TABLES = 20 -- of a chain of __index
local MOST_SHOWN = 200
local WIDTH = 80

-- The tables in which a field of `value` is looked for, one after the other.
local function tables_of(value)
  local found = {}
  while #found < MOST_TABLES do
    if type(value) == "table" then found[#found + 1] = value end
    local metatable = debug.getmetatable(value)
    value = type(metatable) == "table" and rawget(metatable, "__index") or nil
    if type(value) ~= "table" then break end
  end
  return found
end

local function field(value, name)
  for _, t in ipairs(tables_of(value)) do
    local found = rawget(t, name)
    if found ~= nil then return found end
  end
end

-- name → value of the fields that begin with `start` and can be written behind a dot.
local function fields(value, start, wanted)
  local found = {}
  for _, t in ipairs(tables_of(value)) do
    for name, member in next, t do
      if type(name) == "string" and name:sub(1, #start) == start and name:find("^[%a_][%w_]*$") and found[name] == nil
        and (wanted == nil or type(member) == wanted) and (start ~= "" or not name:find("^__")) then
        found[name] = member
      end
    end
  end
  return found
end

local function common_start(list)
  local first, last = list[1], list[#list]
  local length = 0
  while length < #first and first:byte(length + 1) == last:byte(length + 1) do length = length + 1 end
  return first:sub(1, length)
end

local function in_columns(list)
  local widest = 0
  for i = 1, math.min(#list, MOST_SHOWN) do widest = math.max(widest, #list[i]) end
  local columns = math.max(1, WIDTH // (widest + 2))
  local lines = {}
  for i = 1, math.min(#list, MOST_SHOWN), columns do
    local row = {}
    for j = i, math.min(i + columns - 1, #list, MOST_SHOWN) do row[#row + 1] = ("%-" .. widest .. "s"):format(list[j]) end
    lines[#lines + 1] = (table.concat(row, "  "):gsub("%s+$", ""))
  end
  if #list > MOST_SHOWN then lines[#lines + 1] = ("and %d more"):format(#list - MOST_SHOWN) end
  return table.concat(lines, "\n")
end

-- What to insert, and what to show: each a string or nil.
local function answer(list, start, ending)
  if #list == 0 then return nil end
  if #list == 1 then
    local rest = list[1]:sub(#start + 1) .. (ending or "")
    return rest ~= "" and rest or nil
  end
  local rest = common_start(list):sub(#start + 1)
  if rest ~= "" then return rest end
  return nil, in_columns(list)
end

local function complete_module(start)
  local names = {}
  local stubs = require "moonkey.help.stubs"
  for _, name in ipairs(stubs.names()) do names[stubs.module(name).name] = true end -- "_": only types
  names["_"] = nil
  for name in next, package.loaded do
    if type(name) == "string" and not name:find("^moonkey%.") and not name:find("^_") then names[name] = true end
  end
  local list = {}
  for _, name in ipairs(sorted_keys(names)) do
    if name:sub(1, #start) == start then list[#list + 1] = name end
  end
  return answer(list, start)
end

local function complete_global(globals, start)
  if start == "" then return nil end
  local names = fields(globals, start)
  for _, word in ipairs(KEYWORDS) do
    if word:sub(1, #start) == start then names[word] = names[word] or false end
  end
  local list = sorted_keys(names)
  return answer(list, start, #list == 1 and type(names[list[1]]) == "function" and "(" or nil)
end

-- `path` is a.b.c with its last dot or colon.
local function complete_field(globals, path, start)
  local value = globals
  for name in path:gmatch("[^.:]+") do
    value = field(value, name)
    if value == nil then return nil end
  end
  local names = fields(value, start, path:find(":$") and "function" or nil)
  local list = sorted_keys(names)
  return answer(list, start, #list == 1 and type(names[list[1]]) == "function" and "(" or nil)
end

-- What to insert at the end of `before`, and what to show, for a program with these globals.
function M.complete(globals, before)
  local module = before:match("require%s*%(?%s*[\"']([%w_.%-]*)$")
  if module then return complete_module(module) end
  local path, start = before:match("([%a_][%w_.:]*[.:])([%w_]*)$")
  if path and not path:find("[.:][.:]") then
    local at = #before - #path - #start
    if before:sub(at, at):find("[%w_.:)%]]") then return nil end -- behind a call, of which nobody knows the result
    return complete_field(globals, path, start)
  end
  start = before:match("([%a_][%w_]*)$") or ""
  local ahead = before:sub(1, #before - #start)
  if ahead:find("[.:]$") and not ahead:find("%.%.$") then return nil end
  return complete_global(globals, start)
end

return M
