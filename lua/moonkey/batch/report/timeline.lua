--[[
When rows ended: counts by time, a segment for each session, because between sessions (a night, a weekend) nothing happened that
is worth a picture. Memory does not grow with rows: where bins would become too many, they become wider.
]]
local M = {}

local Timeline = {}
Timeline.__index = Timeline

local MOST_BINS = 600 -- of a session while rows are counted
local SHOWN_BINS = 120 -- of all, about
local SECOND, MINUTE, HOUR, DAY = 1000, 60000, 3600000, 86400000

-- While counting: each is a multiple of the one before. When shown: those that people count in.
local COUNTING = { 10, 100, SECOND, 5 * SECOND, MINUTE, 10 * MINUTE, HOUR, 12 * HOUR, 10 * DAY, 100 * DAY, 1000 * DAY,
  10000 * DAY }
local SHOWN = { 10, 20, 50, 100, 200, 500, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE,
  2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY,
  5 * DAY, 10 * DAY, 50 * DAY, 100 * DAY, 1000 * DAY, 10000 * DAY }

local FIELDS = { "done", "skipped", "failed", "unknown" }

local function new_bin() return { done = 0, skipped = 0, failed = 0, unknown = 0 } end

-- The bins in groups of `factor`.
local function widened(bins, factor)
  local wide = {}
  for index, bin in pairs(bins) do
    local at = index // factor
    local sum = wide[at] or new_bin()
    for _, field in ipairs(FIELDS) do sum[field] = sum[field] + bin[field] end
    wide[at] = sum
  end
  return wide
end

-- M.new(created, sessions): both as in the journal, sessions in order of time.
function M.new(created, sessions)
  local segments = {}
  for i, session in ipairs(sessions) do
    segments[i] = { session = session.number, started = session.started, ended = session.ended, last = session.started,
      level = 1, bins = {} }
  end
  if not segments[1] then segments[1] = { session = 1, started = created, last = created, level = 1, bins = {} } end
  for i, segment in ipairs(segments) do segment.till = segments[i + 1] and segments[i + 1].started or math.maxinteger end
  return setmetatable({ created = created, segments = segments, current = segments[1] }, Timeline)
end

-- Rows come in the order of the input, so nearly always it is the segment of the row before.
function Timeline:segment_at(t)
  local segment = self.current
  if t >= segment.started and t < segment.till then return segment end
  segment = self.segments[1] -- also for what ended before it, by a clock that was set
  for _, candidate in ipairs(self.segments) do
    if candidate.started <= t then segment = candidate end
  end
  self.current = segment
  return segment
end

-- `at`: milliseconds from the run's beginning.
function Timeline:add(outcome, at)
  local t = self.created + at
  local segment = self:segment_at(t)
  segment.last = math.max(segment.last, t)
  local offset = math.max(0, t - segment.started)
  while offset // COUNTING[segment.level] >= MOST_BINS and COUNTING[segment.level + 1] do
    segment.bins = widened(segment.bins, COUNTING[segment.level + 1] // COUNTING[segment.level])
    segment.level = segment.level + 1
  end
  local index = offset // COUNTING[segment.level]
  local bin = segment.bins[index]
  if not bin then
    bin = new_bin()
    segment.bins[index] = bin
  end
  bin[outcome] = bin[outcome] + 1
end

-- Of a session that was killed, the last row is all that is known of its end.
local function length(segment)
  return math.max(segment.ended or 0, segment.last + 1) - segment.started
end

local function bins_shown(segments, width)
  local sum = 0
  for _, segment in ipairs(segments) do sum = sum + (length(segment) + width - 1) // width end
  return sum
end

-- The least width that divides evenly what has been counted, and gives few enough bins.
local function choose_width(segments)
  local counted = 0
  for _, segment in ipairs(segments) do counted = math.max(counted, COUNTING[segment.level]) end
  for _, width in ipairs(SHOWN) do
    if width % counted == 0 and bins_shown(segments, width) <= SHOWN_BINS + #segments then return width end
  end
  return SHOWN[#SHOWN]
end

local function listed(segment, width)
  local bins, wide = {}, widened(segment.bins, width // COUNTING[segment.level])
  for i = 0, (length(segment) + width - 1) // width - 1 do bins[i + 1] = wide[i] or new_bin() end
  return bins
end

-- { bin_ms =, segments = { { session =, started =, ms = its length, bins = {
--   { done =, skipped =, failed =, unknown = }, … } }, … } }
function Timeline:finish()
  local width = choose_width(self.segments)
  local list = {}
  for i, segment in ipairs(self.segments) do
    list[i] = { session = segment.session, started = segment.started, ms = length(segment), bins = listed(segment, width) }
  end
  return { bin_ms = width, segments = list }
end

return M
