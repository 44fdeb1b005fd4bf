--[[
Hands in chunks whose rows have all ended: each until the server has accepted it, or refuses it because the chunk is not this
worker's any more. An answer that got lost is no reason not to ask again: a chunk that was accepted is not accepted twice.
]]
local chunks = require "moonkey.queue.chunk"
local core = require "moonkey.task.core"
local http = require "moonkey.http"
local log = require "moonkey.log"
local signals = require "moonkey.queue.signal"
local task = require "moonkey.task"

local M = {}

local Reports = {}
Reports.__index = Reports

local AGAIN = 0.25 -- seconds until it is tried again
local MOST_BYTES = 32 * 1024 * 1024 -- of a report: an answer of Redis, with a report in it, can have 64 MiB

-- Writes and retries since the last report. A write that was not sent after all is not counted any more.
local function count(self)
  local stats = http.stats()
  local changes, retries = math.max(stats.changes - self.changes, 0), stats.retries - self.retries
  self.changes, self.retries = self.changes + changes, self.retries + retries
  return changes, retries
end

-- "ok", "lost" or "gone"; nil where nobody waits for the answer any more.
local function deliver(self, chunk, text)
  while not self.given_up do
    local deliveries = chunk.deliveries
    local answer, err = self.link:script("finish", chunk.id, deliveries, text)
    local is_newer = answer == "lost" and chunk.deliveries ~= deliveries -- it was given to this worker once more meanwhile
    if answer and answer ~= "unvouched" and not is_newer then return answer end
    chunk.unclear = chunk.unclear or not answer
    if err and err.kind == "redis" and not self.told then
      log.warn("queue: results are not accepted: %s; trying on", err)
      self.told = true
    end
    core.gate():wait(AGAIN)
  end
end

-- The report as text. Of what was under way at a time, each may have been long.
local function text_of(chunk, report)
  local ok, text = pcall(chunks.encode_report, report)
  if ok and #text <= MOST_BYTES then return text end
  log.warn("chunk %s: what came of its rows is too long: changes, errors of fields, and values of the job are left "
    .. "out", chunk.id)
  for _, r in ipairs(report.results) do r.changes, r.errors, r.value = nil, nil, nil end
  return chunks.encode_report(report)
end

local function hand_in(self, chunk, reason)
  local changes, retries = count(self)
  local report = { results = chunk.results, changes = changes, retries = retries, stopped = reason }
  chunk.text = text_of(chunk, report)
  local answer = deliver(self, chunk, chunk.text)
  if answer ~= "ok" and not chunk.unclear then -- the next report has them
    self.changes, self.retries = self.changes - changes, self.retries - retries
  end
  if not chunk.dropped and answer == "lost" then
    log.warn("chunk %s: its %s not accepted%s", chunk.id, #chunk.results == 1 and "result is" or "results are",
      chunk.unclear and ", or were before the connection broke" or ": it has been given to another worker")
  end
  if answer then self.held:drop(chunk) end
  self.open = self.open - 1
  if self.open == 0 then self.settled:send() end
end

-- All rows of the chunk have ended. `reason`: why the worker stops; nil while it goes on.
function Reports:add(chunk, reason)
  if chunk.handed_in then return end
  chunk.handed_in = true
  self.open = self.open + 1
  task.spawn(hand_in, self, chunk, reason)
end

-- Until all that was handed in is settled; may_wait() says whether it is worth to wait on.
function Reports:settle(may_wait)
  while self.open > 0 and may_wait() do self.settled:wait(AGAIN) end
  self.given_up = true
  while self.open > 0 do self.settled:wait(AGAIN) end
end

function M.new(link, held)
  local stats = http.stats()
  return setmetatable({ link = link, held = held, open = 0, changes = stats.changes, retries = stats.retries,
    settled = signals.new() }, Reports)
end

return M
