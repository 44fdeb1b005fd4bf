-- Takes chunks from the queue, as long as the worker has fewer rows than it can work on at a time.
local chunks = require "moonkey.queue.chunk"
local log = require "moonkey.log"
local signals = require "moonkey.queue.signal"
local sys = require "moonkey.sys"
local task = require "moonkey.task"

local M = {}

local Taking = {}
Taking.__index = Taking

local DELIVERIES = 5 -- of a chunk at most; then it is set aside
local SHORTEST, LONGEST = 0.02, 0.25 -- seconds until it is tried again where there was nothing
local REST = 1 -- seconds without anything to do after which it may be worth to look elsewhere

-- { row, intent, … } as row → intent; of what is the number of no row, nothing.
local function intents_of(list)
  local intents = {}
  for i = 1, #list, 2 do
    local row = math.tointeger(tonumber(list[i]))
    if row then intents[row] = list[i + 1] end
  end
  return intents
end

-- Its own chunk, given to it once more because a beat came too late. Nobody else had it in between, so nothing is lost.
local function keep(self, id, deliveries)
  local chunk = self.held.chunks[id]
  if chunk and deliveries == chunk.deliveries + 1 then
    chunk.deliveries = deliveries
    return true
  end
  if chunk then self.on_lost(id) end
end

local function accept(self, id, text, deliveries, intents)
  if keep(self, id, deliveries) then return end
  local items, message = chunks.decode_rows(text)
  if not items then return log.error("chunk %s: %s; it is left to others", id, message) end
  if deliveries > 1 then log.info("chunk %s: taken over from a worker that is not heard of any more", id) end
  self.on_chunk(self.held:add(id, deliveries, items, intents_of(intents)))
end

-- What Redis refuses is said once: it will again. That it cannot be reached is said elsewhere.
local function note(self, err)
  if err.kind ~= "redis" or self.is_told then return end
  self.is_told = true
  log.warn("no rows are taken: %s", err)
end

-- true where there was a chunk; nil where there was nothing, or it cannot be told.
local function take(self)
  local reply, err = self.link:script("take", self.lease * 1000 // 1 | 0, DELIVERIES)
  if not reply then return note(self, err) end
  local state, id, text, deliveries = table.unpack(reply, 1, 4)
  self.on_state(state)
  if not id then return nil end
  accept(self, id, text, deliveries, { table.unpack(reply, 5) })
  return true
end

-- There was nothing to take.
local function rest(self)
  local now = sys.now()
  if self.held.count > 0 then self.idle_since = nil return end
  self.idle_since = self.idle_since or now
  if now - (self.looked_at or self.idle_since) < REST then return end
  self.looked_at = now
  self.on_idle(now - self.idle_since)
end

local function keep_taking(self)
  local pause = SHORTEST
  while not self.closed do
    if self.held.unstarted >= self.few then
      self.news:wait(LONGEST)
    elseif self.is_well() and take(self) then
      pause, self.idle_since, self.looked_at = SHORTEST, nil, nil
    else
      rest(self)
      if not self.closed then self.news:wait(pause) end
      pause = math.min(pause * 2, LONGEST)
    end
  end
end

-- Fewer rows than it wants are left.
function Taking:wake()
  self.news:send()
end

-- No more chunks.
function Taking:finish()
  self.closed = true
  self.news:send()
end

-- An error of it is raised by join(), and on_broken() says that it is time for that.
function Taking:begin()
  self.task = task.spawn(function()
    local ok, err = pcall(keep_taking, self)
    if ok then return end
    self.on_broken()
    error(err, 0)
  end)
end

-- Until the last one has come.
function Taking:join()
  self:finish()
  self.task:join()
end

--[[
{ link =, held =, lease = seconds, few = takes a chunk where fewer rows have not begun, is_well() = may it,
  on_chunk(chunk, results of rows that need not be run), on_state(state) with each answer, on_lost(id), on_idle(seconds) now and
  then while there is nothing to do, on_broken() where it cannot go on }
]]
function M.new(options)
  local self = setmetatable({ news = signals.new() }, Taking)
  for name, value in pairs(options) do self[name] = value end
  return self
end

return M
