--[[
What a report says, gathered in one pass over the journal, in memory that does not grow with the number of rows:

  run       the journal's table `run` (see batch/journal/schema.lua), with `options` as a table
  name      by which commands find it
  running   a process is working on it
  sessions  { number =, kind =, started =, ended =, outcome =, retries = }; without `ended` it broke off, or is under way
  totals    { rows = of the input, nil while it has not been read to its end; done =, failed =, unknown =, skipped =,
            in_flight =, not_done = rows that have not ended, nil where `rows` is }
  seconds   that sessions took, together
  requests  HTTP exchanges
  said      the outcome in words: see words.lua
  timeline, latency, failures, unknowns, changes    see timeline.lua, latency.lua, problems.lua, changed.lua

Times are milliseconds since 1970 UTC, as in the journal. Nothing in it is a secret.
]]
local changed = require "moonkey.batch.report.changed"
local json = require "moonkey.json"
local place = require "moonkey.batch.journal.place"
local latencies = require "moonkey.batch.report.latency"
local problems = require "moonkey.batch.report.problems"
local redact = require("moonkey.secret").redact
local timelines = require "moonkey.batch.report.timeline"
local words = require "moonkey.batch.report.words"

local M = {}

-- Also what a journal should not have in the first place: it may come from anywhere.
function M.without_secrets(value)
  if type(value) == "string" then return redact(value) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in next, value do copy[M.without_secrets(key)] = M.without_secrets(item) end
  return json.is_array(value) and json.array(copy) or copy
end

-- A request that must not be repeated is recorded before it is sent: while the run is under way, it is.
local function is_in_flight(r, running)
  return running and r.outcome == "unknown" and not r.at
end

local function count_rows(journal, into)
  local totals, running = into.totals, into.running
  for r in journal:results() do
    if is_in_flight(r, running) then
      totals.in_flight = totals.in_flight + 1
    else
      totals[r.outcome] = totals[r.outcome] + 1
      if r.at then into.timeline:add(r.outcome, r.at) end
      if r.attempts and r.attempts > 0 and r.at then
        into.requests = into.requests + r.attempts
        into.latency:add(r.ms)
      end
      if r.outcome == "failed" then into.failures:add(r)
      elseif r.outcome == "unknown" then into.unknowns:add(r)
      else into.changes:add(r) end
    end
  end
end

local function not_done(totals)
  if not totals.rows then return nil end
  return math.max(0, totals.rows - totals.done - totals.failed - totals.unknown - totals.skipped)
end

local function active_seconds(timeline)
  local ms = 0
  for _, segment in ipairs(timeline.segments) do ms = ms + segment.ms end
  return ms / 1000
end

-- Facts of an open journal (batch/journal/reader.lua).
function M.gather(journal)
  local run, sessions = journal.meta, journal:sessions()
  local facts = {
    run = run, name = place.name(run.id, journal.path), running = journal:running(), sessions = sessions, requests = 0,
    totals = { rows = run.rows, done = 0, failed = 0, unknown = 0, skipped = 0, in_flight = 0 },
    timeline = timelines.new(run.created, sessions), latency = latencies.new(), failures = problems.new(),
    unknowns = problems.new(), changes = changed.new(),
  }
  count_rows(journal, facts)
  facts.totals.not_done = not_done(facts.totals)
  for _, part in ipairs{ "timeline", "latency", "failures", "unknowns", "changes" } do facts[part] = facts[part]:finish() end
  facts.seconds = active_seconds(facts.timeline)
  facts = M.without_secrets(facts)
  facts.said = words.outcome(facts)
  return facts
end

return M
