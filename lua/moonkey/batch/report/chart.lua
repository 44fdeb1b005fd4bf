-- What the charts have in common: scales, ticks, and an SVG that says what it shows.
local markup = require "moonkey.batch.report.markup"

local M = {}

local svg = markup.html

-- Forms of each chart: a picture that is only made smaller cannot be read on a phone. `group`: bins that become one bar.
M.FORMS = { { name = "wide", width = 960, group = 1 }, { name = "medium", width = 680, group = 1 },
  { name = "narrow", width = 400, group = 3 } }

M.CHARACTER = 6.9 -- the width of one, about, at 12 px

-- The least of 1, 2, 5, 10, … that is not below `value`.
local function nice(value)
  local scale = 10 ^ math.floor(math.log(value, 10))
  for _, factor in ipairs{ 1, 2, 5 } do
    if factor * scale >= value * 0.999 then return factor * scale end
  end
  return 10 * scale
end

-- Steps of an axis from 0 to at least `most`: a list of values, the last is the top. `whole`: no fractions.
function M.steps(most, count, whole)
  local step = nice(math.max(most, 1e-3) / count)
  if whole then step = math.max(1, step) end
  local list, value = { 0 }, 0
  while value < most do
    value = value + step
    list[#list + 1] = value
  end
  if #list == 1 then list[2] = step end
  return list
end

-- 12000 → "12k"
function M.short(n)
  if n >= 1e6 then return ("%.4gM"):format(n / 1e6) end
  if n >= 1e4 then return ("%.4gk"):format(n / 1e3) end
  return ("%.6g"):format(n)
end

function M.text(x, y, anchor, text, class)
  return svg.text{ x = x, y = y, ["text-anchor"] = anchor, class = class, text }
end

function M.line(class, x1, y1, x2, y2)
  return svg.line{ class = class, x1 = x1, y1 = y1, x2 = x2, y2 = y2 }
end

-- A bar with a text that shows when it is pointed at. What is there can be seen, however small its share is.
function M.bar(class, x, bottom, width, height, title)
  if height <= 0 then return nil end
  height = math.max(height, 1.5)
  return svg.rect{ class = class, x = x, y = bottom - height, width = math.max(width, 0.5), height = height, svg.title(title) }
end

-- Horizontal lines with their values, for an axis of `steps` (M.steps) that is `height` high and ends at `bottom`.
function M.rows(steps, left, right, bottom, height)
  local list, top = {}, steps[#steps]
  for i, value in ipairs(steps) do
    local y = bottom - height * value / top
    list[#list + 1] = M.line(i == 1 and "axis" or "grid", left, y, right, y)
    list[#list + 1] = M.text(left - 8, y + 4, "end", M.short(value))
  end
  return list
end

-- Keeps labels from lying upon each other: free(x, width) says whether there is room, and takes it.
function M.room(gap)
  local taken = {}
  return function(from, to)
    for _, t in ipairs(taken) do
      if from < t.to + gap and to > t.from - gap then return false end
    end
    taken[#taken + 1] = { from = from, to = to }
    return true
  end
end

-- `draw(form)` gives contents and height; the result is all forms, of which the style sheet shows one.
function M.forms(name, title, description, draw)
  local list = {}
  for i, form in ipairs(M.FORMS) do
    local contents, height = draw(form)
    local id = ("%s-%s"):format(name, form.name)
    list[i] = svg.svg{ class = form.name, viewBox = ("0 0 %d %d"):format(form.width, height), role = "img",
      ["aria-labelledby"] = ("%s-title %s-desc"):format(id, id), svg.title{ id = id .. "-title", title },
      svg.desc{ id = id .. "-desc", description }, contents }
  end
  return list
end

return M
