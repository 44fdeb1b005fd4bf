-- Reads the rows of a run into its window, and sends the chunks there are: two tasks, because the input may keep one waiting.
local chunks = require "moonkey.queue.chunk"
local intake = require "moonkey.batch.intake"
local result = require "moonkey.batch.result"
local sys = require "moonkey.sys"
local task = require "moonkey.task"
local windows = require "moonkey.queue.coordinator.window"

local M = {}

local AGE = 0.1 -- seconds that rows wait for more of them to come
local LOOK = 0.25 -- seconds until somebody who waits looks around

local function item_of(row, line, id, hash)
  return { row = row, line = line, id = id, hash = hash }
end

-- May the row be placed now? Where no write more is permitted, and nothing is under way that may need none, nor ever.
local function may_place(self, item)
  local window = self.window
  if window.lanes:is_full() then return false end
  if window:budget() <= 0 then
    if window:under_way() == 0 then self.course:stop("limit") end
    return false
  end
  return not window:is_full_for(item)
end

-- Waits until it can be placed; or until it is too late.
local function place(self, item)
  while not self.course:must_stop() do
    if may_place(self, item) then
      self.window:offer(item)
      self.is_stuck = false
      return
    end
    self.is_stuck = self.window:is_full_for(item)
    self.sending:send()
    self.reading:wait(LOOK)
  end
  self.course:report_pending(item)
end

-- Not one that an earlier session has given out.
local function admit(self, rows, row, line, message)
  if self.taken[self.source.count] then return end
  local item, bad = rows:admit(row, line, message)
  if not bad then
    local title, detail
    item.text, title, detail = chunks.encode_row(item)
    item.data = nil
    if not item.text then
      bad = result.bad_row(item.row, item.line, item.id, title, detail)
      bad.hash = item.hash
    end
  end
  if bad then return self.course:report(bad) end
  place(self, item)
end

function M.read(self)
  local rows = intake.new(self.source, self.check, true, item_of)
  while not self.course:must_stop() do
    local row, line, message = self.source:next()
    if row == nil then
      self.ended = true
      if message and not self.course:must_stop() then self.unusable = { line = line, message = message } end
      break
    end
    admit(self, rows, row, line, message)
  end
  self.is_read = true
  self.sending:send()
end

-- `chunk` to Redis. What becomes of it where that fails is found out by comparing.
function M.add(self, chunk)
  chunk.adding = true
  self.adding = self.adding + 1
  local answer, err = self.conn:script("add", self.run, chunk.id, windows.rows_text(chunk), #chunk.items)
  chunk.adding = nil
  self.adding = self.adding - 1
  if err then self:failed(err) elseif answer ~= "ok" then self:compare() end
  self.keeping:send()
end

local function is_due(self)
  local filling = self.window.filling
  if #filling.items == 0 or not self.window:has_room() then return false end
  return self.window:is_filled() or self.is_read or self.is_stuck or sys.now() - filling.since >= AGE
end

local function send_all(self)
  local window = self.window
  window:refill()
  if window:is_ready() and window:budget() <= 0 and window:under_way() == 0 then self.course:stop("limit") end
  while is_due(self) and not (self.is_comparing or self.course.stopped) do
    task.spawn(M.add, self, window:send())
    window:refill()
    self.reading:send()
  end
end

function M.send(self)
  while not (self.course.stopped or self.is_over) do
    if not self.is_comparing then send_all(self) end
    self.sending:wait(AGE)
  end
end

return M
