--[[
The page: one HTML file that needs nothing else, and runs nothing. The policy in it forbids whatever text of others could ask
for, should it ever get past the escaping of markup.lua.
]]
local chart_latency = require "moonkey.batch.report.chart_latency"
local chart_timeline = require "moonkey.batch.report.chart_timeline"
local details = require "moonkey.batch.report.page_details"
local changes = require "moonkey.batch.report.page_changes"
local markup = require "moonkey.batch.report.markup"
local parts = require "moonkey.batch.report.page_parts"
local problems = require "moonkey.batch.report.page_problems"
local style = require "moonkey.batch.report.style"
local summary = require "moonkey.batch.summary"
local sys = require "moonkey.sys"
local words = require "moonkey.batch.report.words"

local M = {}

local h = markup.html

local POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

local function head(facts)
  return h.head{
    h.meta{ charset = "utf-8" },
    h.meta{ ["http-equiv"] = "Content-Security-Policy", content = POLICY },
    h.meta{ name = "viewport", content = "width=device-width, initial-scale=1" },
    h.meta{ name = "color-scheme", content = "light dark" },
    h.meta{ name = "referrer", content = "no-referrer" },
    h.title{ facts.said.sentence, " Run ", facts.run.id },
    h.style{ markup.trusted(style) },
  }
end

-- What ran, against what, and when, as a sentence.
local function lede(facts)
  local run = facts.run
  return h.p{ class = "lede",
    parts.name(run.source or "rows"), run.job and { " with ", parts.name(run.job:match("[^/]*$")) },
    words.target(run) and { " against ", parts.name(words.target(run)) },
    run.account and { ", account ", parts.name(run.account) },
    run.undo_of and { ", taking back run ", parts.code(run.undo_of) },
    ". ", facts.running and "Began " or "", parts.moment(run.created), ", ", words.span(facts.seconds * 1000 // 1),
    facts.running and " so far" or " at work", #facts.sessions > 1 and (" in %d sessions"):format(#facts.sessions), "." }
end

-- Class, label and count of each outcome, in the order in which they are shown.
local function totals(facts)
  local t = facts.totals
  return {
    { "done", facts.run.options.dry_run and "Could be done" or "Done", t.done },
    { "skipped", "Needed no write", t.skipped }, { "failed", "Failed", t.failed },
    { "unknown", "Unknown", t.unknown }, { "open", facts.running and "To do" or "Not done", t.not_done },
  }
end

-- Its shares as one bar. What is there can be seen, however few rows it is.
local function share_bar(list)
  local sum, x, bars = 0, 0, {}
  for _, item in ipairs(list) do sum = sum + (item[3] or 0) end
  if sum == 0 then return nil end
  local wide = 0
  for _, item in ipairs(list) do
    if (item[3] or 0) > 0 then
      item.width = math.max(6, 1000 * item[3] / sum)
      wide = wide + item.width
    end
  end
  for _, item in ipairs(list) do
    if item.width then
      local width = item.width * 1000 / wide
      bars[#bars + 1] = h.rect{ class = "fill-" .. item[1], x = x, y = 0, width = width - 2, height = 10,
        h.title{ item[2], ": ", summary.number(item[3]) } }
      x = x + width
    end
  end
  return h.svg{ class = "bar", viewBox = "0 0 1000 10", preserveAspectRatio = "none", role = "img",
    ["aria-labelledby"] = "shares-title shares-desc", h.title{ id = "shares-title", "Shares of the outcomes" },
    h.desc{ id = "shares-desc", "The counts stand below." }, bars }
end

local function overview(facts)
  local list, tiles = totals(facts), {}
  for i, item in ipairs(list) do
    tiles[i] = h.div{ class = ("of-%s%s"):format(item[1], item[3] == 0 and " none" or ""), h.dt(item[2]),
      h.dd(item[3] and summary.number(item[3]) or "not known") }
  end
  local flying = facts.totals.in_flight
  return { share_bar(list), h.dl{ class = "totals", tiles },
    flying > 0 and h.p{ class = "note", ("Of %s a request that is sent only once is under way."):format(words.rows(flying)) } }
end

local function next_steps(facts)
  local list = {}
  for i, step in ipairs(facts.said.next) do list[i] = { h.dt(parts.code(step.command)), h.dd(step.text) } end
  if #list == 0 then return nil end
  return h.section{ class = "next", ["aria-labelledby"] = "next", h.h2{ id = "next", "What can be done now" }, h.dl(list) }
end

local function timeline(facts)
  if facts.totals.done + facts.totals.failed + facts.totals.unknown + facts.totals.skipped == 0 then return nil end
  return parts.section("timeline", "When rows ended", {
    h.p{ class = "note", "Times are UTC.", #facts.sessions > 1 and " What lies between sessions is left out." },
    h.figure{ chart_timeline.draw(facts) }, parts.figures("Figures of this chart", chart_timeline.figures(facts)) })
end

local function latency(facts)
  local l = facts.latency
  if not l then return nil end
  local function figure(label, ms) return h.div{ h.dt(label), h.dd(words.span(ms)) } end
  return parts.section("latency", "How long a row took", {
    h.p{ class = "note", "From its start to its end, with retries and pauses: ", words.rows(l.rows),
      " for which something was sent. Percentiles are ", l.accuracy, "." },
    h.dl{ class = "figures", figure("Median (p50)", l.p50), figure("90% within (p90)", l.p90),
      figure("99% within (p99)", l.p99), figure("Slowest", l.most) },
    h.figure{ chart_latency.draw(l) }, parts.figures("Figures of this chart", chart_latency.figures(l)) })
end

-- The page of `facts` (see facts.lua) as text.
function M.render(facts)
  local body = h.body{
    h.main{
      h.header{
        h.p{ class = "over", h.b"moonkey report", facts.running and ", while the run is under way" or "", " · run ",
          parts.code(facts.run.id or "without an id") },
        h.h1(facts.said.sentence),
        facts.said.why and h.p{ class = "why", facts.said.why },
        lede(facts), overview(facts),
      },
      next_steps(facts), problems.unknown(facts), problems.failed(facts), timeline(facts), latency(facts),
      changes.section(facts), details.sessions(facts), details.run(facts),
    },
    h.footer{ "Written by moonkey ", sys.version(), " on ", parts.moment(sys.wall() * 1000 // 1 | 0), "." },
  }
  return "<!DOCTYPE html>\n" .. tostring(h.html{ lang = "en", head(facts), body }) .. "\n"
end

return M
