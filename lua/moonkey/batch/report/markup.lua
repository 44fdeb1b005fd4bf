--[[
Elements of HTML, SVG and XML, from which text cannot break out: what is a string is escaped, always.

  local h = require("moonkey.batch.report.markup").html
  h.p{ class = "note", "5 < 6, ", h.b"really" } → an element, whose text is tostring(element)

Strings, numbers, elements, and lists of them are contents; nil and false are none. Attributes are sorted by name.
]]
local visible = require "moonkey.batch.report.visible"

local M = {}

local Element = {}
Element.__index = Element
Element.__tostring = function(self) return self.text end

-- A line break within an attribute would become a space.
local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;", ["\n"] = "&#10;",
  ["\t"] = "&#9;" }

local function escape(text)
  return (visible.text(text):gsub("[&<>\"']", ENTITIES))
end

local function escape_attribute(text)
  return (visible.text(text):gsub("[&<>\"'\n\t]", ENTITIES))
end

local function number(n)
  if math.type(n) == "integer" then return tostring(n) end
  return (("%.2f"):format(n):gsub("%.?0+$", ""))
end

local add

-- Contents may have holes, where something is not there.
local function add_all(parts, list)
  local last = 0
  for i in pairs(list) do last = math.type(i) == "integer" and math.max(last, i) or last end
  for i = 1, last do add(parts, list[i]) end
end

function add(parts, content)
  local kind = type(content)
  if kind == "string" then
    parts[#parts + 1] = escape(content)
  elseif kind == "number" then
    parts[#parts + 1] = number(content)
  elseif getmetatable(content) == Element then
    parts[#parts + 1] = content.text
  elseif kind == "table" then
    add_all(parts, content)
  elseif content then
    error("markup: a " .. kind .. " cannot be shown", 0)
  end
end

local function attributes(given)
  local names = {}
  for name, value in pairs(given) do
    if type(name) == "string" and value then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = given[name]
    if value ~= true then
      names[i] = ('%s="%s"'):format(name, type(value) == "number" and number(value) or escape_attribute(value))
    end
  end
  return #names > 0 and " " .. table.concat(names, " ") or ""
end

-- Text that is markup already, from our own hand.
function M.trusted(text)
  return setmetatable({ text = text }, Element)
end

local function element(name, given, void)
  if type(given) ~= "table" or getmetatable(given) == Element then given = { given } end
  local parts = { "<", name, attributes(given), ">" }
  if void then return M.trusted(table.concat(parts)) end
  add_all(parts, given)
  parts[#parts + 1] = ("</%s>"):format(name)
  return M.trusted(table.concat(parts))
end

local VOID = { meta = true, br = true, col = true, hr = true }

-- html.NAME{ … } makes an element; so do svg's, which are written the same way within HTML.
M.html = setmetatable({}, { __index = function(tags, name)
  local function make(given) return element(name, given, VOID[name]) end
  tags[name] = make
  return make
end })

-- XML has no elements without an end of their own names.
M.xml = setmetatable({}, { __index = function(tags, name)
  local function make(given) return element(name, given) end
  tags[name] = make
  return make
end })

-- The beginning of an XML element whose contents follow one by one.
function M.opening(name, given)
  return ("<%s%s>"):format(name, attributes(given))
end

return M
