-- When rows ended: above how many a second, below how many failed. Sessions stand side by side, with a gap between them.
local chart = require "moonkey.batch.report.chart"
local summary = require "moonkey.batch.summary"
local words = require "moonkey.batch.report.words"

local M = {}

local LEFT, RIGHT, TOP, UPPER, LOWER, SPACE, AXIS = 46, 8, 26, 150, 56, 34, 40
local STEPS = { 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 1200000, 1800000, 3600000,
  7200000, 10800000, 21600000, 43200000, 86400000, 172800000, 432000000, 864000000, 8640000000 }

local function problems(bin) return bin.failed + bin.unknown end

local function rows(bin) return bin.done + bin.skipped + bin.failed + bin.unknown end

-- Bins in groups of `factor`, with rate and the time at which they begin: what is drawn.
local function columns(segment, bin_ms, factor)
  local list, width = {}, bin_ms * factor
  for i = 1, #segment.bins, factor do
    local column = { from = segment.started + (i - 1) * bin_ms, rows = 0, problems = 0 }
    column.ms = math.min(width, segment.started + segment.ms - column.from)
    for k = i, math.min(i + factor - 1, #segment.bins) do
      column.rows = column.rows + rows(segment.bins[k])
      column.problems = column.problems + problems(segment.bins[k])
    end
    column.rate = column.rows * 1000 / math.max(column.ms, width / 2) -- the last one may be too short to tell
    list[#list + 1] = column
  end
  return list
end

-- Where each segment stands: a list of { x =, width =, columns =, started =, ms = }; and pixels per millisecond.
local function layout(timeline, form)
  local segments, total = timeline.segments, 0
  for _, segment in ipairs(segments) do total = total + segment.ms end
  local gap = #segments <= 7 and 26 or #segments <= 40 and 6 or 1
  local scale = (form.width - LEFT - RIGHT - gap * (#segments - 1)) / total
  local list, x = {}, LEFT
  for i, segment in ipairs(segments) do
    list[i] = { x = x, width = segment.ms * scale, started = segment.started, ms = segment.ms, gap = gap,
      columns = columns(segment, timeline.bin_ms, form.group) }
    x = x + segment.ms * scale + gap
  end
  return list, scale, timeline.bin_ms * form.group
end

local function most_of(panels, field)
  local most = 0
  for _, panel in ipairs(panels) do
    for _, column in ipairs(panel.columns) do most = math.max(most, column[field]) end
  end
  return most
end

local function bars(panels, scale, field, class, bottom, height, top, title)
  local list = {}
  for _, panel in ipairs(panels) do
    for _, column in ipairs(panel.columns) do
      local x, width = panel.x + (column.from - panel.started) * scale, column.ms * scale
      if width > 3 then width = width - 1 end
      list[#list + 1] = chart.bar(class, x, bottom, width, height * column[field] / top, title(column))
    end
  end
  return list
end

-- 14:02, 14:02:10 or 14:02:10.5
local function clock(ms, step)
  local text = os.date(step >= 60000 and "!%H:%M" or "!%H:%M:%S", ms // 1000)
  return step < 1000 and ("%s.%d"):format(text, ms % 1000 // 100) or text
end

local function date(ms)
  return (words.moment(ms):match("^%d+ %a+"))
end

-- A label at the beginning of each session and at round times, as far as there is room; the date where it is another one.
local function ticks(panels, scale, bottom, width)
  local label_width = 8 * chart.CHARACTER
  local step = STEPS[#STEPS]
  for i = #STEPS, 1, -1 do
    if STEPS[i] * scale >= label_width + 24 then step = STEPS[i] end
  end
  local free, list = chart.room(12), {}
  local function add(ms, x, day, exact)
    local label = clock(ms, exact and math.min(step, 1000) or step)
    if not free(x, x + #label * chart.CHARACTER) or x + #label * chart.CHARACTER > width then return end
    list[#list + 1] = { chart.line("axis", x, bottom, x, bottom + 5), chart.text(x, bottom + 19, "start", label) }
    if date(ms) ~= day then list[#list + 1] = chart.text(x, bottom + 35, "start", date(ms)) end
  end
  for i, panel in ipairs(panels) do add(panel.started, panel.x, i > 1 and date(panels[i - 1].started), step < 60000) end
  for _, panel in ipairs(panels) do
    for ms = (panel.started // step + 1) * step, panel.started + panel.ms - 1, step do
      add(ms, panel.x + (ms - panel.started) * scale, date(math.max(panel.started, ms - step)))
    end
  end
  return list
end

-- Between two sessions: how long nothing happened.
local function breaks(panels, bottom)
  local list, free = {}, chart.room(8)
  for i = 2, #panels do
    local before, panel = panels[i - 1], panels[i]
    local x = panel.x - panel.gap / 2
    local label = words.span(panel.started - before.started - before.ms) .. " pause"
    local half = #label * chart.CHARACTER / 2
    if panel.gap > 1 then
      list[#list + 1] = chart.line("break", x, TOP - 6, x, TOP + UPPER)
      list[#list + 1] = bottom > TOP + UPPER and chart.line("break", x, bottom - LOWER, x, bottom)
    end
    if free(x - half, x + half) and x - half > 110 then list[#list + 1] = chart.text(x, TOP - 12, "middle", label) end
  end
  return list
end

local function describe(timeline, facts)
  local t = facts.totals
  local sessions = #timeline.segments > 1 and (", in %d sessions"):format(#timeline.segments) or ""
  return ("Rows that ended per second, and failed rows, from %s on, over %s of work%s. %s ended: %s failed, %s unknown.")
    :format(words.moment(timeline.segments[1].started), words.span(facts.seconds * 1000 // 1), sessions,
      words.rows(t.done + t.failed + t.unknown + t.skipped), summary.number(t.failed), summary.number(t.unknown))
end

local function title_of(column)
  return ("%s, %s: %s, %s failed"):format(clock(column.from, 1000), words.span(column.ms), words.rows(column.rows),
    summary.number(column.problems))
end

local function lower_panel(panels, scale, form, bin_ms, top)
  local bottom = top + SPACE + LOWER
  local steps = chart.steps(most_of(panels, "problems"), 2, true)
  return {
    chart.rows(steps, LEFT, form.width - RIGHT, bottom, LOWER),
    chart.text(0, bottom - LOWER - 12, "start", ("failed or unknown rows in %s"):format(words.span(bin_ms))),
    bars(panels, scale, "problems", "fill-failed", bottom, LOWER, steps[#steps], title_of),
  }, bottom
end

-- `facts`: see facts.lua.
function M.draw(facts)
  local timeline, any = facts.timeline, facts.totals.failed + facts.totals.unknown > 0
  return chart.forms("timeline", "When rows ended", describe(timeline, facts), function(form)
    local panels, scale, bin_ms = layout(timeline, form)
    local steps, bottom = chart.steps(most_of(panels, "rate"), 4), TOP + UPPER
    local contents = {
      chart.rows(steps, LEFT, form.width - RIGHT, bottom, UPPER), chart.text(0, 12, "start", "rows per second"),
      bars(panels, scale, "rate", "fill-done", bottom, UPPER, steps[#steps], title_of),
    }
    if any then contents[4], bottom = lower_panel(panels, scale, form, bin_ms, bottom) end
    contents[5], contents[6] = breaks(panels, bottom), ticks(panels, scale, bottom, form.width)
    for i = 1, 6 do contents[i] = contents[i] or false end
    return contents, bottom + AXIS
  end)
end

-- Header and rows of the same as a table.
function M.figures(facts)
  local list = {}
  for _, segment in ipairs(facts.timeline.segments) do
    for i, bin in ipairs(segment.bins) do
      if rows(bin) > 0 then
        list[#list + 1] = { words.moment(segment.started + (i - 1) * facts.timeline.bin_ms), summary.number(bin.done),
          summary.number(bin.skipped), summary.number(bin.failed), summary.number(bin.unknown) }
      end
    end
  end
  return { "From", "Done", "Skipped", "Failed", "Unknown" }, list
end

return M
