-- Shows how far a run is: a bar on a terminal, otherwise a line of log every few seconds. A task of its own draws, so that
-- it goes on while every request waits.
local core = require "moonkey.task.core"
local http = require "moonkey.http"
local log = require "moonkey.log"
local speeds = require "moonkey.batch.speed"
local summary = require "moonkey.batch.summary"
local sys = require "moonkey.sys"

local M = {}

local Progress = {}
Progress.__index = Progress

local BAR_EVERY, LINE_EVERY = 0.1, 5 -- seconds
local EIGHTHS = { "▏", "▎", "▍", "▌", "▋", "▊", "▉" }

-- A bar of `width` columns.
local function bar(fraction, width)
  local eighths = math.min(math.max(fraction, 0), 1) * width * 8 // 1 | 0
  local full, rest = eighths // 8, eighths % 8
  return ("█"):rep(full) .. (EIGHTHS[rest] or "") .. (" "):rep(width - full - (rest > 0 and 1 or 0))
end

-- What the run waits for, or is slowed down by; nil if nothing.
local function holdup(stats)
  if stats.breaker == "probing" then return "the server is failing: trying whether it works again" end
  if stats.breaker then return ("the server is failing: next try in %.0f s"):format(math.ceil(stats.probe_in or 0)) end
  local paused = math.max(stats.paused or 0, stats.paused_elsewhere or 0) -- it may have asked another worker
  if paused > 0 then return ("the server asked for a pause: %.0f s more"):format(math.ceil(paused)) end
  if stats.adapted_rate then return ("slowed down to %.3g/s by the server"):format(stats.adapted_rate) end
end

-- How much of the input has been dealt with; nil where its length is not known. Rows that were read, but have no result yet,
-- have not.
local function fraction_of(source, results)
  local at, total = source:progress()
  if not total or total == 0 then return nil end
  return at / total * math.min(results / math.max(source.count, 1), 1)
end

local function shown_rate(rate)
  return rate > 0 and rate < 1 and ("%.1f"):format(rate) or summary.number(rate // 1)
end

-- Seconds to go, at the pace of this session so far.
local function left(self, now, fraction)
  self.begun_at = self.begun_at or fraction
  local progress, seconds = fraction - self.begun_at, now - self.started
  if progress > 0.001 and seconds > 0.5 then return (1 - fraction) * seconds / progress end
end

-- What holds the run up, "1,200 done, 40 unchanged, 3 failed, 2 retried, 2,300/s", and while nothing does, what is left of the
-- time, where that is known.
local function describe(self, now)
  local tally, queue = self.tally, self.queue
  local stats = queue and queue:stats() or http.stats()
  local failed, settled = tally.failed + tally.unknown, tally:settled()
  local held, others = holdup(stats), nil
  if queue then held, others = queue:describe() end
  local parts = { summary.number(tally.done) .. " done" }
  local function add(count, what)
    if count > 0 then parts[#parts + 1] = summary.number(count) .. " " .. what end
  end
  add(tally.skipped, "unchanged")
  parts[#parts + 1] = summary.number(failed) .. " failed"
  add(stats.retries, "retried")
  add(self.before, "before")
  parts[#parts + 1] = shown_rate(self.speed:note(now, settled)) .. "/s"
  parts[#parts + 1] = others
  local fraction = fraction_of(self.source, settled + tally.pending)
  local seconds = not held and fraction and left(self, now, fraction)
  if seconds then parts[#parts + 1] = summary.duration(math.max(seconds, 0)) .. " left" end
  return (held and held .. "; " or "") .. table.concat(parts, ", "), fraction
end

function Progress:draw()
  local text, fraction = describe(self, sys.now())
  if not self.terminal then
    log.info("%s%s", fraction and ("%d%%: "):format(fraction * 100 // 1) or "", text)
    return
  end
  local width = math.min(30, (sys.columns() or 80) - #text - 9)
  if fraction and width >= 5 then
    log.status(("%3d%% ▕%s▏ %s"):format(fraction * 100 // 1, bar(fraction, width), text))
  else
    log.status(text:sub(1, sys.columns() or 80))
  end
end

function Progress:close()
  self.closed:open()
  if self.terminal then log.status(nil) end
end

Progress.__close = Progress.close

-- For a run over `source` that is counted by `tally`; `queue`: nil, or its coordinator, by which others do the rows. It draws
-- until it is closed.
function M.new(source, tally, queue)
  local terminal = sys.isatty(2) and os.getenv("TERM") ~= "dumb"
  local self = setmetatable({ source = source, tally = tally, started = sys.now(), terminal = terminal, closed = core.gate(),
    queue = queue, before = tally:settled(), speed = speeds.new(sys.now(), tally:settled(), 0.001) }, Progress)
  core.spawn(function()
    while not self.closed:wait(terminal and BAR_EVERY or LINE_EVERY) do self:draw() end
  end)
  return self
end

return M
