-- Durations (500ms, 20s, 5m, 2h, 90d, 12w), sizes (64M) and rates (50/s, 100/m) of the command line.
local stop = require "moonkey.cli.stop"

local M = {}

local SECONDS = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400, w = 7 * 86400 }
local LONGEST = 1e7 -- seconds

-- Seconds. A bare number is seconds, as with curl's --max-time; where days are meant (`most` seconds or fewer), it is refused.
-- `wanted`: which durations are, where that is not any.
function M.duration(flag, text, most, wanted)
  local number, unit = text:match("^(%d+%.?%d*)(%a*)$")
  local scale = SECONDS[unit == "" and not most and "s" or unit]
  local seconds = number and scale and tonumber(number) * scale
  if not seconds or seconds <= 0 or seconds > (most or LONGEST) then
    wanted = wanted or most and "such as 90d, 12w or 36h" or "such as 500ms, 20s or 5m"
    stop.usage(("%s %s: expected a duration %s"):format(flag, text, wanted))
  end
  return seconds
end

local BYTES = { [""] = 0, K = 10, M = 20, G = 30 }

-- Bytes: 64M, 1G.
function M.size(flag, text)
  local number, unit = text:upper():match("^(%d+)([KMG]?)I?B?$")
  local bytes = number and #number <= 9 and math.tointeger(tonumber(number)) << BYTES[unit]
  if not bytes or bytes < 1 << 20 then
    stop.usage(("%s %s: expected a size such as 64M or 1G, at least 1M"):format(flag, text))
  end
  return bytes
end

-- Starts a second.
function M.rate(flag, text)
  local number, unit = text:match("^(%d+%.?%d*)/(%a+)$")
  local scale = unit ~= "ms" and SECONDS[unit]
  local rate = number and scale and tonumber(number) / scale
  if not rate or rate <= 0 then
    stop.usage(("%s %s: expected a rate such as 50/s or 100/m"):format(flag, text))
  end
  return rate
end

function M.count(flag, text, least, most)
  local number = text:find("^%d+$") and math.tointeger(tonumber(text))
  if not number or number < least or number > most then
    stop.usage(("%s %s: expected a whole number from %d to %d"):format(flag, text, least, most))
  end
  return number
end

return M
