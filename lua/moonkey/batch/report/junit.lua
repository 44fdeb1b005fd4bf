--[[
A run as JUnit XML, for CI: a test suite whose test cases are rows. Every row that failed (<failure>) or whose outcome is
unknown (<error>) is there. Of rows that are fine, done or without need of a write, there are the first MOST_FINE, and one test
case for all others. Rows that have not been done are one <error>, so that half a run does not look like a success.
]]
local json = require "moonkey.json"
local markup = require "moonkey.batch.report.markup"
local redact = require("moonkey.secret").redact
local time = require "moonkey.time"
local words = require "moonkey.batch.report.words"

local M = {}

local x = markup.xml

M.MOST_FINE = 1000

local function seconds(ms)
  return ("%.3f"):format(ms / 1000)
end

local function row_name(r)
  return ("row %d%s%s"):format(r.row, r.line and (" (line %d)"):format(r.line) or "", r.id and ": " .. redact(r.id) or "")
end

-- All that is known of an error, a line each.
local function explained(r)
  local lines = { r.title, r.detail }
  for _, e in ipairs(r.errors or {}) do
    if type(e) == "table" then lines[#lines + 1] = (e.field and e.field .. ": " or "") .. tostring(e.message or "") end
  end
  for _, field in ipairs{ "status", "trace_id", "traceparent", "attempts" } do
    if r[field] then lines[#lines + 1] = ("%s: %s"):format(field, r[field]) end
  end
  return redact(table.concat(lines, "\n"))
end

local function problem(r)
  local element = r.outcome == "failed" and "failure" or "error"
  return x[element]{ type = r.kind or r.outcome, message = redact(words.cause_name(r)), explained(r) }
end

local function case(suite, r)
  local wrong = r.outcome == "failed" or r.outcome == "unknown"
  return x.testcase{ classname = suite, name = row_name(r), time = seconds(r.ms), wrong and problem(r) }
end

-- The test case for rows that have not been done, or nil.
local function unfinished(suite, facts)
  local t = facts.totals
  if not facts.running and t.not_done == 0 then return nil end
  local name = t.not_done and t.not_done > 0 and "not done: " .. words.rows(t.not_done) or "not done: rows that were not read"
  local type = facts.running and "under way" or "not done"
  return x.testcase{ classname = suite, name = name, time = "0.000",
    x.error{ type = type, message = facts.said.sentence, facts.said.why or "The run is under way." } }
end

local function properties(facts)
  local run, list = facts.run, {}
  for _, name in ipairs{ "id", "moonkey", "source", "input_sha256", "job", "job_sha256", "plan", "target", "host", "account",
    "own_id" } do
    if run[name] then list[#list + 1] = x.property{ name = name, value = tostring(run[name]) } end
  end
  list[#list + 1] = x.property{ name = "options", value = json.encode(run.options) }
  return x.properties(list)
end

local function suite_attributes(facts, name, more)
  local t = facts.totals
  local fine = t.done + t.skipped
  local extra = (fine > M.MOST_FINE and 1 or 0) + (more and 1 or 0)
  return { name = name, tests = math.min(fine, M.MOST_FINE) + t.failed + t.unknown + extra, failures = t.failed,
    errors = t.unknown + (more and 1 or 0), skipped = 0, time = ("%.3f"):format(facts.seconds), hostname = facts.run.host,
    timestamp = time.format(facts.run.created / 1000):sub(1, 19) }
end

-- Those that are fine, the first of them as they are.
local function write_fine(journal, suite, count, write)
  local left = M.MOST_FINE
  for r in journal:results{ "done", "skipped" } do
    if left == 0 then break end
    left = left - 1
    write(tostring(case(suite, r)) .. "\n")
  end
  local more = count - M.MOST_FINE
  if more > 0 then
    local name = words.rows(more) .. " more that are fine"
    write(tostring(x.testcase{ classname = suite, name = name, time = "0.000" }) .. "\n")
  end
end

-- Write the rows of `journal`, of which `facts` were gathered, by write(text).
function M.write(journal, facts, write)
  local name = ("moonkey %s"):format(facts.run.id)
  local suite = "moonkey." .. (facts.run.source or "rows"):gsub("[^%w-]+", "_")
  local more = unfinished(suite, facts)
  write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
  write(markup.opening("testsuite", suite_attributes(facts, name, more)) .. "\n" .. tostring(properties(facts)) .. "\n")
  for r in journal:results{ "failed", "unknown", "new" } do
    if r.at or not facts.running then write(tostring(case(suite, r)) .. "\n") end
  end
  write_fine(journal, suite, facts.totals.done + facts.totals.skipped, write)
  write((more and tostring(more) .. "\n" or "") .. "</testsuite>\n</testsuites>\n")
end

return M
