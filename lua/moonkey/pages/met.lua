--[[
How much of a list has been met from its beginning on, while rows may vanish from it: pure bookkeeping, for moonkey.pages.

Where the total has shrunk by n, up to n rows have moved from behind any position to before it. So of what was met, only what
ends n rows earlier is certain; a page that does not begin there leaves a gap, and is read again from there. As a list that
shrinks once will do so again, the pages after that overlap.
]]
local M = {}

local Met = {}
Met.__index = Met

function M.new()
  return setmetatable({ rows = 0, overlap = 0 }, Met)
end

-- A page was read at `offset`, with `count` of the `asked` rows; since the page before it the total has shrunk by `shrunk`.
-- Returns whether it joins what was met. If not, its rows are as good as not read.
function Met:take(offset, count, asked, shrunk)
  self.rows = math.max(0, self.rows - shrunk)
  self.overlap = math.min(math.max(2 * shrunk, self.overlap // 2), asked // 2)
  if offset > self.rows then return false end
  self.rows = math.max(self.rows, offset + count)
  return true
end

-- The offset to read at; nil at the end. Without a total there is always more.
function Met:next(total)
  if total and self.rows >= total then return nil end
  return math.max(0, self.rows - self.overlap)
end

return M
