-- Timestamps as the API writes them, to and from seconds since 1970-01-01T00:00:00Z. Source: RFC 3339; the API's are UTC with
-- milliseconds (api-contract, section 4).
local sys = require "moonkey.sys"

local M = {}

-- Seconds since the epoch, with a fraction.
M.now = sys.wall

-- Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant's days_from_civil).
local function days_from_civil(year, month, day)
  if month <= 2 then
    year = year - 1
  end
  local era = year // 400
  local year_of_era = year - era * 400
  local day_of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468
end

local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function days_in(year, month)
  local leap = month == 2 and year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return leap and 29 or DAYS[month]
end

local function offset_of(zone)
  if zone == "Z" or zone == "z" then
    return 0
  end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then
    return nil
  end
  return (tonumber(hours) * 3600 + tonumber(minutes) * 60) * (sign == "-" and -1 or 1)
end

local function is_valid(year, month, day, hour, minute, second)
  return month >= 1 and month <= 12 and day >= 1 and day <= days_in(year, month) and hour <= 23 and minute <= 59
    and second <= 60
end

-- "2025-07-15T17:41:44.029Z" → 1752601304.029 (an integer if there is no fraction); nil, message for what is not RFC 3339.
function M.parse(text)
  if type(text) ~= "string" then
    error(("time.parse: expected a string, got %s"):format(type(text)), 2)
  end
  local y, mo, d, h, mi, s, fraction, zone = text:match(
    "^(%d%d%d%d)-(%d%d)-(%d%d)[Tt ](%d%d):(%d%d):(%d%d)(%.?%d*)([Zz+-].*)$")
  if not y or fraction == "." or (fraction ~= "" and fraction:sub(1, 1) ~= ".") then
    return nil, ("not a timestamp such as 2025-07-15T17:41:44.029Z: %q"):format(text)
  end
  y, mo, d, h, mi, s = tonumber(y), tonumber(mo), tonumber(d), tonumber(h), tonumber(mi), tonumber(s)
  local offset = offset_of(zone)
  if not offset or not is_valid(y, mo, d, h, mi, s) then
    return nil, ("not a valid date or time: %q"):format(text)
  end
  local seconds = days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + s - offset
  if fraction == "" or not fraction:find("[1-9]") then
    return seconds
  end
  return seconds + tonumber("0" .. fraction)
end

-- 1752601304.029 → "2025-07-15T17:41:44.029Z". Years 0 to 9999.
function M.format(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < -62167219200 or seconds >= 253402300800 then
    error("time.format: expected seconds since 1970, of a year from 0 to 9999", 2)
  end
  local ms = math.floor(seconds * 1000 + 0.5)
  local whole, rest = ms // 1000, ms % 1000
  local days, second = whole // 86400, whole % 86400
  local shifted = days + 719468
  local era = shifted // 146097
  local day_of_era = shifted - era * 146097
  local year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
  local day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
  local m = (5 * day_of_year + 2) // 153
  local day = day_of_year - (153 * m + 2) // 5 + 1
  local month = m < 10 and m + 3 or m - 9
  local year = year_of_era + era * 400 + (month <= 2 and 1 or 0)
  return ("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ"):format(year, month, day, second // 3600, second // 60 % 60, second % 60, rest)
end

return M
