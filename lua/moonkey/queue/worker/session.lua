--[[
A worker's work on one run, from the first beat until it leaves: takes chunks, runs their rows by the engine, and hands in what
came of them.

It ends, with everything handed back that has not begun, when the run does, when the worker stops, or when the lease is over, be
it that the worker was frozen or that Redis could not be asked. Whatever it hands in then is accepted only if nobody else was
given the chunk meanwhile; so a worker need not know that, and simply begins anew.
]]
local beats = require "moonkey.queue.worker.beat"
local bound = require "moonkey.queue.worker.bounded"
local control = require "moonkey.control"
local cut = require "moonkey.cut"
local engine = require "moonkey.batch.engine"
local helds = require "moonkey.queue.worker.held"
local http = require "moonkey.http"
local json = require "moonkey.json"
local log = require "moonkey.log"
local notes = require "moonkey.queue.worker.notes"
local paces = require "moonkey.queue.worker.pace"
local progress = require "moonkey.batch.progress"
local reports = require "moonkey.queue.worker.reports"
local result = require "moonkey.batch.result"
local shelves = require "moonkey.queue.worker.shelf"
local sources = require "moonkey.queue.worker.source"
local speeds = require "moonkey.batch.speed"
local sys = require "moonkey.sys"
local takings = require "moonkey.queue.worker.taking"
local task = require "moonkey.task"

local M = {}

local Session = {}
Session.__index = Session

local PATIENCE = 5 -- seconds
local ALONE = 5 -- seconds for which a coordinator that is not alive may come back
local LOOK = 1 -- seconds between looks for another run
local SETTLE = 1 -- seconds in which reports are accepted if they are at all
local MOST_BYTES = 4 * 1024 * 1024 -- of what came of the rows of a chunk; the others of it go back then

-- What is said to calls that are not sent any more.
local NOT_SENT = {
  halted = "not sent: the run was halted",
  cancelled = "not sent: the run was cancelled",
  gone = "not sent: the run is over",
  lost = "not sent: the row has been given to another worker",
  lease = "not sent: the lease is over, and others may have been given the row",
}

-- No more chunks: those that are held are the last.
function Session:finish(reason)
  self.ending = self.ending or reason
  self.taking:finish()
  self.source:finish()
end

-- At once: of what is under way, no more is sent, and what has not begun goes back.
function Session:stop(reason)
  if self.stopped then return end
  self.stopped = reason
  control.stop(NOT_SENT[reason])
  self.notes:give_up(NOT_SENT[reason])
  self.taking:finish()
  self.source:close()
end

local function note_vouching(self, state)
  if state == "unvouched" then
    log.info("run %s: its coordinator compares what Redis has with what it knows: waiting for that", self.run.id)
  elseif self.state == "unvouched" and state == "open" then
    log.info("run %s: goes on", self.run.id)
  end
end

function Session:note_state(state)
  if state == self.state then return end
  note_vouching(self, state)
  self.state = state
  if state == "closing" then return self:finish(state) end
  if state == "halted" or state == "cancelled" then
    self.ending = state
    return self:stop(state)
  end
  if state == "gone" then
    for id in pairs(self.held.chunks) do self:lose(id, true) end
    self.ending = self.ending or state
    self:finish(state)
  end
end

-- What the coordinator has written of the run: it may go on with another rate, or another way of doing the rows.
function Session:note_facts(rate, built_in)
  self.pace:set(tonumber(rate) or 0)
  if built_in ~= self.run.built_in then self:finish("changed") end
end

-- It is not this worker's any more. While it is handed in, the answer to that tells what became of it.
function Session:lose(id, quietly)
  local chunk = self.held.chunks[id]
  if not chunk or chunk.handed_in then return end
  if not quietly then log.warn("chunk %s: it has been given to another worker", id) end
  self.held:drop(chunk)
  if chunk.running > 0 then self:stop(self.state == "gone" and "gone" or "lost") end
end

function Session:on_result(r)
  if r.outcome == "failed" and r.kind == "cancelled" and self.notes:was_refused(r.row) then
    r.outcome = r.carried_out and "unknown" or "pending" -- as the engine's, of a run that stops
  end
  self.tally:add(r)
  local bytes = bound(r)
  r.announced = self.notes:has_announced(r.row) or nil
  self.notes:forget(r.row)
  local chunk = self.held:ended(r)
  if not chunk then return end
  chunk.bytes = chunk.bytes + bytes
  if chunk.bytes > MOST_BYTES then
    self.held:return_rest(chunk)
    self.taking:wake()
  end
  if chunk.left == 0 then self.reports:add(chunk) end
end

function Session:on_chunk(chunk, results)
  for _, r in ipairs(results) do self.tally:add(r) end
  if chunk.left == 0 then return self.reports:add(chunk) end
  self.bar = self.bar or progress.new(self.source, self.tally)
  self.source:wake()
end

local function close_bar(self)
  if self.bar then self.bar:close() end
  self.bar = nil
end

local function state_of(self)
  if self.ending == "unattended" then return "set aside" end
  if self.stopped or self.ending or sys.interrupted() then return "leaving" end
  return self.held.count == 0 and "idle" or "working"
end

-- What the worker says of itself.
local function facts_of(self)
  local tally, stats = self.tally, http.stats()
  return json.encode{ host = self.host, pid = sys.getpid(), jobs = self.jobs, done = tally.done + tally.skipped,
    failed = tally.failed + tally.unknown, changes = stats.changes, retries = stats.retries,
    rate = self.speed:note(sys.now(), tally:settled()) * 10 // 1 / 10,
    state = state_of(self) }
end

-- Is there nothing to wait for here?
local function rest(self, seconds)
  close_bar(self)
  local reason = self.may_leave(self.run, seconds)
  if reason then self:finish(reason) end
end

-- The coordinator is gone, and what this worker holds waits for that: the run is set aside where another has rows to be done.
function Session:set_aside()
  if self.ending or self.stopped then return end
  self.ending = "unattended"
  self.taking:finish()
  self.source:close()
  self.notes:give_up("the coordinator is gone, and other runs wait for this worker")
end

-- Is all that is held waiting for the coordinator, or for a server that somebody vouches for?
local function is_blocked(self)
  return self.notes:is_waiting() or self.state == "unvouched" and self.held:is_handed_in()
end

local function look_elsewhere(self, now)
  if now - self.heard_at < ALONE or now - (self.looked_at or 0) < LOOK then return end
  if self.is_looking or not is_blocked(self) then return end
  self.looked_at, self.is_looking = now, true
  task.spawn(function()
    local may = self.may_set_aside(self.run)
    self.is_looking = false
    if may then self:set_aside() end
  end)
end

-- With each beat. Rows that wait for the coordinator do so for a while only, once the worker is to end.
local function look_around(self)
  look_elsewhere(self, sys.now())
  if not sys.interrupted() and not http.stop_reason() then return end
  self.source:close()
  self.leaves_at = self.leaves_at or sys.now() + math.min(self.lease, PATIENCE)
  if sys.now() > self.leaves_at then self.notes:give_up("the worker ends, and the coordinator does not answer") end
end

local function open(self)
  local link, lease = self.link, self.lease
  self.held = helds.new()
  self.source = sources.new(self.held, self.jobs - 1, function() self.taking:wake() end)
  self.reports = reports.new(link, self.held)
  self.notes = notes.new(link, self.held, self.run.id)
  self.pace = paces.new{ link = link, rate = self.run.rate, own = self.own_rate, lease = lease }
  self.beat = beats.new{
    link = link, held = self.held, pace = self.pace, lease = lease,
    facts = function() return facts_of(self) end,
    on_state = function(state) self:note_state(state) end,
    on_coordinator = function(is_alive) if is_alive then self.heard_at = sys.now() end end,
    on_facts = function(...) self:note_facts(...) end,
    on_lost = function(id) self:lose(id) end,
    on_over = function() self:stop("lease") end,
    on_tick = function() look_around(self) end,
  }
  self.taking = takings.new{
    link = link, held = self.held, lease = lease, few = self.jobs,
    is_well = function() return self.beat:is_well() and self.state == "open" end,
    on_chunk = function(...) self:on_chunk(...) end,
    on_state = function(state) self:note_state(state) end,
    on_lost = function(id) self:lose(id) end,
    on_idle = function(seconds) rest(self, seconds) end,
    on_broken = function() self:stop("error") end,
  }
end

-- Rows that were not run go back. `reason`: why the worker ends; nil where it goes on.
local function hand_back(self, reason)
  self.taking:join()
  for _, chunk in ipairs(self.held:all()) do
    self.held:return_rest(chunk)
    self.reports:add(chunk, reason ~= "interrupted" and reason or nil)
  end
  local latest
  self.reports:settle(function()
    if not latest and (reason or sys.interrupted()) then latest = sys.now() + self.lease end
    if not latest and self.ending == "unattended" then latest = sys.now() + SETTLE end
    return not latest or sys.now() < latest
  end)
  if self.held.count == 0 then return end
  if self.ending ~= "unattended" or reason or sys.interrupted() then return shelves.tell_lost(self.held.count) end
  self.is_shelved = true
  self.shelf:put(self.link, self.lease, facts_of(self), self.held:all())
end

-- What a worker says of an error that it ends by, for one line; nothing where there is none.
local LONGEST = 500 -- bytes
local function said_of(err)
  if err == nil then return end
  local ok, text = pcall(tostring, err)
  text = result.one_line(ok and json.is_utf8(text) and text or "an error that cannot be looked at")
  return cut(text, LONGEST)
end

-- `err`: the worker ends by that; or nil.
local function close(self, err)
  close_bar(self)
  self.notes:close()
  self.beat:close()
  self.pace:close()
  if not self.is_shelved then self.link:script("leave", said_of(err)) end
  if self.stopped and not sys.interrupted() then control.go_on() end
end

local function work(self)
  self.beat:begin()
  local state = self.set_up(self.run) -- with a lease, so that what that needs can be sent
  self.taking:begin()
  local ended = engine.run{ source = self.source, job = self.run.work, jobs = self.jobs, state = state, journal = self.notes,
    on_result = function(r) self:on_result(r) end, failure = function() return self.stopped end }
  local reason = ended.stopped ~= self.stopped and ended.stopped or nil
  hand_back(self, reason)
  return reason
end

--[[
M.run{ link = to the run, run = { id =, rate =, built_in =, work = the job }, jobs =, lease = seconds, own_rate =, host =,
       tally =, shelf =, set_up(run) = the job's state, may_leave(run, seconds) = a reason where there is nothing to do for so
       long, may_set_aside(run) = is there another to work on }
returns why the worker has to end (as the engine's, such as "auth" or "interrupted"), or nil and why it does not work on this
run any more: "closing", "halted", "cancelled", "gone"; what may_leave() said; "unattended": not until it has a coordinator
again; "changed", "lost", "lease", "away": it may begin anew.
]]
function M.run(options)
  local self = setmetatable({}, Session)
  for name, value in pairs(options) do self[name] = value end
  self.heard_at = sys.now()
  self.speed = speeds.new(sys.now(), self.tally:settled(), 1)
  open(self)
  local ok, reason = true, nil
  if self.beat:first() and not self.ending then ok, reason = pcall(work, self) end
  close(self, not ok and reason or nil)
  if not ok then error(reason, 0) end
  return reason, self.ending or self.stopped or "away"
end

return M
