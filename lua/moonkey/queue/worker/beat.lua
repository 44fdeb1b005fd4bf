--[[
The heartbeat of a worker: it holds on to its chunks, and learns how the run stands. Each beat that is answered renews the lease
from the moment on at which it was sent; beyond the lease nothing is sent to the platform (host/pace.h), because others may have
been given the rows by then.

The lease that is kept is a little shorter than the one that others go by, so that what was sent last can arrive.
]]
local control = require "moonkey.control"
local http = require "moonkey.http"
local log = require "moonkey.log"
local signals = require "moonkey.queue.signal"
local sys = require "moonkey.sys"
local task = require "moonkey.task"

local M = {}

local Beat = {}
Beat.__index = Beat

local OFTEN = 0.25 -- seconds
local SHARE = 0.9 -- of the lease that is kept
local LOOK = 1 -- seconds until it looks again at how the run is to be done
local SILENCE = 1 -- seconds without an answer after which the others are not asked for permits any more

-- What the platform has asked this worker to wait, the others should, too; and the other way round.
local function share_pause(self, pause_ms)
  if pause_ms > 0 then control.pause(pause_ms / 1000) end
  local own = http.stats().paused
  local until_ = own and sys.now() + own or 0
  if until_ <= self.told_until + 0.1 then return end
  if self.link:script("pause", math.ceil(own * 1000)) then self.told_until = until_ end
end

local function renew(self, sent)
  self.answered, self.until_ = sent, sent + SHARE * self.lease
  control.lease(math.max(self.until_ - sys.elapsed(), 0))
end

local function look_at_facts(self, now)
  if now - self.looked_at < LOOK then return end
  self.looked_at = now
  local facts = self.link:facts("rate", "built_in")
  if facts and facts[1] then self.on_facts(facts[1], facts[2] or nil) end
end

-- What keeps beats from being answered is said once.
local function note_answer(self, err)
  if err and not self.err then
    log.warn("%s; what is held is gone on with until the lease is over", err)
  elseif self.err and not err then
    log.info("the queue answers again")
  end
  self.err = err
end

-- One beat: the state of the run, or nil.
local function beat(self)
  local sent, ids = sys.elapsed(), {}
  for id in pairs(self.held.chunks) do ids[#ids + 1] = id end
  local reply, err = self.link:script("beat", self.lease * 1000 // 1 | 0, self.facts(), table.unpack(ids))
  note_answer(self, err)
  if not reply then return nil end
  renew(self, sent)
  self.pace:back()
  self.on_coordinator(reply[3] == 1)
  self.on_state(reply[1])
  for i = 4, #reply do self.on_lost(reply[i]) end
  share_pause(self, reply[2])
  look_at_facts(self, sent)
  return reply[1]
end

local function tick(self)
  local now = sys.elapsed()
  if now - self.answered > SILENCE or not self.link:is_up() then self.pace:away() end
  if self.asking then
    if now > self.until_ then self.on_over() end
    return
  end
  self.asking = true
  task.spawn(function()
    local state = beat(self)
    self.asking = false
    if not state and sys.elapsed() > self.until_ then self.on_over() end
  end)
end

local function keep_beating(self)
  while not self.closed do
    tick(self)
    self.on_tick()
    self.news:wait(self.every)
  end
end

-- The first beat: from here on the worker has a lease. The state of the run, or nil.
function Beat:first()
  return beat(self)
end

function Beat:begin()
  self.task = task.spawn(keep_beating, self)
end

-- Is there a lease, and somebody to take chunks from?
function Beat:is_well()
  return self.link:is_up() and sys.elapsed() < self.until_
end

-- Calls go where they want again, whatever others may do by now: the rows are over.
function Beat:close()
  self.closed = true
  self.news:send()
  if self.task then self.task:join() end
  while self.asking do self.news:wait(0.05) end
  control.lease(false)
end

--[[
{ link =, held =, pace =, lease = seconds, facts() = what the worker says of itself, as JSON,
  on_state(state) and on_coordinator(is it alive) with each answer, on_facts(rate, built_in) of the run now and then,
  on_lost(id) of a chunk that it does not hold any more, on_over() when the lease is over, on_tick() at each beat }
]]
function M.new(options)
  local self = setmetatable({ news = signals.new(), answered = sys.elapsed(), until_ = -math.huge, told_until = 0,
    looked_at = 0, every = math.min(options.lease / 5, OFTEN) }, Beat)
  for name, value in pairs(options) do self[name] = value end
  return self
end

return M
