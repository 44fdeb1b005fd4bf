-- The rows of the chunks that a worker holds, as a source for the engine. It waits where there are none.
local signals = require "moonkey.queue.signal"

local M = {}

local Source = {}
Source.__index = Source

function Source:next()
  while not self.closed do
    local item = self.held:next()
    if item then
      if self.held.unstarted == self.few then self.on_few() end
      self.count = item.row
      return item.data, item.line
    end
    if self.ending and self.held.unstarted == 0 then return nil end
    self.news:wait()
  end
end

-- There may be rows that were not there before.
function Source:wake()
  self.news:send()
end

-- No more chunks will come: the rows that are there are the last.
function Source:finish()
  self.ending = true
  self.news:send()
end

-- Not even those.
function Source:close()
  self.closed = true
  self.news:send()
  self.on_few()
end

-- Nobody knows how many rows there will be.
function Source.progress() end

-- on_few() is told when only `few` of the rows held have not begun.
function M.new(held, few, on_few)
  return setmetatable({ held = held, few = few, on_few = on_few, news = signals.new(), count = 0, name = "the queue",
    may_wait = true }, Source)
end

return M
