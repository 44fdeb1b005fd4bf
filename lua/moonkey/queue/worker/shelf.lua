--[[
What a worker has done of runs whose coordinator is gone, and cannot report: the server was started anew, and nobody vouches for
it. The worker does the rows of other runs meanwhile, holds on to these chunks by beats, and hands them in when it can.
]]
local log = require "moonkey.log"
local signals = require "moonkey.queue.signal"
local summary = require "moonkey.batch.summary"
local task = require "moonkey.task"

local M = {}

local Shelf = {}
Shelf.__index = Shelf

local EVERY = 0.2 -- seconds; as often as with the shortest lease
local MOST_RUNS, MOST_BYTES = 16, 64 * 1024 * 1024

-- So many chunks cannot be reported.
function M.tell_lost(count)
  log.warn("%s could not be handed back: the queue does not take them now; others are given them once the lease is over",
    count == 1 and "1 chunk" or summary.number(count) .. " chunks")
end

local function ids_of(entry)
  local ids = {}
  for id in pairs(entry.reports) do ids[#ids + 1] = id end
  return ids
end

local function forget(self, entry, id)
  local report = entry.reports[id]
  if not report then return end
  entry.reports[id] = nil
  self.bytes, self.count = self.bytes - #report.text, self.count - 1
end

local function lose(self, entry, id)
  log.warn("run %s: what came of chunk %s is not accepted any more", entry.link.run, id)
  forget(self, entry, id)
end

-- The state of the run; nil where it cannot be told.
local function hold_on(self, entry)
  local reply = entry.link:script("beat", entry.lease, entry.facts, table.unpack(ids_of(entry)))
  if not reply then return nil end
  for i = 4, #reply do lose(self, entry, reply[i]) end
  return reply[1]
end

local function hand_in(self, entry)
  for _, id in ipairs(ids_of(entry)) do
    local report = entry.reports[id]
    local answer = entry.link:script("finish", id, report.deliveries, report.text)
    if answer == "ok" or (answer == "lost" and report.unclear) then
      forget(self, entry, id)
    elseif answer == "lost" or answer == "gone" then
      lose(self, entry, id)
    end
    report.unclear = report.unclear or not answer
  end
end

local function look_at(self, run, entry)
  local state = hold_on(self, entry)
  if state and state ~= "unvouched" then hand_in(self, entry) end
  if next(entry.reports) then return end
  self.kept[run], self.runs = nil, self.runs - 1
  log.info("run %s: nothing of it is kept here any more", run)
  if self.serving ~= run then entry.link:script("leave") end
end

local function keep(self)
  while not self.closed do
    local runs = {}
    for run in pairs(self.kept) do runs[#runs + 1] = run end
    for _, run in ipairs(runs) do look_at(self, run, self.kept[run]) end
    self.news:wait(self.runs > 0 and EVERY or nil)
  end
end

-- `link`: to the run; `lease`: seconds; `facts`: what the worker says of itself; `chunks`: which it holds, with the `text` of
-- their reports.
function Shelf:put(link, lease, facts, chunks)
  local entry = self.kept[link.run]
  if not entry then
    entry = { link = link, lease = lease * 1000 // 1 | 0, facts = facts, reports = {} }
    self.kept[link.run], self.runs = entry, self.runs + 1
  end
  for _, chunk in ipairs(chunks) do
    forget(self, entry, chunk.id)
    entry.reports[chunk.id] = { deliveries = chunk.deliveries, text = chunk.text }
    self.bytes, self.count = self.bytes + #chunk.text, self.count + 1
  end
  self.task = self.task or task.spawn(keep, self)
  self.news:send()
end

-- Is there no room for more?
function Shelf:is_full()
  return self.runs >= MOST_RUNS or self.bytes >= MOST_BYTES
end

-- The worker ends.
function Shelf:close()
  self.closed = true
  self.news:send()
  if self.task then self.task:join() end
  if self.count > 0 then M.tell_lost(self.count) end
end

-- `kept`: run → its link and its reports; `serving`: the run that the worker is at now.
function M.new()
  return setmetatable({ kept = {}, runs = 0, count = 0, bytes = 0, news = signals.new() }, Shelf)
end

return M
