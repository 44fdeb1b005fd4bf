--[[
The chunks that a worker holds: which of their rows have not begun, which are under way, and what came of the others.

A chunk is { id =, deliveries = how often it was given out, items = its rows, results =, left = rows without a result, running =
rows under way, bytes = of its results, about }.
]]
local result = require "moonkey.batch.result"

local M = {}

local Held = {}
Held.__index = Held

-- `intents`: row → "POST /path", of writes that a worker has announced who did not live to tell what came of them. The chunk,
-- and the results that it has by that already.
function Held:add(id, deliveries, items, intents)
  local chunk = { id = id, deliveries = deliveries, items = {}, results = {}, next = 1, running = 0, bytes = 0 }
  for _, item in ipairs(items) do
    local intent = intents[item.row]
    if intent then
      chunk.results[#chunk.results + 1] = result.unknown(item, intent)
    else
      chunk.items[#chunk.items + 1] = item
    end
  end
  chunk.left = #chunk.items
  self.chunks[id], self.count = chunk, self.count + 1
  self.queue[#self.queue + 1] = chunk
  self.unstarted = self.unstarted + chunk.left
  return chunk, table.move(chunk.results, 1, #chunk.results, 1, {})
end

-- The next row that has not begun, which is under way from here on; nil if there is none, or while an earlier delivery of it is
-- under way still.
function Held:next()
  local chunk = self.queue[1]
  while chunk and chunk.next > #chunk.items do
    table.remove(self.queue, 1)
    chunk = self.queue[1]
  end
  local item = chunk and chunk.items[chunk.next]
  if not item or self.under_way[item.row] then return nil end
  chunk.next, chunk.running, self.unstarted = chunk.next + 1, chunk.running + 1, self.unstarted - 1
  self.under_way[item.row] = { chunk = chunk, item = item }
  return item
end

-- The chunk whose row is under way; nil where it is not held any more.
function Held:of_row(row)
  local place = self.under_way[row]
  return place and not place.chunk.dropped and place.chunk or nil
end

-- The result of a row that was under way. The chunk, if it is held still; where its `left` is 0 now, that was the last.
function Held:ended(r)
  local place = self.under_way[r.row]
  local chunk = place.chunk
  self.under_way[r.row] = nil
  r.hash = place.item.hash
  chunk.running, chunk.left = chunk.running - 1, chunk.left - 1
  chunk.results[#chunk.results + 1] = r
  return not chunk.dropped and chunk or nil
end

-- None of its rows begins from here on.
local function pass_over_rest(self, chunk)
  self.unstarted = self.unstarted - (#chunk.items - chunk.next + 1)
  chunk.next = #chunk.items + 1
end

-- It is not held any more, and what comes of its rows is nobody's business.
function Held:drop(chunk)
  if chunk.dropped then return end
  chunk.dropped = true
  self.chunks[chunk.id], self.count = nil, self.count - 1
  pass_over_rest(self, chunk)
end

-- The rows of it that have not begun end as pending, for the coordinator to give them out anew.
function Held:return_rest(chunk)
  for i = chunk.next, #chunk.items do
    chunk.results[#chunk.results + 1] = result.pending(chunk.items[i])
    chunk.left = chunk.left - 1
  end
  pass_over_rest(self, chunk)
end

-- Has all that is held been reported?
function Held:is_handed_in()
  for _, chunk in pairs(self.chunks) do
    if not chunk.handed_in then return false end
  end
  return self.count > 0
end

function Held:all()
  local all = {}
  for _, chunk in pairs(self.chunks) do all[#all + 1] = chunk end
  return all
end

-- `chunks`: id → chunk; `count` of them; `unstarted` rows of all.
function M.new()
  return setmetatable({ chunks = {}, queue = {}, under_way = {}, count = 0, unstarted = 0 }, Held)
end

return M
