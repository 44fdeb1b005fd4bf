--[[
A worker: serves the runs on a queue that it can, one after the other, until it is told to end, or has to.

All that it needs of moonkey.control is loaded by the time that this module is.
]]
local announce = require "moonkey.announce"
local links = require "moonkey.queue.worker.link"
local log = require "moonkey.log"
local runs = require "moonkey.queue.worker.runs"
local sessions = require "moonkey.queue.worker.session"
local signals = require "moonkey.queue.worker.signal"
local sys = require "moonkey.sys"
local tallies = require "moonkey.batch.tally"

local M = {}

local Worker = {}
Worker.__index = Worker

local LOOK = 0.5 -- seconds until it looks for runs again

-- After these the same run is gone on with.
local BEGINS_ANEW = { lost = true, lease = true, away = true, idle = true }

local function hostname()
  local file = io.open("/proc/sys/kernel/hostname")
  local name = file and file:read("l")
  if file then file:close() end
  return name and name:gsub("[^%w.-]", "") or "unknown"
end

local HOST = hostname() -- a jail has no view of it

-- What nobody else is called.
local function consumer_name(host)
  local random = sys.random(3):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
  return ("%s-%d-%s"):format(host, sys.getpid(), random)
end

-- The job's setup, once for each run; nothing else is said to be its state.
function Worker:set_up(run)
  local served = self.served[run.id]
  if served then return served.state end
  log.info("run %s: begins to work on it, as %s", run.id, self.consumer)
  served = { run = run }
  self.served[run.id] = served
  if run.work.setup then served.state = run.work.setup() end
  return served.state
end

function Worker:tear_down(id)
  local served = self.served[id]
  self.served[id] = nil
  if served and served.run.work.teardown then served.run.work.teardown(served.state) end
end

-- Why it does not wait for more rows of the run, with nothing to do for so many seconds.
function Worker:may_leave(run, seconds)
  if self.drain and self.runs:is_empty(run) then return "drained" end
  if self.runs:is_elsewhere(run, seconds > self.lease) then return "idle" end
end

function Worker:serve(run)
  return sessions.run{ link = links.new(self.connection, run.id, self.consumer), run = run, jobs = self.jobs,
    lease = self.lease, own_rate = self.own_rate, host = self.host, tally = self.tally,
    set_up = function() return self:set_up(run) end,
    may_leave = function(...) return self:may_leave(...) end }
end

local SAID = { closing = "its coordinator has stopped it", halted = "it was halted", cancelled = "it was cancelled",
  gone = "it is over", drained = "nothing is left to be done", lost = "it begins anew",
  lease = "the lease was over: it begins anew" }

-- Work on a run until that is over for this worker. A reason to end, or nil and whether nothing is left of it.
local function work_on(self, run)
  local reason, ended = self:serve(run)
  if reason then return reason end
  if SAID[ended] then log.info("run %s: %s", run.id, SAID[ended]) end
  if not BEGINS_ANEW[ended] then self:tear_down(run.id) end
  return nil, ended == "drained"
end

-- The next run; nil and what is said of that once, or a reason to end.
local function look(self)
  local run, misfits, err = self.runs:next()
  if run then return run end
  if err then return nil, ("there is no connection to the queue: %s"):format(err) end
  if misfits > 0 and not self.has_looked then return nil, nil, "unfit" end
  return nil, "there is no run on the queue that this worker can work on: waiting for one"
end

local function work(self)
  local drained = {}
  while not sys.interrupted() do
    local run, said, reason = look(self)
    if reason then return reason end
    if run and drained[run.id] or not run and self.drain then return "drained" end
    if run then
      self.has_looked, self.waits = true, nil
      reason, drained[run.id] = work_on(self, run)
      if reason then return reason end
    else
      self.has_looked = true
      if self.waits ~= said then log.info("%s", said) end
      self.waits = said
      signals.new():wait(LOOK)
    end
  end
  return "interrupted"
end

-- Works until it has to end: "drained", "unfit" where there are runs and none fits, or what stopped it. Errors of the job's
-- setup and teardown are raised.
function Worker:work()
  local reason = work(self)
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
  local self = setmetatable({ served = {}, tally = tallies.new(), host = HOST }, Worker)
  for name, value in pairs(options) do self[name] = value end
  self.consumer = consumer_name(self.host)
  self.own.account = account_id()
  self.runs = runs.new(self.connection, self.own, self.wanted)
  return self
end

return M
