-- What is told of a run in a line or a list of them.
local damage = require "moonkey.batch.journal.damage"
local reader = require "moonkey.batch.journal.reader"
local result = require "moonkey.batch.result"
local summary = require "moonkey.batch.summary"

local M = {}

function M.when(ms)
  return ms and os.date("%Y-%m-%d %H:%M:%S", ms // 1000) or "?"
end

local function state_of(journal, counts, last)
  if journal:running() then return "running" end
  if not last then return "not begun" end
  if not last.ended then return "broken off" end -- killed, or its journal could not be written: who can tell afterwards?
  local total = journal.meta.rows
  local settled = counts.done + counts.skipped + counts.failed + counts.unknown
  -- A retry that has come to its end says nothing of rows that the run has never come to.
  return last.outcome == "done" and (not total or settled < total) and "unfinished" or last.outcome
end

local function describe(path)
  local journal <close>, message = reader.open(path)
  if not journal then return nil, message end
  local sessions, counts = journal:sessions(), journal:counts()
  return { meta = journal.meta, path = path, sessions = sessions, counts = counts,
    state = state_of(journal, counts, sessions[#sessions]) }
end

-- What is known of the run of a journal: { meta =, path =, sessions =, counts =, state = }; nil, message where that cannot be
-- read.
function M.describe(path)
  local ok, run, message = pcall(describe, path)
  if ok then return run, message end
  if not damage.is(run) then error(run, 0) end
  return nil, tostring(run)
end

function M.counts(counts, total)
  local parts = {}
  for _, name in ipairs{ "done", "skipped", "failed", "unknown" } do
    if counts[name] > 0 or name == "done" then parts[#parts + 1] = summary.number(counts[name]) .. " " .. name end
  end
  return table.concat(parts, ", ") .. (total and (" of %s"):format(summary.number(total)) or "")
end

M.HEADER = ("%-20s  %-19s  %-11s  %s\n"):format("RUN", "BEGUN", "STATE", "ROWS, INPUT")

-- A line of a list. `name`: of the run.
function M.line(name, run)
  return ("%-20s  %-19s  %-11s  %s; %s\n"):format(name, M.when(run.meta.created), run.state,
    M.counts(run.counts, run.meta.rows), result.one_line(run.meta.source or "?"))
end

return M
