-- Rows that failed or whose outcome is unknown, by cause, as the summary of a run groups them; with more rows of each.
local tallies = require "moonkey.batch.tally"

local M = {}

local Problems = {}
Problems.__index = Problems

local ROWS_OF_A_CAUSE, ROWS_IN_ALL = 50, 2000

function M.new()
  return setmetatable({ tally = tallies.new(), rows = 0 }, Problems)
end

function Problems:add(r)
  local cause = self.tally:cause_of(r)
  cause.count = cause.count + 1
  local rows = cause.examples
  if #rows >= ROWS_OF_A_CAUSE or self.rows >= ROWS_IN_ALL and #rows > 0 then return end
  self.rows = self.rows + 1
  rows[#rows + 1] = { row = r.row, line = r.line, id = r.id, detail = r.detail, errors = r.errors, trace_id = r.trace_id,
    traceparent = r.traceparent, attempts = r.attempts, at = r.at, ms = r.ms, changes = r.changes }
end

-- A list of { count =, outcome =, kind =, status =, title =, reason =, rows = the first of them }, the most frequent first.
function Problems:finish()
  local causes = self.tally.causes
  table.sort(causes, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return a.examples[1].row < b.examples[1].row
  end)
  for _, cause in ipairs(causes) do cause.rows, cause.examples = cause.examples, nil end
  return causes
end

return M
