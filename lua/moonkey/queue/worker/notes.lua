--[[
What takes the place of the journal in a worker: what has to be recorded before a row goes on is sent to the coordinator, and
the row waits until that has it in its journal, and says so.

Where a connection breaks in between, a note is sent once more: the coordinator may have it twice, which changes nothing.
]]
local chunks = require "moonkey.queue.chunk"
local core = require "moonkey.task.core"
local json = require "moonkey.json"
local log = require "moonkey.log"
local signals = require "moonkey.queue.signal"
local task = require "moonkey.task"

local M = {}

local Notes = {}
Notes.__index = Notes

local AGAIN = 0.25 -- seconds until it is tried again
local LISTEN = 1 -- seconds that the server lets us wait for news
local GRACE = 5 -- more seconds that its answer may take
local NOT_OURS = "the rows have been given to another worker"

local function settle(self, note, failure)
  if not self.unacked[note] then return end
  self.unacked[note] = nil
  note.failure = failure
  if failure then self.refused[note.row] = true end
  note.gate:open()
end

-- Until the server has it, or it is of no use any more.
local function send(self, note)
  if note.sending then return end
  note.sending = true
  while self.unacked[note] do
    local answer = self.link:script("note", note.chunk.id, note.chunk.deliveries, note.text, table.unpack(note.announced))
    if answer == "ok" then break end
    if answer == "lost" or answer == "gone" then settle(self, note, NOT_OURS) break end
    core.gate():wait(AGAIN) -- there is no connection, or nobody vouches for the server
  end
  note.sending = false
end

local function oldest(self, ack)
  local found
  for note in pairs(self.unacked) do
    local is_it = note.chunk.id == ack.chunk and note.row == ack.row and (note.intent and "intent" or "changes") == ack.kind
    if is_it and (not found or note.number < found.number) then found = note end
  end
  return found
end

local function take_acks(self, text)
  local ok, acks = pcall(json.decode, text)
  if not ok or type(acks) ~= "table" then return log.warn("queue: what the coordinator says of notes cannot be read") end
  for _, ack in ipairs(acks) do
    local note = type(ack) == "table" and oldest(self, ack)
    if note then settle(self, note, ack.message) end
  end
end

-- What was sent, or is said of it, may have got lost.
local function send_again(self)
  for note in pairs(self.unacked) do task.spawn(send, self, note) end
  core.gate():wait(AGAIN)
end

-- On a connection of its own, because on it the server is waited for.
local function listen(self)
  self.other = self.link:another()
  while not self.closed do
    if next(self.unacked) then
      local reply = self.other:call_within(LISTEN + GRACE, "BLPOP", self.link:acks(), LISTEN)
      if reply then take_acks(self, reply[2]) elseif reply == nil then send_again(self) end
    else
      self.news:wait()
    end
  end
end

-- See Writer:record of batch/journal/writer.lua: true, or nil, message.
function Notes:record(what)
  local chunk = self.held:of_row(what.row)
  if self.given_up or not chunk then
    self.refused[what.row] = true
    return nil, self.given_up or NOT_OURS
  end
  self.last = self.last + 1
  local note = { number = self.last, chunk = chunk, row = what.row, intent = what.intent, text = chunks.encode_note(what),
    announced = what.intent and { what.row, what.intent } or {}, gate = core.gate() }
  self.unacked[note] = true
  if what.intent then self.announced[what.row] = true end
  self.listener = self.listener or task.spawn(listen, self)
  self.news:send()
  send(self, note)
  note.gate:wait()
  return not note.failure or nil, note.failure
end

-- Has this row announced a write that must not be repeated? The coordinator may have that in its journal, whatever came of it.
function Notes:has_announced(row)
  return self.announced[row] == true
end

-- Has this row not been allowed to go on? Then that is no failure of its own.
function Notes:was_refused(row)
  return self.refused[row] == true
end

-- The row has ended: what was said of it is not said of all that come.
function Notes:forget(row)
  self.announced[row], self.refused[row] = nil, nil
end

-- Do rows wait for the coordinator?
function Notes:is_waiting()
  return next(self.unacked) ~= nil
end

-- Nothing is recorded any more: rows that wait for that are told `why`.
function Notes:give_up(why)
  self.given_up = self.given_up or why
  for note in pairs(self.unacked) do settle(self, note, self.given_up) end
end

function Notes:close()
  self.closed = true
  self:give_up("the worker ends")
  self.news:send()
  if self.other then self.other:close() end
  if self.listener then self.listener:join() end
end

-- `id`: of the run, which is the context's.
function M.new(link, held, id)
  return setmetatable({ id = id, link = link, held = held, unacked = {}, announced = {}, refused = {}, last = 0,
    news = signals.new() }, Notes)
end

return M
