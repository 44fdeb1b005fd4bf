--[[
Values as people read them: tables indented with sorted keys, strings quoted, nothing endless. No secret shows: secret objects
say so themselves, and whoever prints the text has it redacted.

Script code runs here only where a value has a __tostring of its own.
]]
local errors = require "moonkey.errors"
local harmless = require "moonkey.harmless"
local json = require "moonkey.json"

local M = {}

local DEEPEST, MOST_ENTRIES, MOST_LINES, LONGEST_STRING = 6, 100, 300, 4000
local WIDTH = 96 -- columns of a table that stands in one line
local INDENT = "  "

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true until
  while]]):gmatch("%a+") do
  KEYWORDS[word] = true
end

local ESCAPES = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ["\0"] = "\\0", ['"'] = '\\"', ["\\"] = "\\\\" }

local function escape_byte(byte)
  return ("\\x%02x"):format(byte:byte())
end

-- A literal that Lua would read back, but for one that is cut.
local function quoted(text)
  local rest = ""
  if #text > LONGEST_STRING then
    local at = utf8.len(text) and utf8.offset(text, 0, LONGEST_STRING + 1) or LONGEST_STRING + 1
    rest = ("… (%d bytes)"):format(#text)
    text = text:sub(1, at - 1)
  end
  text = text:gsub('[\n\t\r%z"\\]', ESCAPES):gsub("[\1-\31\127]", escape_byte)
  if not utf8.len(text) then text = text:gsub("[\x80-\xff]", escape_byte) end
  return '"' .. harmless(text) .. '"' .. rest
end

local function described_function(fn)
  local info = debug.getinfo(fn, "S")
  if info.what == "C" then return "function (in C)" end
  return ("function (%s:%d)"):format(harmless(info.short_src), info.linedefined)
end

-- What a value says of itself, where it has a way to.
local function own_text(value)
  local metatable = debug.getmetatable(value)
  if not metatable or rawget(metatable, "__tostring") == nil then return nil end
  local ok, text = pcall(tostring, value)
  return harmless(ok and text or ("%s whose __tostring fails"):format(type(value)))
end

local function plain(value)
  local kind = type(value)
  if kind == "string" then return quoted(value) end
  if value == json.null then return "json.null" end
  if kind == "function" then return described_function(value) end
  if kind == "nil" or kind == "boolean" or kind == "number" then return tostring(value) end
  return own_text(value) or harmless(tostring(value))
end

local function key_text(key)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") and not KEYWORDS[key] then return key end
  return "[" .. (type(key) == "table" and harmless(tostring(key)) or plain(key)) .. "]"
end

local RANK = { number = 1, string = 2, boolean = 3 }

local function before(a, b)
  local rank_a, rank_b = RANK[type(a)] or 4, RANK[type(b)] or 4
  if rank_a ~= rank_b then return rank_a < rank_b end
  if rank_a <= 2 then return a < b end
  return tostring(a) < tostring(b)
end

-- The keys that are not those of the sequence, which has `count` items. No metamethod is asked.
local function other_keys(value, count)
  local keys = {}
  for key in next, value do
    if not (math.type(key) == "integer" and key >= 1 and key <= count) then keys[#keys + 1] = key end
  end
  table.sort(keys, before)
  return keys
end

local Printer = {}
Printer.__index = Printer

function Printer:entry(parts, prefix, value, depth)
  if #parts >= MOST_ENTRIES or self.lines >= MOST_LINES then return false end
  self.lines = self.lines + 1
  parts[#parts + 1] = prefix .. self:text(value, depth + 1)
  return true
end

function Printer:entries(value, depth)
  local count, parts, left = rawlen(value), {}, 0
  for i = 1, count do
    if not self:entry(parts, "", rawget(value, i), depth) then
      left = count - i + 1
      break
    end
  end
  local keys = other_keys(value, count)
  for i, key in ipairs(keys) do
    if left > 0 or not self:entry(parts, key_text(key) .. " = ", rawget(value, key), depth) then
      left = left + #keys - i + 1
      break
    end
  end
  if left > 0 then parts[#parts + 1] = ("… %d more"):format(left) end
  return parts
end

local function laid_out(parts, depth)
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if utf8.len(line) and utf8.len(line) + depth * #INDENT <= WIDTH and not line:find("\n", 1, true) then return line end
  local margin = INDENT:rep(depth + 1)
  return ("{\n%s%s,\n%s}"):format(margin, table.concat(parts, ",\n" .. margin), INDENT:rep(depth))
end

function Printer:table(value, depth)
  local own = errors.is(value) and tostring(value) or own_text(value)
  if own then return own end
  if self.open[value] then return "<a table that this one is in>" end
  if next(value) == nil then return "{}" end
  if depth >= DEEPEST then return "{ … }" end
  self.open[value] = true
  local parts = self:entries(value, depth)
  self.open[value] = nil
  return laid_out(parts, depth)
end

function Printer:text(value, depth)
  if type(value) == "table" then return self:table(value, depth) end
  return plain(value)
end

-- ---- one of many

local FIRST = { "id", "name", "status", "type" }

-- A value in one line of a list: of a table only the fields that are texts or numbers, as many as there is room for.
function M.line(value)
  if type(value) ~= "table" or errors.is(value) or own_text(value) then return M.of(value) end
  local names, parts, length = { table.unpack(FIRST) }, {}, 0
  for _, key in ipairs(other_keys(value, 0)) do
    if not (key == "id" or key == "name" or key == "status" or key == "type") then names[#names + 1] = key end
  end
  for _, name in ipairs(names) do
    local field = rawget(value, name)
    local text = type(field) ~= "table" and field ~= nil and key_text(name) .. " = " .. plain(field)
    if text and length + #text > WIDTH then
      parts[#parts + 1] = "…"
      break
    elseif text then
      parts[#parts + 1] = text
      length = length + #text + 2
    end
  end
  return #parts > 0 and "{ " .. table.concat(parts, ", ") .. " }" or M.of(value)
end

-- The text of any value, of one line or several.
function M.of(value)
  return setmetatable({ open = {}, lines = 0 }, Printer):text(value, 0)
end

return M
