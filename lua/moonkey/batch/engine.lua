--[[
Runs a job for each row of a source, `jobs` at a time, each in a task of its own.

Whichever worker is free reads the next row, one at a time; when it has one, and there are fewer workers than jobs, it
starts another. So a file keeps all of them busy, and a slow pipe holds up none that has work. A row whose id is being
worked on waits behind it, in file order, and only so many can wait: then nothing is read until one is done.
]]
local context = require "moonkey.batch.context"
local control = require "moonkey.control"
local courses = require "moonkey.batch.course"
local http = require "moonkey.http"
local intake = require "moonkey.batch.intake"
local intents = require "moonkey.batch.intents"
local lanes = require "moonkey.batch.lanes"
local limits = require "moonkey.limits"
local log = require "moonkey.log"
local result = require "moonkey.batch.result"
local sys = require "moonkey.sys"
local task = require "moonkey.task"
local traceback = require "moonkey.traceback"

local M = {}

local Engine = {}
Engine.__index = Engine

-- Keeps the traceback of one worker's last error; the error itself goes on unchanged, because __close methods are given it.
local function new_handler()
  local kept = {}
  return kept, function(err)
    kept.traceback = traceback.of(err)
    return err
  end
end

-- What is not on the wire yet is not sent for these.
local NOT_SENT = { halt = "not sent: the run was halted", journal = "not sent: the journal cannot be written" }

local running = 0 -- engines in this process

local function new_course(options)
  local course
  course = courses.new(options, function(reason)
    if NOT_SENT[reason] and running == 1 then -- another run's calls are sent
      course.has_stopped_calls = true
      control.stop(NOT_SENT[reason])
    end
  end)
  return course
end

function Engine:hire()
  if self.workers >= self.jobs or self.course.stopped or self.ended then return end
  self.workers = self.workers + 1
  self.hired = self.hired + 1
  self.handles[self.hired] = task.spawn(Engine.work, self, self.hired)
end

-- A row that was read: an item to be worked on now, or nil when it is bad, has to wait, or comes too late.
function Engine:admit(row, line, message)
  local course, lane = self.course, self.lanes
  local item, bad = self.intake:admit(row, line, message)
  if bad then return course:report(bad) end
  if course:must_stop() then return course:report_pending(item) end
  local id = item.id
  if id then
    if lane.holder[id] then return lane:keep_back(item) end
    lane.holder[id] = true
  end
  return item
end

-- The next item to be worked on; nil when there is none for this worker.
function Engine:take()
  while not (self.reading or self.ended or self.lanes:is_full() or self.course:must_stop()) do
    if self.busy == 0 and self.on_idle then self.on_idle() end
    self.reading = true
    local row, line, message = self.source:next()
    self.reading = false
    if row == nil then
      self.ended = true
      if message and not self.course:must_stop() then self.unusable = { line = line, message = message } end
      return nil
    end
    local item = self:admit(row, line, message)
    if item then
      self:hire()
      return item
    end
  end
end

-- The first error of a job is shown with its traceback; the others are likely to be the same, and go to debug level. There is
-- none where memory ran out.
local function show_raised(self, r, trace)
  local first = not self.traced
  self.traced = true
  log[first and "warn" or "debug"]("row %d: the job raised an error: %s", r.row, trace or "not enough memory")
end

-- Has the run passed a limit that this row is not to blame for?
local function is_limited_by_others(item)
  local limit, _, row = limits.reached()
  return limit == "cpu_total" or limit and row ~= item.row
end

-- Is this the failure of a run that is being stopped, rather than of the row?
local function means_stopped(item, err)
  if is_limited_by_others(item) then return true end
  if type(err) ~= "table" then return tostring(err):find("interrupted$") ~= nil end
  return err.kind == "cancelled" or err.status == 401 or err.certificate or err.unfinished
end

-- Nothing had to be written, unless an earlier session had recorded what it was about to write: then it has.
function Engine:skipped_or_done(row)
  return self.journal and self.journal.again and self.journal:has_changes(row) and "done" or "skipped"
end

-- The outcome of a row that failed with `err`. What must not be repeated, and may have been carried out, makes it unknown.
function Engine:outcome_of(item, err)
  local open = item.open and item.open > 0
  if open or item.unclear or (type(err) == "table" and err.unknown) then return "unknown" end
  if not (means_stopped(item, err) and self.course:must_stop()) then return "failed" end
  return item.carried_out and "unknown" or "pending"
end

function Engine:judge(r, item, err)
  result.set_error(r, err)
  r.outcome = self:outcome_of(item, err)
end

-- The row failed with `err`. It may be an object of the job's own, and looking at that may raise another error.
function Engine:fail(r, item, err)
  local ok, why = pcall(self.judge, self, r, item, err)
  if not ok then
    self:judge(r, item, "an error that cannot be looked at: " .. (type(why) == "string" and why or type(why)))
  end
end

function Engine:process(item, kept, handler)
  local started = sys.now()
  local row = item.data
  item.data, kept.traceback = nil, nil
  local entered = self.journal and intents.enter(item)
  control.begin_row(entered)
  limits.row(item.row)
  local ok, value, err = xpcall(self.run, handler, row, item)
  limits.leave()
  if entered then intents.leave(entered) end
  local attempts, status, traceparent = http.row_calls()
  local r = {
    row = item.row, line = item.line, id = item.id, outcome = "done", status = status, traceparent = traceparent,
    attempts = attempts, hash = item.hash, intended = item.intended,
    ms = (sys.now() - started) * 1000 // 1 | 0,
  }
  if not ok then
    show_raised(self, r, kept.traceback)
    self:fail(r, item, value)
  elseif err ~= nil and not value then
    self:fail(r, item, err)
  elseif self.keep_values then
    r.value = value
  else
    r.changes = err -- of a preview, or of a job that compares
    if value == "skipped" then r.outcome = self:skipped_or_done(r.row) end
  end
  r.withdrawn = r.outcome == "pending" and item.open ~= nil or nil
  r.carried_out = item.carried_out
  self.course:report(r)
end

-- What is next for the id of `item`, which has been dealt with.
function Engine:release(item)
  local id, lane, course = item.id, self.lanes, self.course
  if not id then return end
  local waiting = lane:next(id)
  while waiting do
    if not course:must_stop() then
      self:hire()
      return waiting
    end
    course:report_pending(waiting)
    waiting = lane:next(id)
  end
  lane.holder[id] = nil
end

function Engine:work(number)
  local kept, handler = new_handler()
  local item = self:take()
  while item do
    self.busy = self.busy + 1
    self:process(item, kept, handler)
    self.busy = self.busy - 1
    item = self:release(item) or self:take()
  end
  if self.busy == 0 and self.reading and self.on_idle then self.on_idle() end
  self.workers = self.workers - 1
  self.handles[number] = nil
end

-- Until every worker has ended. One that fails has met an error in the source or in on_result, which ends the run.
function Engine:wait()
  local failure
  for number, handle in function() return next(self.handles) end do
    local ok, err = pcall(handle.join, handle)
    if not ok then
      self.handles[number], failure = nil, failure or err
      self.course:stop("error")
    end
  end
  if failure then error(failure, 0) end
end

--[[
M.run{ source =, job =, jobs =, journal =, on_result =, on_idle =, must_halt =, failure =, state = } works through the source
and returns how it ended: { rows =, ended = was the source read to its end, stopped = nil or the reason (see Engine:stop),
halted = why, unusable = nil or { line =, message = } }.
failure() is a reason to stop that somebody else has, or nil; must_halt(counts of the outcomes so far) is why to halt, or nil;
on_idle() comes before a wait for the source.
]]
function M.run(options)
  local job = options.job
  local course = new_course(options)
  local self = setmetatable({
    source = options.source, run = job.run, keep_values = job.custom, journal = options.journal, course = course,
    intake = intake.new(options.source, job.check, options.journal ~= nil, context.maker(options.journal, options.state)),
    lanes = lanes.new(options.jobs), jobs = options.jobs, on_idle = options.on_idle,
    busy = 0, workers = 0, hired = 0, handles = {},
  }, Engine)
  running = running + 1
  self:hire()
  local ok, err = pcall(self.wait, self)
  running = running - 1
  if course.has_stopped_calls and not sys.interrupted() then control.go_on() end
  if not ok then error(err, 0) end
  if not course.stopped and self.ended then course:must_stop() end
  return course:ending(self.ended, self.unusable)
end

return M
