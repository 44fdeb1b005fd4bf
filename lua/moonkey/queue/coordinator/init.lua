--[[
The coordinator of a run over a queue: in place of batch/engine.lua, it gives rows to workers, in chunks, and takes in what they
report. The journal is what counts; the server of the queue may lose what it has (comparing.lua).

  new(settings)      { conn = queue/connection.lua, rows = of a chunk, facts = what the run is, for the workers,
                     max_changes = nil or how many writes are permitted }
  open(recorder)     true, or nil, message: before anything else. `taken` is the set of rows then that are on their way already
  run_rows(options)  as of the engine
  recall(recorder)   instead of both: the run leaves this queue. true, or nil, message
]]
local announce = require "moonkey.announce"
local chunks_of = require("moonkey.batch.journal.chunks").of
local comparing = require "moonkey.queue.coordinator.comparing"
local core = require "moonkey.task.core"
local courses = require "moonkey.batch.course"
local demands = require "moonkey.queue.demands"
local ending = require "moonkey.queue.coordinator.ending"
local entering = require "moonkey.queue.coordinator.entering"
local hex = require "moonkey.hex"
local http = require "moonkey.http"
local intake = require "moonkey.queue.coordinator.intake"
local log = require "moonkey.log"
local recalling = require "moonkey.queue.coordinator.recalling"
local reports = require "moonkey.queue.coordinator.reports"
local signals = require "moonkey.queue.signal"
local summary = require "moonkey.batch.summary"
local sys = require "moonkey.sys"
local task = require "moonkey.task"
local windows = require "moonkey.queue.coordinator.window"
local workers = require "moonkey.queue.coordinator.workers"

local M = {}

local Coordinator = {}
Coordinator.__index = Coordinator

local WATCH = 0.5 -- seconds between looks at the run
local AGAIN = 0.2 -- seconds until it is tried again

-- What the server has is to be compared with what is known here, because an answer did not come, or it is another server.
function Coordinator:compare()
  self.must_compare = true
  self.keeping:send()
end

-- What Redis refuses, such as a right that the user has not, it refuses again, between other answers: that is said once.
function Coordinator:failed(err)
  self.err = err
  self:compare()
  local refusal = err.kind == "redis" and tostring(err)
  if self.away_since or self.refusals[refusal] then
    log.debug("queue: %s", err)
  else
    log.warn("queue: %s; trying again, and nothing is lost", err)
    if refusal then self.refusals[refusal] = true else self.was_away = true end
  end
  self.away_since = self.away_since or sys.now()
end

local function answers(self)
  if self.was_away then log.info("queue: it answers again") end
  self.away_since, self.was_away = nil, nil
end

-- ---- before the first row ----

local function take_journal(self, recorder)
  local writer = recorder.writer
  self.run, self.writer = recorder.id, writer
  local message
  self.over, message = chunks_of(writer)
  if not self.over then return nil, ("cannot write the journal %s: %s"):format(recorder.path, message) end
  self.layout = { rows = self.rows, session = writer.session, most_writes = self.max_changes, now = sys.now }
  self.window = windows.new(self.layout)
  self.workers.lease = math.tointeger(self.over:value("queue_lease"))
  local others = writer.sent
  function writer.sent() return others() + self.window.writes end
  return true
end

-- In a cluster the run is maybe not on the node that is named, which was asked before there was a run.
local function check_node(self)
  local ok, message, unreachable = demands.check(self.conn, self.run)
  if ok or unreachable then return true end -- then nothing can begin, which says why
  return nil, message
end

function Coordinator:open(recorder)
  local ok, message = take_journal(self, recorder)
  if not ok then return nil, message end
  local writer = self.writer
  if not http.dry_run() then announce.before_write() end
  local account = announce.known_account()
  self.facts.account = account and account:match("^%S+")
  if http.stop_reason() then return true end
  ok, message = check_node(self)
  if not ok then return nil, message end
  ok, message = entering.run(self, recorder.kind ~= nil)
  if not ok and sys.interrupted() then return true end -- what was announced is left open: workers may tell of it still
  if not ok then return nil, ("cannot begin at the queue %s: %s"):format(self.place, message) end
  self.has_begun = true
  writer:put{ queue_open = 1, queue = self.url }
  return writer:settle(self.taken)
end

-- ---- while it runs ----

local function usurped(self, by)
  self.stop_text = ("another moonkey coordinates this run now (%s): leaving it to that"):format(by)
  self.course:stop("queue")
end

local function note_lease(self)
  local lease = self.workers.lease
  if lease == self.noted_lease then return end
  self.noted_lease = lease
  self.writer:put{ queue_lease = lease }
end

-- Fewer chunks there than are out, and no report: what has become of them?
local function check_count(self, waiting, held, entries)
  local short = entries == 0 and waiting + held < self.window.count and self.adding == 0
  if short and self.was_short then self:compare() end
  self.was_short = short
end

local function take_answer(self, answer)
  if answer[1] == "gone" then return self:compare() end
  if answer[1] == "usurped" then return usurped(self, answer[2]) end
  if answer[1] == "cancelled" and not self.course.stopped then
    self.stop_text = "`moonkey queue cancel` has ended the run"
    return self.course:stop("cancelled")
  end
  note_lease(self)
  if not self.course.stopped then self.workers:ask_for_one(self.place, self.facts) end
  check_count(self, answer[2], answer[3], answer[4])
  local reason, text = self.workers:all_ended()
  if reason and self.window.count > 0 and not self.course.stopped then
    self.stop_text = text
    self.course:stop(reason)
  end
end

local function watch(self)
  while not self.closing:wait(WATCH) do
    local answer, err = comparing.watch(self)
    if answer then
      answers(self)
      take_answer(self, answer)
    else
      self:failed(err)
    end
  end
end

-- One step of what there is to do; false when nothing is left.
local function step(self)
  if self.course:must_stop() and not self.is_ending then ending.begin(self) end
  if self.is_ending and (sys.now() > self.give_up_at or self.course.stopped == "queue") then return false end
  if self.must_compare then
    if not comparing.run(self) then core.gate():wait(AGAIN) end
  elseif self.is_ending and not self.has_told then
    if not ending.tell(self) then core.gate():wait(AGAIN) end
  elseif self.window.count > 0 then
    reports.collect(self)
  elseif self.is_ending or (self.is_read and self.window:is_empty()) then
    return false
  else
    self.keeping:wait(AGAIN)
  end
  return true
end

-- Of tasks, the first failure, once all have ended.
local function join(tasks, failure)
  for _, handle in ipairs(tasks) do
    local ok, err = pcall(handle.join, handle)
    if not ok then failure = failure or err end
  end
  if failure then error(failure, 0) end
end

-- fn(self) in a task. Its error ends the run, and is raised where the task is joined.
local function begin(self, fn)
  return task.spawn(function()
    local ok, err = pcall(fn, self)
    if ok then return end
    self.is_broken = true
    self.course:stop("error")
    error(err, 0)
  end)
end

local function work(self)
  local tasks = {}
  for i, fn in ipairs{ intake.read, intake.send, watch } do tasks[i] = begin(self, fn) end
  local ok, err = pcall(function() while not self.is_broken and step(self) do end end)
  self.is_over = true
  if not ok then self.course:stop("error") end
  self.closing:open()
  self.sending:send()
  self.reading:send()
  join(tasks, not ok and err or nil)
end

-- What connects again, or to another server, may have missed something.
local function listen(self)
  self.conn:on_connect(function(server, _, _, again)
    if again or (self.vouched and server ~= self.vouched) then self:compare() end
  end)
  self.reports:on_connect(function(_, _, _, again)
    if again then self:compare() end
  end)
end

-- Of a chunk of an earlier session the report may be all that was left, and the server may lose that before it is in.
local function note_lost(self)
  local lost = self.course.counts.pending
  if self.course.stopped or lost == 0 then return end
  self.stop_text = ("the queue has lost what became of %s"):format(summary.rows(lost))
  self.course:stop("queue")
end

function Coordinator:run_rows(options)
  self.source, self.check = options.source, options.job.check
  self.course = courses.new(options, function()
    self.keeping:send()
    self.reading:send()
    self.sending:send()
  end)
  if not self.has_begun then
    self.course:must_stop()
    return self.course:ending()
  end
  self.must_compare = true
  listen(self)
  work(self)
  ending.leave(self)
  self.writer:commit()
  if self.window.count == 0 and self.course.stopped ~= "queue" and not self.writer.failure then ending.purge(self) end
  if not self.course.stopped and self.ended then self.course:must_stop() end
  note_lost(self)
  local ended = self.course:ending(self.ended, self.unusable)
  ended.stop_text, ended.with_workers = self.stop_text, self.window.open
  return ended
end

function Coordinator:recall(recorder)
  local ok, message = take_journal(self, recorder)
  if not ok then return nil, message end
  self.state = "halted"
  ok, message = entering.run(self, true)
  if not ok then return nil, ("cannot take the run back from the queue %s: %s"):format(self.place, message) end
  listen(self)
  local watching = task.spawn(watch, self)
  ok, message = recalling.run(self, step)
  self.closing:open()
  watching:join()
  return ok, message
end

function Coordinator:__close()
  self.reports:close()
  self.conn:close()
end

-- What the workers have sent, as http.stats() says it of this process.
function Coordinator:stats()
  return { retries = self.retries, changes = self.window and self.window.writes or 0 }
end

-- What the run waits for, or nil; and who works on it, or nil.
function Coordinator:describe()
  if self.away_since then
    return ("the queue does not answer: trying since %d s"):format((sys.now() - self.away_since) // 1 | 0)
  end
  local there = self.workers:describe()
  return not there and "no worker" or nil, there
end

function M.new(settings)
  local self = setmetatable({ token = hex.encode(sys.random(8)), place = settings.conn.place.text, state = "open", taken = {},
    refusals = {}, retries = 0, answered = {}, -- set of the keys with answers for workers
    adding = 0, cursor = "0", at_once = reports.MOST, workers = workers.new(), closing = core.gate(),
    keeping = signals.new(), reading = signals.new(), sending = signals.new() }, Coordinator)
  for name, value in pairs(settings) do self[name] = value end
  self.reports = self.conn:another()
  return self
end

return M
