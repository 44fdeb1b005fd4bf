-- Objects as a table for people. The first rows are held back until the widths of the columns are known; the others flow
-- through, so that a long list takes no memory.
local harmless = require "moonkey.harmless"
local redact = require("moonkey.secret").redact
local stdout = require "moonkey.cli.output.stdout"
local sys = require "moonkey.sys"
local width = require "moonkey.cli.output.width"

local Table = {}
Table.__index = Table

local HELD = 100 -- rows
local GAP = "  "

local function cells_of(columns, object)
  local cells = {}
  for i, column in ipairs(columns) do cells[i] = harmless(redact(column.text(object))) end
  return cells
end

function Table:line(cells)
  local parts, last = {}, #cells
  for i = 1, last - 1 do parts[i] = width.pad(cells[i], self.widths[i]) end
  parts[last] = cells[last]
  local line = table.concat(parts, GAP):gsub("%s+$", "")
  if self.most then line = width.cut(line, self.most) end
  stdout.write(line, "\n")
end

function Table:release()
  local held = self.held
  self.held = nil
  if #held == 0 then return end
  table.insert(held, 1, self.titles)
  for _, cells in ipairs(held) do
    for i, cell in ipairs(cells) do self.widths[i] = math.max(self.widths[i] or 0, width.of(cell)) end
  end
  for _, cells in ipairs(held) do self:line(cells) end
end

function Table:add(object)
  local cells = cells_of(self.columns, object)
  if not self.held then return self:line(cells) end
  self.held[#self.held + 1] = cells
  if #self.held == HELD then self:release() end
end

function Table:finish()
  if self.held then self:release() end
  stdout.flush()
end

-- columns: a list of { title =, text = function(object) that returns a string }. Without objects, nothing is written.
return function(columns)
  local titles = {}
  for i, column in ipairs(columns) do titles[i] = column.title end
  return setmetatable({ columns = columns, titles = titles, widths = {}, held = {},
    most = sys.isatty(1) and sys.columns() or nil }, Table)
end
