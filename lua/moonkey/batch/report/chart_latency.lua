-- How long rows took: bars on a logarithmic scale of time, with the percentiles marked.
local chart = require "moonkey.batch.report.chart"
local summary = require "moonkey.batch.summary"
local words = require "moonkey.batch.report.words"

local M = {}

local HEIGHT, TOP, BOTTOM, LEFT, RIGHT = 280, 62, 236, 46, 8

local function place(ms)
  return math.log(math.max(ms, 0.7), 10)
end

-- From milliseconds to pixels.
local function scale_of(bins, width)
  local low, high = place(bins[1].from), place(bins[#bins].to)
  return function(ms)
    return LEFT + (place(ms) - low) / (high - low) * (width - LEFT - RIGHT)
  end
end

local function bars(bins, x, most)
  local list = {}
  for i, bin in ipairs(bins) do
    local left = x(bin.from)
    local span = words.span(bin.from)
    if bin.to - bin.from > 1 then span = ("%s to %s"):format(span, words.span(bin.to)) end
    list[i] = bin.rows > 0 and chart.bar("fill-done", left, BOTTOM, x(bin.to) - left - 1, (BOTTOM - TOP) * bin.rows / most,
      ("%s: %s"):format(span, words.rows(bin.rows)))
  end
  return list
end

-- Labels at 1, 2, 5, 10, … as far as there is room; those at powers of ten first.
local function ticks(bins, x, width)
  local free, list = chart.room(10), {}
  for _, factors in ipairs{ { 1 }, { 5, 2 }, { 3, 7, 1.5, 4, 6 } } do
    for power = 0, 8 do
      for _, factor in ipairs(factors) do
        local ms = math.floor(factor * 10 ^ power)
        local label, at = words.span(ms), x(ms)
        local half = #label * chart.CHARACTER / 2
        if ms >= bins[1].from and ms <= bins[#bins].to and at - half > 0 and at + half <= width and ms == factor * 10 ^ power
          and free(at - half, at + half) then
          list[#list + 1] = { chart.line("axis", at, BOTTOM, at, BOTTOM + 5), chart.text(at, BOTTOM + 20, "middle", label) }
        end
      end
    end
  end
  return list
end

local function marks(latency, x, width)
  local list, rooms = {}, {}
  for _, name in ipairs{ "p50", "p90", "p99" } do
    local label, at, row = ("%s  %s"):format(name, words.span(latency[name])), x(latency[name]), 1
    local long = #label * chart.CHARACTER
    local flip = at + 6 + long > width
    local from = flip and at - 6 - long or at + 6
    while true do
      rooms[row] = rooms[row] or chart.room(8)
      if rooms[row](from, from + long) then break end
      row = row + 1
    end
    local y = 12 + (row - 1) * 16
    list[#list + 1] = { chart.line("mark", at, y - 9, at, BOTTOM),
      chart.text(flip and at - 6 or at + 6, y, flip and "end" or "start", label, "strong") }
  end
  return list
end

local function describe(l)
  return ("Rows by their duration, on a logarithmic scale from %s to %s. Half of %s took %s or less, 90%% took %s or less, "
    .. "99%% took %s or less."):format(words.span(l.least), words.span(l.most), words.rows(l.rows), words.span(l.p50),
    words.span(l.p90), words.span(l.p99))
end

-- `latency`: see latency.lua.
function M.draw(latency)
  local bins, most = latency.bins, 0
  for _, bin in ipairs(bins) do most = math.max(most, bin.rows) end
  local steps = chart.steps(most, 4, true)
  return chart.forms("latency", "How long rows took", describe(latency), function(form)
    local x = scale_of(bins, form.width)
    return {
      chart.rows(steps, LEFT, form.width - RIGHT, BOTTOM, BOTTOM - TOP),
      chart.text(0, TOP - 14, "start", "rows"),
      bars(bins, x, steps[#steps]), ticks(bins, x, form.width), marks(latency, x, form.width),
      chart.text(form.width - RIGHT, HEIGHT - 4, "end", "duration of a row, logarithmic"),
    }, HEIGHT
  end)
end

-- Header and rows of the same as a table.
function M.figures(latency)
  local list = {}
  for _, bin in ipairs(latency.bins) do
    if bin.rows > 0 then
      list[#list + 1] = { ("from %s to under %s"):format(words.span(bin.from), words.span(bin.to)), summary.number(bin.rows) }
    end
  end
  return { "Duration", "Rows" }, list
end

return M
