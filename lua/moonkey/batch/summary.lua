-- What is said at the end of a run: how many, how fast, what failed and why, and what to do about it.
local limits = require "moonkey.limits"
local place = require "moonkey.batch.journal.place"

local M = {}

local MAX_CAUSES = 5

local BY_STATUS = {
  [400] = "the platform does not accept these values: correct them and run these rows again",
  [403] = "the credential's token lacks the permission: it needs a module that allows this",
  [404] = "no such token is visible to the credential's account: check the ids",
  [409] = "somebody else is changing these tokens: run these rows again",
  [429] = "the platform asks to go slower: run these rows again with a smaller -j",
}

local BY_KIND = {
  drift = "somebody has changed these tokens since, so they were left alone: look at them, then make a new plan",
  invalid_response = "the change may have been made: look at one of these tokens before you run the rows again",
  job = "the job says so; where it raised an error, --log-level debug shows each traceback",
  queue = "look at what the workers say of them, then run these rows again",
  unknown = "they may have been carried out all the same: look before you run them again",
  row = "nothing was sent for these rows: correct them and run them again",
  timeout = "the platform was too slow to answer; it is safe to run these rows again",
  transport = "the connection failed: check the network and the base URL; it is safe to run these rows again",
}

-- Of a pending row the line about the stop says what to do.
local function advice(cause)
  if cause.outcome == "pending" then return end
  if cause.outcome == "unknown" then return BY_KIND.unknown end
  if cause.status and BY_STATUS[cause.status] then return BY_STATUS[cause.status] end
  if cause.status and cause.status >= 500 then return "the platform failed: it is safe to run these rows again later" end
  return BY_KIND[cause.kind]
end

-- 1234567 → 1,234,567
function M.number(n)
  return (("%d"):format(n):reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

-- Rows for a number of them: 1 row, 2,000 rows.
function M.rows(n)
  return n == 1 and "1 row" or M.number(n) .. " rows"
end

-- A time in whole seconds.
function M.duration(seconds)
  local s = seconds // 1 | 0
  if s < 60 then return ("%d s"):format(s) end
  if s < 3600 then return ("%d min %02d s"):format(s // 60, s % 60) end
  return ("%d h %02d min"):format(s // 3600, s % 3600 // 60)
end

function M.name_of_run(s)
  return place.name(s.run, s.journal)
end

local function places(cause)
  local list = {}
  table.sort(cause.examples, function(a, b) return a.row < b.row end)
  for i, e in ipairs(cause.examples) do
    local where = e.line and "line " .. e.line or "row " .. e.row
    list[i] = e.id and ("%s (%s)"):format(where, e.id:sub(1, 40)) or where
  end
  local more = cause.count - #list
  return table.concat(list, ", ") .. (more > 0 and (" and %s more"):format(M.number(more)) or "")
end

local function name_of(cause)
  if cause.kind == "row" then return "bad row: " .. cause.title end
  local title = cause.title or cause.kind or "failed"
  return cause.status and title ~= "HTTP " .. cause.status and ("%d %s"):format(cause.status, title) or title
end

local function describe(cause, next_cause)
  local what = name_of(cause)
  local first_line = (what .. (cause.reason and ": " .. cause.reason or "")):match("^[^\n]*")
  local lines = { ("%s × %s"):format(M.number(cause.count), first_line), places(cause) }
  local todo = advice(cause)
  if todo and not (next_cause and advice(next_cause) == todo) then lines[3] = todo end
  return table.concat(lines, "\n      ")
end

local STOPPED = {
  interrupted = "interrupted: %s",
  auth = "stopped: %s refused the credential from %s: check that its token is Active and that it is complete",
  forbidden = "stopped after 20 replies of 403 in a row",
  certificate = "stopped: there is no secure connection to %s%s",
  consent = "stopped: nobody agreed to writing to %s",
  halt = "stopped by the halt rule: %s",
  limit = "stopped: --max-changes permits no more writes",
  output = "stopped: %s",
  journal = "stopped: the journal cannot be written: %s",
  cpu = "%s", cpu_total = "%s", memory = "%s",
}

local function limit_text()
  local limit, text, row = limits.reached()
  return limit and (row and limit ~= "cpu_total" and ("row %d: "):format(row) or "") .. text
end

-- Why the connection is not secure, where no row has met that itself.
local function why_not_sent(s)
  local reason = #s.causes == 0 and s.not_sent
  return reason and reason:gsub("^not sent: there is no secure connection to the server", "") or ""
end

-- What has become of that which was under way.
local function under_way(s)
  local elsewhere = s.with_workers or 0
  if elsewhere == 0 then return "what was in flight has been finished" end
  return ("workers hold %s still, which `resume` collects"):format(M.rows(elsewhere))
end

-- What is said of a stop, with what each reason has to name, and what that means for the rows.
local function stopped_line(s)
  local host, source = s.host or "the platform", s.credential or "its source"
  local names = { auth = { host, source }, certificate = { host, why_not_sent(s) }, consent = { host }, halt = { s.halted },
    interrupted = { under_way(s) }, output = { s.output_error }, journal = { s.journal_error } }
  local line = s.stop_text and "stopped: " .. s.stop_text
    or STOPPED[s.stopped]:format(table.unpack(names[s.stopped] or { limit_text() }))
  if (s.unrecorded or 0) > 0 then
    line = ("%s; what came of %s more rows is not recorded: a resume does them again, or takes them for unknown after a POST")
      :format(line, M.number(s.unrecorded))
  end
  if s.run and not s.over then -- a resume would leave alone what a retry has not come to
    return ("%s; go on with `moonkey %s %s%s`"):format(line, s.kind or "resume", M.name_of_run(s),
      s.stopped == "limit" and not s.stop_text and " --max-changes N" or "") -- a worker's limit is its own
  end
  if s.pending > 0 then line = line .. "; run the pending rows again" end
  return line .. "; rows that were not read yet have no result"
end

-- What goes on with rows that failed.
local function again_line(s)
  local run = M.name_of_run(s)
  return ("`moonkey retry %s` tries the rows that failed again; `moonkey runs results %s --failed -o csv` has them as a file")
    :format(run, run)
end

local function counts_line(s)
  local pending = s.pending > 0 and (", %s pending"):format(M.number(s.pending)) or ""
  local unknown = s.unknown > 0 and (", %s unknown"):format(M.number(s.unknown)) or ""
  local skipped = s.skipped > 0 and (", %s unchanged"):format(M.number(s.skipped)) or ""
  local before = (s.before or 0) > 0 and (", %s of them before"):format(M.number(s.before)) or ""
  local ran = s.done + s.failed + s.unknown + s.skipped - (s.before or 0)
  local rate = s.seconds >= 0.01 and (" (%s rows/s)"):format(M.number(ran / s.seconds // 1)) or ""
  return ("%s done%s, %s failed%s%s%s in %s%s"):format(M.number(s.done), skipped, M.number(s.failed), unknown, pending, before,
    s.seconds < 10 and ("%.2f s"):format(s.seconds) or M.duration(s.seconds), rate)
end

-- The summary of what batch.run returned: a list of { level = of the log, text = }.
function M.messages(s)
  local list = {}
  local function add(level, text) list[#list + 1] = { level = level, text = text } end
  if s.rows > 0 then
    add(s.failed + s.unknown > 0 and "warn" or "info", counts_line(s))
  elseif not s.stopped and not s.unusable then
    add("info", ("there are no rows in %s: nothing to do"):format(s.source))
  end
  table.sort(s.causes, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return a.examples[1].row < b.examples[1].row
  end)
  for i = 1, math.min(#s.causes, MAX_CAUSES) do
    add("warn", describe(s.causes[i], i < MAX_CAUSES and s.causes[i + 1]))
  end
  if #s.causes > MAX_CAUSES then
    add("warn", ("and %d more causes; %s"):format(#s.causes - MAX_CAUSES, s.run
      and ("`moonkey runs results %s` tells of each row"):format(M.name_of_run(s)) or "--results FILE records each row"))
  end
  if s.stopped then
    add("error", stopped_line(s))
  elseif s.run and not s.over and s.failed > 0 then
    add("info", again_line(s))
  end
  if s.unusable then
    local line = s.unusable.line or 0
    add("error", ("%s cannot be used%s: %s"):format(s.source, line > 0 and " from line " .. line .. " on" or "",
      s.unusable.message))
  end
  return list
end

M.advice, M.name_of = advice, name_of -- of a cause

return M
