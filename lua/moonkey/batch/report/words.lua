-- A run in plain words: how it ended, why, and what to do next. The same words in each form of the report.
local null = require("moonkey.json").null
local summary = require "moonkey.batch.summary"
local visible = require "moonkey.batch.report.visible"

local M = {}

local number = summary.number

local MONTHS = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

-- 1764079330123 → "25 Nov 2025, 14:02:10 UTC"
function M.moment(ms)
  local t = os.date("!*t", ms // 1000)
  return ("%d %s %d, %02d:%02d:%02d UTC"):format(t.day, MONTHS[t.month], t.year, t.hour, t.min, t.sec)
end

-- 840 → "840 ms", 12345 → "12.3 s", 120000 → "2 min"
function M.span(ms)
  if ms < 1000 then return ("%d ms"):format(ms) end
  if ms < 60000 then return (("%.1f s"):format(ms / 1000):gsub("%.0 s", " s")) end
  return (summary.duration(ms // 1000):gsub(" 00 %a+$", ""))
end

-- 48213 → "48.2 kB"
function M.size(bytes)
  for _, unit in ipairs{ { 1000000000, "GB" }, { 1000000, "MB" }, { 1000, "kB" } } do
    if bytes >= unit[1] then return ("%.1f %s"):format(bytes / unit[1], unit[2]) end
  end
  return bytes .. " bytes"
end

M.rows = summary.rows

local SESSION = {
  done = "went through to the end", interrupted = "interrupted", auth = "stopped: the credential was refused",
  forbidden = "stopped: 403 twenty times in a row", certificate = "stopped: no secure connection",
  consent = "stopped: nobody agreed to writing", halt = "stopped by its halt rule", limit = "stopped by --max-changes",
  output = "stopped: results could not be written", journal = "stopped: the journal could not be written",
  unusable = "stopped: the input could not be read on", error = "ended by an error",
}

-- How a session ended. `is_current`: it is the last one of a run under way.
function M.session(session, is_current)
  if session.ended or session.outcome then return SESSION[session.outcome] or session.outcome or "ended" end
  return is_current and "under way" or "broken off"
end

local WHY = {
  interrupted = "It was interrupted.",
  auth = "It stopped because the platform refused the credential.",
  forbidden = "It stopped because the platform answered 403 (forbidden) twenty times in a row.",
  certificate = "It stopped because there was no secure connection to the platform.",
  consent = "It stopped before the first write, because nobody agreed to writing.",
  halt = "It was stopped by its halt rule%s.",
  limit = "It stopped because --max-changes%s permitted no more writes.",
  output = "It stopped because its results could not be written.",
  journal = "It stopped because its journal could not be written.",
  unusable = "It stopped because the input could not be read on.",
  error = "It was ended by an error.",
}

local function why(facts)
  local t = facts.totals
  if facts.running or t.rows and t.done + t.skipped == t.rows then return nil end
  local last = facts.sessions[#facts.sessions]
  if not last then return "It was ended before it began." end
  if not last.ended then return "It broke off: it was killed, or its journal could not be written." end
  local text = WHY[last.outcome]
  local options = facts.run.options
  local detail = last.outcome == "halt" and options.halt or last.outcome == "limit" and options.max_changes
  return text and text:format(detail and (" (%s)"):format(detail) or "")
end

local function listed(parts)
  if #parts < 2 then return parts[1] end
  return table.concat(parts, ", ", 1, #parts - 1) .. " and " .. parts[#parts]
end

-- "is", "are", or what a dry run can say of it.
local function be(n, dry_run)
  if dry_run then return "could be" end
  return n == 1 and "is" or "are"
end

local function all_fine(t, dry_run)
  if t.rows == 0 then return "There were no rows: nothing had to be done." end
  if t.skipped == 0 then
    return ("%s %s done."):format(t.rows == 1 and "The one row" or "All " .. M.rows(t.rows), be(t.rows, dry_run))
  end
  if t.done == 0 then
    return t.rows == 1 and "The one row needed no write." or ("None of %s needed a write."):format(M.rows(t.rows))
  end
  return ("All %s are in order: %s done, %s needed no write."):format(M.rows(t.rows), number(t.done),
    number(t.skipped))
end

local function counted(t, running, dry_run)
  local parts = {}
  local function add(n, text) if n and n > 0 then parts[#parts + 1] = number(n) .. " " .. text end end
  add(t.failed, "failed")
  add(t.unknown, t.unknown == 1 and "is unknown" or "are unknown")
  add(t.not_done, t.not_done == 1 and "is not done" or "are not done")
  if not t.rows and not running then parts[#parts + 1] = "the rest of the input was not read" end
  local fine = t.done + t.skipped
  local head = (t.rows and ("%s of %s "):format(number(fine), M.rows(t.rows)) or M.rows(fine) .. " ")
    .. be(fine, dry_run) .. (t.skipped > 0 and " in order" or " done")
  return head .. (#parts > 0 and "; " .. listed(parts) or "") .. "."
end

-- The sentence that says how it is.
local function sentence(facts)
  local t, dry_run = facts.totals, facts.run.options.dry_run
  if facts.running then return "Under way: " .. counted(t, true, dry_run) end
  if t.rows and t.done + t.skipped == t.rows then return all_fine(t, dry_run) end
  return counted(t, false, dry_run)
end

local function verdict(facts)
  local t = facts.totals
  if facts.running then return "running" end
  if t.unknown > 0 then return "unknown" end
  if not t.rows or t.not_done > 0 then return "incomplete" end
  return t.failed > 0 and "failed" or "good"
end

-- What can be done now: a list of { command =, text = }. Only a script goes on with its run, and nobody where the tokens were
-- those of an emulator that is gone.
local function next_steps(facts)
  local t, run, list = facts.totals, facts.run, {}
  local function add(command, text) list[#list + 1] = { command = command:format(facts.name), text = text } end
  if facts.running or run.options.dry_run then return list end
  local over = run.options.emulator and not run.options.emulator_data
  local is_ours = run.command == "batch"
  if is_ours and not over and (not t.rows or t.not_done > 0) then
    add("moonkey resume %s", "goes on where the run stopped")
  end
  if is_ours and not over and t.failed > 0 then add("moonkey retry %s", "runs the failed rows again") end
  if run.input and t.failed > 0 then
    add("moonkey runs results %s --failed -o csv", "gives the failed rows as a file to correct")
  end
  if not over and facts.changes.count > 0 then add("moonkey undo %s", "takes the changes back, once you have seen how") end
  return list
end

-- { verdict = "running", "good", "failed", "incomplete" or "unknown"; sentence =, why = nil or one more, next = see above }
function M.outcome(facts)
  local text = sentence(facts)
  if facts.run.options.dry_run then text = "Dry run, nothing was written: " .. text:sub(1, 1):lower() .. text:sub(2) end
  return { verdict = verdict(facts), sentence = text, why = why(facts), next = next_steps(facts) }
end

-- The options of a run as words of a command line.
function M.options(options)
  local names, list = {}, {}
  for name, value in pairs(options) do
    if value ~= false and value ~= null then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = options[name]
    list[i] = "--" .. name:gsub("_", "-") .. (value == true and "" or " " .. tostring(value))
  end
  return list
end

-- What a cause is called, and what to do about it (nil where nothing in general).
M.cause_name, M.advice = summary.name_of, summary.advice

-- A value of a field as one writes it.
function M.value(value)
  if value == nil or value == null then return "(none)" end
  if type(value) == "table" then return #value == 0 and "(none)" or visible.line(table.concat(value, ", "), 200) end
  return '"' .. visible.line(tostring(value), 200) .. '"'
end

-- The heading of what was changed.
function M.changed(facts)
  local verb = facts.run.options.dry_run and "would be" or facts.changes.count == 1 and "was" or "were"
  return ("%s %s changed"):format(M.rows(facts.changes.count), verb)
end

-- Against what it ran.
function M.target(run)
  return run.target == "emulator" and "the emulator" or run.host or run.target
end

-- Where a row stands.
function M.place(r)
  return r.line and "line " .. r.line or "row " .. r.row
end

return M
