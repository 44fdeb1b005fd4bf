-- Rows of one id are worked on one after the other, in file order: who has an id, and which rows wait behind it.
local M = {}

local Lanes = {}
Lanes.__index = Lanes

M.MAX_WAITING = 1000 -- rows that are kept back; then nothing is read until one is done

-- A table for `jobs` keys that come and go. In one that they fill Lua would make room anew for nearly every key, because the
-- places of keys that are gone are free only then; so keys that are never asked for keep it from being small.
local function roomy(jobs)
  local t, size = {}, 2
  while size < 2 * jobs do size = size * 2 end
  for i = 1, size * 3 // 4 - jobs do t[-i] = false end
  return t
end

function Lanes:is_full()
  return self.waiting >= M.MAX_WAITING
end

local function queue_of(self, id)
  local queue = self.queues[id]
  if not queue then
    queue = { first = 1, last = 0 }
    self.queues[id] = queue
  end
  return queue
end

-- Puts a row behind the one with its id that is being worked on.
function Lanes:keep_back(item)
  local queue = queue_of(self, item.id)
  queue.last = queue.last + 1
  queue[queue.last] = item
  self.waiting = self.waiting + 1
end

-- A row that has to be worked on once more comes before those that wait for its id.
function Lanes:put_first(item)
  local queue = queue_of(self, item.id)
  queue.first = queue.first - 1
  queue[queue.first] = item
  self.waiting = self.waiting + 1
end

-- The first row that waits for the id, which then does not wait any more; nil where there is none.
function Lanes:next(id)
  local queue = self.queues[id]
  if not queue then return nil end
  local item = queue[queue.first]
  queue[queue.first], queue.first = nil, queue.first + 1
  if queue.first > queue.last then self.queues[id] = nil end
  self.waiting = self.waiting - 1
  return item
end

-- `jobs`: how many ids are worked on at a time. `holder[id]`: true, or whatever says who has it.
function M.new(jobs)
  return setmetatable({ holder = roomy(jobs), queues = {}, waiting = 0 }, Lanes)
end

return M
