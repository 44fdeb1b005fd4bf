-- The sessions of a run, and all that is known of what ran.
local markup = require "moonkey.batch.report.markup"
local parts = require "moonkey.batch.report.page_parts"
local summary = require "moonkey.batch.summary"
local words = require "moonkey.batch.report.words"

local M = {}

local h = markup.html

local KIND = { batch = "start", resume = "resume", retry = "retry of failed rows" }
local MOST_SESSIONS = 100

function M.sessions(facts)
  local rows, count = {}, #facts.sessions
  for i = math.max(1, count - MOST_SESSIONS + 1), count do
    local s = facts.sessions[i]
    rows[#rows + 1] = { ("%d, %s"):format(s.number, KIND[s.kind] or s.kind), parts.moment(s.started),
      s.ended and words.span(s.ended - s.started) or "", words.session(s, facts.running and i == count),
      s.retries and summary.number(s.retries) or "" }
  end
  if count == 0 then return nil end
  return parts.section("sessions", count == 1 and "The session" or "Sessions", {
    parts.table("Each start of the program for this run", { { "Session" }, { "Began" }, { "Took", "n" }, { "How it ended" },
      { "Requests tried again", "n" } }, rows),
    count > MOST_SESSIONS and h.p{ class = "note", ("The last %d of %d sessions."):format(MOST_SESSIONS, count) } })
end

local function options(run)
  local list = {}
  for i, option in ipairs(words.options(run.options)) do list[i] = { i > 1 and " " or nil, parts.code(option) } end
  return #list > 0 and list
end

local function with_hash(name, hash, more)
  return name and { parts.name(name), more and ", " .. more, hash and { h.br{}, "sha256 ", parts.code(hash) } }
end

-- Label and value of what ran; those without a value are left out.
local function facts_of(facts)
  local run = facts.run
  local size = run.input_size and words.size(run.input_size)
  return {
    { "Run", parts.code(run.id or "without an id") },
    { "Began", parts.moment(run.created) },
    { "moonkey", run.moonkey and parts.name(run.moonkey) },
    { "Host", run.host and parts.name(run.host) },
    { "Address", run.target and parts.name(run.target) },
    { "Account", run.account and parts.name(run.account) },
    { "Credential from", run.credential and { parts.name(run.credential), run.own_id and run.own_id ~= "" and { ", token ",
      parts.code(run.own_id) } } },
    { "Profile", run.profile and parts.name(run.profile) },
    { "Input", with_hash(run.input or run.source, run.input_sha256, size) },
    { "Format", run.format and parts.name(run.format) },
    { "Job", with_hash(run.job, run.job_sha256) },
    { "Plan", run.plan and parts.code(run.plan) },
    { "Takes back run", run.undo_of and parts.code(run.undo_of) },
    { "Continues run", run.continues and parts.code(run.continues) },
    { "Options", options(run) },
    { "Requests", summary.number(facts.requests) },
  }
end

function M.run(facts)
  local list = {}
  for _, fact in ipairs(facts_of(facts)) do
    if fact[2] then list[#list + 1] = { h.dt(fact[1]), h.dd{ fact[2] } } end
  end
  return parts.section("run", "What ran", h.dl{ class = "facts", list })
end

return M
