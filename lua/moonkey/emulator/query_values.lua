-- Values of a query as the database compares them. What cannot be converted is refused in the platform's words.
local time = require "moonkey.time"

local M = {}

local function refused(text)
  return nil, ("Cannot convert value: '%s'."):format(text)
end

-- A date alone, a time without seconds or without zone (then UTC): as the parser of timestamps wants it. In a query string "+"
-- is a blank, and one before a zone can only have been a "+".
local function completed(text)
  text = text:match("^%s*(.-)%s*$"):gsub(" (%d%d:?%d%d)$", "+%1")
  if text:find("^%d%d%d%d%-%d%d%-%d%d$") then
    return text .. "T00:00:00Z"
  end
  text = text:gsub("^([%d-]+[Tt ]%d%d:%d%d)([Zz+-]?)", function(minutes, zone)
    return minutes .. ":00" .. zone
  end)
  text = text:gsub("^([%d-]+[Tt ]%d%d:%d%d):00(:%d%d)", "%1%2")
  return text:find("[Zz]$") and text or text:find("[+-]%d%d:?%d%d$", 12) and text or text .. "Z"
end

-- A time in the form that the store keeps, in which later is greater; nil when it is none.
function M.timestamp(text)
  local seconds = time.parse(completed(text))
  local ok, formatted = pcall(time.format, seconds or 0 / 0)
  return ok and formatted or nil
end

local CONVERT = {}

function CONVERT.text(text)
  return text
end

function CONVERT.date(text)
  local timestamp = M.timestamp(text)
  if timestamp then
    return timestamp
  end
  return refused(text)
end

local MAX_INTEGER = 2147483647

function CONVERT.integer(text)
  local number = text:find("^%s*[+-]?%d+%s*$") and math.tointeger(tonumber(text))
  if number and number >= -MAX_INTEGER - 1 and number <= MAX_INTEGER then
    return number
  end
  return refused(text)
end

local BOOLEANS = { ["true"] = 1, ["false"] = 0 }

function CONVERT.boolean(text)
  local boolean = BOOLEANS[text:match("^%s*(.-)%s*$"):lower()]
  if boolean then
    return boolean
  end
  return refused(text)
end

-- The text as a value of the property -> value | nil: it is null | nil, message
function M.convert(text, property)
  local convert = CONVERT[property.kind]
  if not convert then
    return refused(text)
  elseif text == "" and property.kind ~= "text" and not property.required then
    return nil
  end
  return convert(text)
end

-- The text in UTF-8: what is not becomes U+FFFD, as servers do it.
function M.utf8(text)
  local bad = select(2, utf8.len(text))
  if not bad then
    return text
  end
  local parts, from = {}, 1
  while bad do
    parts[#parts + 1] = text:sub(from, bad - 1)
    parts[#parts + 1] = "\u{FFFD}"
    from = bad + 1
    bad = select(2, utf8.len(text, from))
  end
  parts[#parts + 1] = text:sub(from)
  return table.concat(parts)
end

return M
