-- How a run over a queue ends: stopped before its end, with rows at workers still, or with nothing left to be done.
local comparing = require "moonkey.queue.coordinator.comparing"
local core = require "moonkey.task.core"
local log = require "moonkey.log"
local runs = require "moonkey.queue.run"
local summary = require "moonkey.batch.summary"
local sys = require "moonkey.sys"

local M = {}

local UNREACHABLE = 3 -- seconds for which Ctrl-C waits for a server that cannot be reached
local PURGING = 10 -- seconds

-- The run is to stop. What is here is not sent; what workers hold, they may finish: so much time they have.
function M.begin(self)
  local interrupted = self.course.stopped == "interrupted"
  self.state = interrupted and "closing" or "halted"
  self.is_ending = true
  for _, item in ipairs(self.window:abandon()) do self.course:report_pending(item) end
  local seconds = self.workers:longest_lease()
  if interrupted and self.away_since then seconds = math.min(seconds, UNREACHABLE) end
  self.give_up_at = sys.now() + seconds
  self.seconds = seconds
end

-- Tell the workers, and take back what none of them has taken. true, or nil.
function M.tell(self)
  while self.adding > 0 do core.gate():wait(0.01) end
  local answer, err = self.conn:script("state", self.run, self.state, self.course.stopped, self.token)
  if answer == "gone" then return self:compare() end
  local ids
  if answer then ids, err = self.conn:script("withdraw", self.run) end
  if not ids then
    self:failed(err)
    return nil
  end
  for _, id in ipairs(ids) do
    local chunk = self.window.out[id]
    if chunk then comparing.give_up(self, { chunk }) end
  end
  self.has_told = true
  if self.window.count > 0 then
    log.info("waiting for what workers hold, %s, for %.3g s at most", summary.rows(self.window.open), self.seconds)
  end
  return true
end

-- Nobody waits for these any more: a later session collects them.
function M.leave(self)
  local out = self.window:all_out()
  if #out == 0 then return end
  log.warn("%s are with the queue still: workers may go on with them, and `resume` collects what comes of them",
    summary.rows(self.window.open))
  for _, chunk in ipairs(out) do
    for _, item in ipairs(chunk.items) do
      if chunk.by_row[item.row] then self.course:report_pending(item) end
    end
  end
end

-- What else there is of the run; true, or nil. Answers that an earlier session has given to a worker that died expire.
local function forget(self)
  for key in pairs(self.answered) do
    if not self.conn:call("DEL", key) then return nil end
  end
  return runs.forget(self.conn, self.run)
end

-- "ok", or why not. A report that is there has to be met once more.
local function try(self)
  if self.must_compare and not comparing.run(self) then return "unreachable" end
  local answer, err = self.conn:script("purge", self.run, self.token)
  if not answer then
    self:failed(err)
    return "unreachable"
  end
  if answer[1] == "results" then self.must_compare = true end
  if answer[1] == "ok" or answer[1] == "gone" then return forget(self) and "ok" or "unreachable" end
  return answer[1]
end

-- Nothing of the run stays with the server.
function M.purge(self)
  local deadline = sys.now() + (sys.interrupted() and UNREACHABLE or PURGING)
  repeat
    local said = try(self)
    if said == "ok" then return self.writer:put{ queue_open = 0 } end
    if said == "alive" then break end
    core.gate():wait(0.1)
  until sys.now() > deadline
  log.warn("the keys of run %s are still at the queue; once it can be reached: moonkey queue purge %s --queue %s", self.run,
    self.run, self.place)
end

return M
