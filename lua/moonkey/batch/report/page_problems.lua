-- What failed, and what is unknown, by cause.
local markup = require "moonkey.batch.report.markup"
local parts = require "moonkey.batch.report.page_parts"
local summary = require "moonkey.batch.summary"
local words = require "moonkey.batch.report.words"

local M = {}

local h = markup.html

local UNKNOWN = "A request that must not be repeated was sent, and no answer came. The platform may have carried it out, or "
  .. "not: look there before anything is sent again."
local OPEN_UP_TO = 5 -- rows of a cause that are shown without being asked for

-- What a row says beyond its cause.
local function particulars(r, cause)
  local list = {}
  if r.detail and r.detail ~= cause.reason then list[1] = h.div{ parts.name(r.detail) } end
  for _, e in ipairs(r.errors or {}) do
    local text = type(e) == "table" and (e.field and e.field .. ": " or "") .. tostring(e.message or "") or tostring(e)
    if text ~= cause.reason then list[#list + 1] = h.div{ parts.name(text) } end
  end
  return #list > 0 and list
end

local function has(rows, get)
  for _, r in ipairs(rows) do
    if get(r) then return true end
  end
end

local COLUMNS = {
  { "Place", "place", words.place },
  { "Token", "id", function(r) return r.id and parts.id(r.id) end },
  { "What it said", nil, particulars },
  { "Attempts", "n", function(r) return r.attempts and r.attempts > 0 and summary.number(r.attempts) end },
  { "Trace id", "trace", function(r)
    local id = r.trace_id or r.traceparent
    return id and parts.name(id)
  end },
}

-- Only columns in which something stands.
local function rows_table(cause)
  local columns, rows = {}, {}
  for _, column in ipairs(COLUMNS) do
    if has(cause.rows, function(r) return column[3](r, cause) end) then columns[#columns + 1] = column end
  end
  for i, r in ipairs(cause.rows) do
    local cells = {}
    for k, column in ipairs(columns) do cells[k] = column[3](r, cause) or "" end
    rows[i] = cells
  end
  return parts.table("Rows with this cause", columns, rows)
end

local function article(cause, command)
  local count, advice = cause.count, cause.outcome ~= "unknown" and words.advice(cause)
  local shown = #cause.rows == 1 and "The row" or words.rows(#cause.rows)
  return h.article{ class = "cause",
    h.p{ class = "count", summary.number(count) },
    h.div{
      h.h3{ parts.name(words.cause_name(cause)) },
      cause.reason and h.p{ parts.name(cause.reason) },
      advice and h.p{ class = "soft", advice:sub(1, 1):upper() .. advice:sub(2) .. "." },
      h.details{ open = #cause.rows <= OPEN_UP_TO, h.summary(count > #cause.rows and "The first " .. shown or shown),
        rows_table(cause), parts.more(#cause.rows, count, command) },
    } }
end

-- `command`: has all of the rows.
local function articles(causes, command)
  local list = {}
  for i, cause in ipairs(causes) do list[i] = article(cause, command) end
  return list
end

function M.unknown(facts)
  local count = facts.totals.unknown
  if count == 0 then return nil end
  local heading = words.rows(count) .. (count == 1 and " with an unknown outcome" or " with unknown outcomes")
  local command = "moonkey runs results " .. facts.name
  return parts.section("unknown", heading, { h.p(UNKNOWN), articles(facts.unknowns, command) }, "alert")
end

function M.failed(facts)
  local count = facts.totals.failed
  if count == 0 then return nil end
  return parts.section("failed", "What failed", {
    h.p{ class = "note", ("%s, by cause."):format(words.rows(count)) },
    articles(facts.failures, ("moonkey runs results %s --failed"):format(facts.name)) })
end

return M
