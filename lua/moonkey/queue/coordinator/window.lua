--[[
The rows that are on their way: in the chunk that is being filled, in chunks that are out (with Redis and the workers), and
those that wait. It knows nothing of Redis.

Rows of one id end in file order, over all workers: each waits until the chunk with the one before it is in, and so in the
journal. They are not in one chunk either: that is given out anew as a whole, and then the first of them would be done once more
on a token that the second has changed already, and a row that looks before it writes would find somebody else's work there.
]]
local chunks = require "moonkey.queue.chunk"
local lanes = require "moonkey.batch.lanes"

local M = {}

local Window = {}
Window.__index = Window

local MOST_CHUNKS, MOST_BYTES = 256, 32 * 1024 * 1024 -- that are out

local function new_chunk()
  return { items = {}, by_row = {}, open = 0, bytes = 0 }
end

-- Is there no room for the row of `item` in the chunk that is being filled? One row always has.
function Window:is_full_for(item)
  local filling = self.filling
  local count = #filling.items
  return count >= self.rows or (count > 0 and filling.bytes + #item.text > chunks.MAX_BYTES)
end

function Window:is_filled()
  local filling = self.filling
  return #filling.items >= self.rows or filling.bytes >= chunks.MAX_BYTES
end

-- May a chunk more be out?
function Window:has_room()
  return self.count < MOST_CHUNKS and self.bytes < MOST_BYTES
end

-- Rows that are in the chunk being filled, or out.
function Window:under_way()
  return #self.filling.items + self.open
end

-- How many rows may be put into chunks now, where only so many writes are permitted in all.
function Window:budget()
  return self.most_writes and self.most_writes - self.writes - self:under_way() or math.huge
end

local function place(self, item)
  local filling = self.filling
  filling.items[#filling.items + 1] = item
  filling.by_row[item.row] = item
  filling.bytes = filling.bytes + #item.text
  filling.since = filling.since or self.now()
end

-- A row that was read, { row =, line =, id =, hash =, text = }: into the chunk that is being filled, which has room for it, or
-- behind those of its id.
function Window:offer(item)
  local id, lane = item.id, self.lanes
  if not id then return place(self, item) end
  if lane.queues[id] or lane.holder[id] then return lane:keep_back(item) end
  lane.holder[id] = self.filling
  place(self, item)
end

-- A row waits that may be placed: { id } of it, or a row without an id that a worker has handed back.
local function first_ready(self)
  local id = self.ready[self.ready_at]
  if id then return self.lanes.queues[id][self.lanes.queues[id].first], id end
  return self.loose[#self.loose]
end

local function take_ready(self, id)
  if not id then return table.remove(self.loose) end
  local item = self.lanes:next(id)
  self.lanes.holder[id] = self.filling
  return item
end

-- All other rows of the id wait until that one is in.
local function pass_on(self)
  self.ready[self.ready_at], self.ready_at = nil, self.ready_at + 1
end

-- Put rows that have waited long enough into the chunk that is being filled, as far as there is room.
function Window:refill()
  while self:budget() > 0 do
    local item, id = first_ready(self)
    if not item or self:is_full_for(item) then return end
    place(self, take_ready(self, id))
    if id then pass_on(self) end
  end
end

-- Does a row wait that refill() could place, once there is room?
function Window:is_ready()
  return self.ready[self.ready_at] ~= nil or #self.loose > 0
end

-- The chunk that was being filled goes out, with the next id.
function Window:send()
  local chunk = self.filling
  self.filling = new_chunk()
  self.sequence = self.sequence + 1
  self:put_out(chunk, ("%d-%d"):format(self.session, self.sequence))
  return chunk
end

function Window:put_out(chunk, id)
  chunk.id, chunk.open = id, #chunk.items
  self.out[id] = chunk
  self.count, self.bytes, self.open = self.count + 1, self.bytes + chunk.bytes, self.open + chunk.open
end

-- A chunk that was out before this session. Where only its report is left, its rows have no text.
function Window:adopt(id, items)
  local chunk = new_chunk()
  for _, item in ipairs(items) do
    chunk.items[#chunk.items + 1], chunk.by_row[item.row] = item, item
    chunk.bytes = chunk.bytes + #(item.text or "")
    if item.id then self.lanes.holder[item.id] = chunk end
  end
  self:put_out(chunk, id)
  return chunk
end

-- A chunk that is out gets the next id, because its own cannot be added any more.
function Window:rename(chunk)
  self.out[chunk.id] = nil
  self.sequence = self.sequence + 1
  chunk.id = ("%d-%d"):format(self.session, self.sequence)
  self.out[chunk.id] = chunk
end

function M.rows_text(chunk)
  local texts = {}
  for i, item in ipairs(chunk.items) do texts[i] = item.text end
  return chunks.encode_rows(texts)
end

local function free(self, chunk, id)
  local lane = self.lanes
  if lane.holder[id] ~= chunk then return end -- another row of it was met before
  lane.holder[id] = nil
  if lane.queues[id] then
    self.ready_last = self.ready_last + 1 -- not by #, which says nothing of a list whose beginning is gone
    self.ready[self.ready_last] = id
  end
end

-- A chunk is in. `back`: its rows that have not ended, in their order; they come before those that wait for the same ids.
function Window:take_in(chunk, back)
  self.out[chunk.id] = nil
  self.count, self.bytes, self.open = self.count - 1, self.bytes - chunk.bytes, self.open - chunk.open
  for i = #back, 1, -1 do
    if back[i].id then self.lanes:put_first(back[i]) else self.loose[#self.loose + 1] = back[i] end
  end
  for _, item in ipairs(chunk.items) do
    if item.id then free(self, chunk, item.id) end
  end
end

-- The chunks that are out, in the order of their ids.
function Window:all_out()
  local list = {}
  for _, chunk in pairs(self.out) do list[#list + 1] = chunk end
  table.sort(list, function(a, b) return M.is_before(a.id, b.id) end)
  return list
end

-- All rows that are here and not out, which are forgotten with that: nothing more is sent.
function Window:abandon()
  local items = {}
  table.move(self.filling.items, 1, #self.filling.items, 1, items)
  table.move(self.loose, 1, #self.loose, #items + 1, items)
  self.filling, self.loose, self.ready, self.ready_at, self.ready_last = new_chunk(), {}, {}, 1, 0
  for id in pairs(self.lanes.queues) do
    local item = self.lanes:next(id)
    while item do
      items[#items + 1] = item
      item = self.lanes:next(id)
    end
  end
  table.sort(items, function(a, b) return a.row < b.row end)
  return items
end

-- Nothing is out, waits, or is being filled.
function Window:is_empty()
  return self.count == 0 and #self.filling.items == 0 and self.lanes.waiting == 0 and #self.loose == 0
end

-- "SESSION-SEQUENCE" as two numbers; nil where it is no such id, or one that no run has come to.
function M.parts(id)
  local session, sequence = id:match("^(%d+)%-(%d+)$")
  if not session or #session > 15 or #sequence > 15 then return nil end
  return math.tointeger(tonumber(session)), math.tointeger(tonumber(sequence))
end

function M.is_before(a, b)
  local session_a, sequence_a = M.parts(a)
  local session_b, sequence_b = M.parts(b)
  if session_a ~= session_b then return session_a < session_b end
  return sequence_a < sequence_b
end

-- `rows`: of a chunk at most; `session`: the first part of all ids; `most_writes`: nil, or how many writes are permitted;
-- now(): seconds.
function M.new(options)
  return setmetatable({
    rows = options.rows, session = options.session, sequence = 0, most_writes = options.most_writes, writes = 0,
    now = options.now, lanes = lanes.new(1000), filling = new_chunk(), out = {}, count = 0, bytes = 0, open = 0,
    ready = {}, ready_at = 1, ready_last = 0, loose = {},
  }, Window)
end

return M
