-- What the run changed: how often each field, which modules, and rows with before and after.
local changed = require "moonkey.batch.report.changed"
local json = require "moonkey.json"
local markup = require "moonkey.batch.report.markup"
local parts = require "moonkey.batch.report.page_parts"
local summary = require "moonkey.batch.summary"
local visible = require "moonkey.batch.report.visible"
local words = require "moonkey.batch.report.words"

local M = {}

local h = markup.html

local FIRST_ROWS = 20 -- that are shown without being asked for

local function none() return h.span{ class = "empty", "none" } end

local function value(v)
  if v == nil or v == json.null or v == "" then return v == "" and h.span{ class = "empty", "empty text" } or none() end
  local text = visible.text(type(v) == "string" and v or json.encode(v))
  if utf8.len(text) > parts.MOST_TEXT then text = visible.line(text, parts.MOST_TEXT) end
  return h.bdi{ class = "value", text }
end

-- Modules before, with what was removed marked; and after, with what was added.
local function modules(list, others, tag)
  if type(list) ~= "table" or #list == 0 then return none() end
  local marked, cells = {}, {}
  for _, id in ipairs(changed.missing(list, others)) do marked[id] = true end
  for i, id in ipairs(list) do
    id = tostring(id)
    cells[i] = { i > 1 and " " or nil, marked[id] and h[tag]{ parts.id(id) } or parts.id(id) }
  end
  return cells
end

local function sides(change)
  if change.field == "modules" then
    return modules(change.from, change.to, "del"), modules(change.to, change.from, "ins")
  end
  return value(change.from), value(change.to)
end

local COLUMNS = { { "Token", "id" }, { "Place", "place" }, { "Field" }, { "Before" }, { "After" } }

-- A line a field; the token stands in the first of its lines.
local function rows_table(rows, caption)
  local list = {}
  for _, r in ipairs(rows) do
    for i, change in ipairs(r.changes) do
      local before, after = sides(change)
      list[#list + 1] = { i == 1 and parts.id(r.id or "") or "", i == 1 and words.place(r) or "", parts.name(change.field),
        before, after, class = i < #r.changes and "same" or nil }
    end
  end
  return parts.table(caption, COLUMNS, list)
end

local function rows_tables(rows)
  local first = table.move(rows, 1, math.min(#rows, FIRST_ROWS), 1, {})
  local others = table.move(rows, FIRST_ROWS + 1, #rows, 1, {})
  return h.div{ class = "before-after", rows_table(first, "Before and after"), #others > 0 and h.details{
    h.summary(("The next %s"):format(words.rows(#others))), rows_table(others, "Before and after, further rows") } }
end

local function fields(c)
  local list = {}
  for i, f in ipairs(c.fields) do list[i] = h.div{ h.dt{ parts.name(f.field) }, h.dd(summary.number(f.count)) } end
  return h.dl{ class = "figures", list }
end

local function modules_table(c)
  if #c.modules == 0 then return nil end
  local rows = {}
  for i, m in ipairs(c.modules) do rows[i] = { parts.id(m.id), summary.number(m.added), summary.number(m.removed) } end
  return h.details{ open = #rows <= 8, h.summary"Modules added and removed",
    parts.table("Modules added and removed, in rows", { { "Module", "id" }, { "Added", "n" }, { "Removed", "n" } }, rows),
    c.other_modules > 0 and h.p{ class = "note", "And ", summary.number(c.other_modules), " changes of other modules." } }
end

function M.section(facts)
  local c, options = facts.changes, facts.run.options
  if c.count == 0 then
    if facts.totals.done == 0 or options.undoable or facts.run.plan then return nil end
    return parts.section("changes", "What changed",
      h.p{ class = "note", "This run kept no record of what its tokens were before. One that starts from a plan does, or with ",
        parts.code("--undoable"), "." })
  end
  return parts.section("changes", options.dry_run and "What would change" or "What changed", {
    h.p{ class = "note", ("%s, by field:"):format(words.changed(facts)) },
    fields(c), modules_table(c), rows_tables(c.rows),
    parts.more(#c.rows, c.count, ("moonkey runs results %s -o jsonl"):format(facts.name)) })
end

return M
