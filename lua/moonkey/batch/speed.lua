-- Rows a second over the last WINDOW seconds: how fast it is now, not on the whole.
local M = {}

local WINDOW = 5 -- seconds

local Speed = {}
Speed.__index = Speed

-- `settled` rows are dealt with at `now`: rows a second.
function Speed:note(now, settled)
  local samples = self.samples
  samples[#samples + 1] = { at = now, settled = settled }
  while #samples > 2 and samples[2].at <= now - WINDOW do table.remove(samples, 1) end
  local first = samples[1]
  return (settled - first.settled) / math.max(now - first.at, self.least)
end

-- From now on. `least`: seconds that count at the least, so that the first rows do not make for a great speed.
function M.new(now, settled, least)
  return setmetatable({ samples = { { at = now, settled = settled } }, least = least }, Speed)
end

return M
