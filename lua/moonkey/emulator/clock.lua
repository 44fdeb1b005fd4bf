-- The time as the platform writes it: UTC with milliseconds, 2025-07-15T17:41:44.029Z.
local sys = require "moonkey.sys"

local M = {}

local second, prefix

-- time: seconds since 1970, to the millisecond
function M.format(time)
  local ms = math.floor(time * 1000 + 0.5)
  if ms // 1000 ~= second then
    second = ms // 1000
    prefix = os.date("!%Y-%m-%dT%H:%M:%S.", second)
  end
  return ("%s%03dZ"):format(prefix, ms % 1000)
end

function M.now()
  return M.format(sys.wall())
end

return M
