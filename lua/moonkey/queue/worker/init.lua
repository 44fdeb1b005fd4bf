--[[
A worker: serves the runs on a queue that it can, one after the other, until it is told to end, or has to.

All that it needs of moonkey.control is loaded by the time that this module is.
]]
local announce = require "moonkey.announce"
local http = require "moonkey.http"
local hex = require "moonkey.hex"
local links = require "moonkey.queue.worker.link"
local log = require "moonkey.log"
local runs = require "moonkey.queue.worker.runs"
local sessions = require "moonkey.queue.worker.session"
local shelves = require "moonkey.queue.worker.shelf"
local signals = require "moonkey.queue.signal"
local summary = require "moonkey.batch.summary"
local sys = require "moonkey.sys"
local tallies = require "moonkey.batch.tally"

local M = {}

local Worker = {}
Worker.__index = Worker

local LOOK = 0.5 -- seconds until it looks for runs again

-- After these it may come back to the same run.
local COMES_BACK = { changed = true, lost = true, lease = true, away = true, idle = true, unattended = true }

local function hostname()
  local file = io.open("/proc/sys/kernel/hostname")
  local name = file and file:read("l")
  if file then file:close() end
  return name and name:gsub("[^%w.-]", "") or "unknown"
end

local HOST = hostname() -- a jail has no view of it

-- What nobody else is called.
local function consumer_name(host)
  return ("%s-%d-%s"):format(host, sys.getpid(), hex.encode(sys.random(3)))
end

-- What there is of a run while this worker comes back to it: how its rows ended, and its job's state.
function Worker:served_run(run)
  local served = self.served[run.id] or { run = run, tally = tallies.new() }
  self.served[run.id] = served
  return served
end

-- The job's setup, once for each run.
local function set_up(self, served)
  if served.is_set_up then return served.state end
  served.is_set_up = true
  log.info("run %s: begins to work on it, as %s", served.run.id, self.consumer)
  if served.run.work.setup then served.state = served.run.work.setup() end
  return served.state
end

local function say_what_was_done(served)
  local tally = served.tally
  if tally:settled() == 0 then return end
  log.info("run %s: did %s here: %s done, %s unchanged, %s failed, %s unknown", served.run.id, summary.rows(tally:settled()),
    summary.number(tally.done), summary.number(tally.skipped), summary.number(tally.failed), summary.number(tally.unknown))
end

function Worker:tear_down(id)
  local served = self.served[id]
  self.served[id] = nil
  if not served or not served.is_set_up then return end
  say_what_was_done(served)
  if served.run.work.teardown then served.run.work.teardown(served.state) end
end

-- Why it does not wait for more rows of the run, with nothing to do for so many seconds.
function Worker:may_leave(run, seconds)
  if self.drain and self.runs:is_empty(run) then return "drained" end
  if self.runs:is_elsewhere(run, seconds > self.lease) then return "idle" end
end

-- May it work on another run instead, while what it has of this one waits for a coordinator that is gone?
function Worker:may_set_aside(run)
  return not self.drain and not self.shelf:is_full() and self.runs:is_elsewhere(run)
end

function Worker:serve(run)
  local served = self:served_run(run)
  return sessions.run{ link = links.new(self.connection, run.id, self.consumer), run = run, jobs = self.jobs,
    lease = self.lease, own_rate = self.own_rate, host = self.host, tally = served.tally,
    set_up = function() return set_up(self, served) end,
    shelf = self.shelf, may_leave = function(...) return self:may_leave(...) end,
    may_set_aside = function(...) return self:may_set_aside(...) end }
end

local SAID = { closing = "its coordinator has stopped it", halted = "it was halted", cancelled = "it was cancelled",
  gone = "it is over", drained = "nothing is left to be done", lost = "begins anew", lease = "begins anew",
  unattended = "its coordinator is gone: set aside until it has one again, because other runs wait" }

-- Runs that have ended since this worker has left them.
local function tear_down_ended(self)
  for id in pairs(self.served) do
    if self.runs:is_over(id) then self:tear_down(id) end
  end
end

-- Work on a run until that is over for this worker. A reason to end, or nil and why that was.
local function work_on(self, run)
  self.shelf.serving = run.id
  local reason, ended = self:serve(run)
  self.shelf.serving = nil
  if reason then return reason end
  if SAID[ended] then log.info("run %s: %s", run.id, SAID[ended]) end
  if not COMES_BACK[ended] then self:tear_down(run.id) end
  if ended == "unattended" then self.runs:set_aside(run) end
  if ended == "away" then signals.new():wait(LOOK) end
  return nil, ended
end

-- There is no run to work on. Said once, however many milliseconds each try takes.
local function wait(self, err)
  local said = err and tostring(err) or "there is no run on the queue that this worker can work on: waiting for one"
  local what = said:gsub("after %d+ m", "")
  if self.said ~= what then log[err and "warn" or "info"]("%s", said) end
  self.said = what
  signals.new():wait(LOOK)
end

local function work(self)
  local passed, is_first = {}, true -- runs that it has just left, because there was nothing to do
  while not sys.interrupted() do
    if http.stop_reason() then return http.stop_reason() end
    tear_down_ended(self)
    local run, misfits, err = self.runs:next(passed)
    if run then
      self.said = nil
      local reason, ended = work_on(self, run)
      if reason then return reason end
      if not self.drain then passed = {} end
      passed[run.id] = ended == "idle" or ended == "drained" or nil
    elseif err then
      wait(self, err)
    elseif is_first and misfits > 0 then
      return "unfit"
    elseif self.drain then
      if is_first then log.info("there is no run on the queue: nothing to do") end
      return "drained"
    elseif next(passed) then
      passed = {}
    else
      wait(self)
    end
    is_first = is_first and err ~= nil
  end
  return "interrupted"
end

-- Works until it has to end: "drained", "unfit" where there are runs and none fits, or what stopped it. Errors of the job's
-- setup and teardown are raised.
function Worker:work()
  local reason = work(self)
  self.shelf:close()
  for id in pairs(self.served) do self:tear_down(id) end
  return reason
end

-- Whose account the credential is, where that can be known.
local function account_id()
  local shown = announce.account()
  return shown and shown:match("^%S+")
end

--[[
{ connection =, own = { job =, path =, sha256 = or nothing for the built-in job, target =, dry_run = }, jobs =, lease = seconds,
  own_rate = starts a second, 0 for any, wanted = id of the only run to work on, or nil, drain = ends where nothing is left }
]]
function M.new(options)
  local self = setmetatable({ served = {}, host = HOST }, Worker)
  for name, value in pairs(options) do self[name] = value end
  self.consumer = consumer_name(self.host)
  self.own.account = account_id()
  self.shelf = shelves.new()
  self.runs = runs.new(self.connection, self.own, self.wanted)
  return self
end

return M
