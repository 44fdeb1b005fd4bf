-- A report to read in a terminal.
local visible = require "moonkey.batch.report.visible"
local words = require "moonkey.batch.report.words"

local M = {}

local MOST_CAUSES, MOST_ROWS, MOST_CHANGES = 10, 5, 10

local function labelled(lines, label, text)
  if text and text ~= "" then lines[#lines + 1] = ("  %-10s %s"):format(label, text) end
end

local function joined(...)
  local list = {}
  for i = 1, select("#", ...) do
    local part = select(i, ...)
    if part then list[#list + 1] = part end
  end
  return table.concat(list, ", ")
end

local function what_ran(lines, facts)
  local run = facts.run
  local first, last = facts.sessions[1], facts.sessions[#facts.sessions]
  labelled(lines, "Input", joined(visible.line(run.source or "", 200), run.input_sha256 and "sha256 " .. run.input_sha256))
  labelled(lines, "Job", run.job and joined(visible.line(run.job, 200), run.job_sha256 and "sha256 " .. run.job_sha256))
  labelled(lines, "Plan", run.plan)
  labelled(lines, "Undo of", run.undo_of)
  labelled(lines, "Against", joined(visible.line(words.target(run) or "", 200),
    run.account and "account " .. visible.line(run.account, 120)))
  labelled(lines, "Began", words.moment(run.created) .. (run.moonkey and ", moonkey " .. run.moonkey or ""))
  labelled(lines, "Took", words.span(facts.seconds * 1000 // 1) .. (#facts.sessions > 1
    and (" in %d sessions; the last one: %s"):format(#facts.sessions, words.session(last, facts.running))
    or first and ", " .. words.session(first, facts.running) or ""))
  labelled(lines, "Options", visible.line(table.concat(words.options(run.options), " "), 300))
  local l = facts.latency
  if l then
    local p50, p90, p99 = words.span(l.p50), words.span(l.p90), words.span(l.p99)
    labelled(lines, "A row took", ("%s at the median, 90%% within %s, 99%% within %s"):format(p50, p90, p99))
  end
end

local function places(cause)
  local list = {}
  for i = 1, math.min(MOST_ROWS, #cause.rows) do
    local r = cause.rows[i]
    list[i] = words.place(r) .. (r.id and (" (%s)"):format(visible.line(r.id, 40)) or "")
  end
  local more = cause.count - #list
  return table.concat(list, ", ") .. (more > 0 and " and " .. words.rows(more):gsub("rows?$", "more") or "")
end

local function problems(lines, heading, causes)
  if #causes == 0 then return end
  lines[#lines + 1] = "\n" .. heading
  for i = 1, math.min(#causes, MOST_CAUSES) do
    local cause = causes[i]
    local reason = cause.reason and ": " .. visible.line(cause.reason, 300) or ""
    lines[#lines + 1] = ("  %s, %s%s"):format(words.rows(cause.count), visible.line(words.cause_name(cause), 200), reason)
    lines[#lines + 1] = "      " .. places(cause)
    local advice = words.advice(cause)
    if advice then lines[#lines + 1] = "      " .. advice end
  end
  if #causes > MOST_CAUSES then lines[#lines + 1] = ("  and %d more causes"):format(#causes - MOST_CAUSES) end
end

local function changes(lines, facts)
  local c = facts.changes
  if c.count == 0 then return end
  lines[#lines + 1] = ("\n%s"):format(words.changed(facts))
  for i = 1, math.min(#c.rows, MOST_CHANGES) do
    local r, parts = c.rows[i], {}
    for k, change in ipairs(r.changes) do
      parts[k] = ("%s: %s → %s"):format(visible.line(change.field, 40), words.value(change.from), words.value(change.to))
    end
    lines[#lines + 1] = ("  %s, %s  %s"):format(words.place(r), visible.line(r.id or "", 40), table.concat(parts, "; "))
  end
  local more = c.count - math.min(#c.rows, MOST_CHANGES)
  if more > 0 then lines[#lines + 1] = "  and " .. words.rows(more):gsub("rows?$", "more") end
end

local function next_steps(lines, facts)
  local steps = facts.said.next
  if #steps == 0 then return end
  lines[#lines + 1] = "\nNext"
  for _, step in ipairs(steps) do lines[#lines + 1] = ("  %s\n      %s"):format(step.command, step.text) end
end

function M.render(facts)
  local lines = { ("Run %s"):format(visible.line(facts.run.id or "without an id", 100)),
    facts.said.sentence .. (facts.said.why and " " .. facts.said.why or ""), "" }
  what_ran(lines, facts)
  problems(lines, "Unknown: these may have been carried out, or not", facts.unknowns)
  problems(lines, "Failed", facts.failures)
  changes(lines, facts)
  next_steps(lines, facts)
  return table.concat(lines, "\n") .. "\n"
end

return M
