--[[
How long rows took: a histogram that takes little memory for any number of rows. Times below a second are counted exactly,
longer ones by their first three digits; so percentiles are exact to the millisecond below a second, and to 0.5% above.
]]
local sorted_keys = require "moonkey.sorted_keys"

local M = {}

local Latency = {}
Latency.__index = Latency

M.ACCURACY = "exact to 1 ms below 1 s, to 0.5% above"

-- The series R40 of preferred numbers (ISO 3): steps of about 6%. Three digits, so no count lies on both sides of one.
local R40 = { 100, 106, 112, 118, 125, 132, 140, 150, 160, 170, 180, 190, 200, 212, 224, 236, 250, 265, 280, 300, 315, 335,
  355, 375, 400, 425, 450, 475, 500, 530, 560, 600, 630, 670, 710, 750, 800, 850, 900, 950 }

-- Width of what is counted together at this time.
local function width_at(ms)
  local width = 1
  while ms >= 1000 * width do width = width * 10 end
  return width
end

-- M.new() -> histogram; histogram:add(ms); histogram:finish() -> see there.
function M.new()
  return setmetatable({ rows = 0, sum = 0, counts = {} }, Latency)
end

function Latency:add(ms)
  if ms < 0 then ms = 0 end
  self.rows, self.sum = self.rows + 1, self.sum + ms
  local key = ms
  if ms >= 1000 then
    local width = width_at(ms)
    key = ms - ms % width
  end
  self.counts[key] = (self.counts[key] or 0) + 1
end

-- The time that `share` of all rows did not exceed (the nearest rank).
local function percentile(keys, counts, rows, share)
  local rank, seen = math.max(1, math.ceil(share * rows)), 0
  for _, key in ipairs(keys) do
    seen = seen + counts[key]
    if seen >= rank then return key + width_at(key) // 2 end
  end
end

-- Bounds of bins from at most `low` to over `high`: on a logarithmic scale nearly even, and whole milliseconds.
local function bounds(low, high)
  local decades = math.log(math.max(high, 1) / math.max(low, 1), 10)
  local step = decades > 3 and 4 or decades > 1.5 and 2 or 1
  local list, scale = { 0 }, 1
  while true do
    for i = 1, #R40, step do
      local bound = R40[i] * scale // 100
      if bound <= low then
        list = { bound }
      elseif bound > list[#list] then
        list[#list + 1] = bound
        if bound > high then return list end
      end
    end
    scale = scale * 10
  end
end

local function bins(keys, counts)
  local list = {}
  local edges = bounds(keys[1], keys[#keys])
  for i = 1, #edges - 1 do list[i] = { from = edges[i], to = edges[i + 1], rows = 0 } end
  local at = 1
  for _, key in ipairs(keys) do
    while key >= list[at].to do at = at + 1 end
    list[at].rows = list[at].rows + counts[key]
  end
  return list
end

-- { rows =, mean =, least =, most =, p50 =, p90 =, p99 =, accuracy =, bins = { { from =, to = (not included), rows = }, … } },
-- times in ms; nil without rows.
function Latency:finish()
  if self.rows == 0 then return nil end
  local keys = sorted_keys(self.counts)
  local function at(share) return percentile(keys, self.counts, self.rows, share) end
  return {
    rows = self.rows, mean = math.floor(self.sum / self.rows + 0.5), least = keys[1], most = at(1),
    p50 = at(0.5), p90 = at(0.9), p99 = at(0.99), accuracy = M.ACCURACY, bins = bins(keys, self.counts),
  }
end

return M
