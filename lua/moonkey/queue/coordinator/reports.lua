--[[
What workers report. Their entries are read from a stream, in its order; what they say is committed to the journal, and only
then are workers told that wait for it, and the entries removed from the server.
]]
local chunks = require "moonkey.queue.chunk"
local json = require "moonkey.json"
local keys = require "moonkey.queue.keys"
local log = require "moonkey.log"
local result = require "moonkey.batch.result"
local task = require "moonkey.task"

local M = {}

local BLOCK = 0.25 -- seconds that the server waits for an entry
local PATIENCE = 10 -- seconds that an answer may take, which may be long
local MOST, FEW = 128, 4 -- entries at a time; few after a reply that did not arrive: it may have been too long
local ACK_AGE = 60 -- seconds beyond two leases that an answer is kept for a worker that does not fetch it: it let go by then
local REMOVED_AT_ONCE = 500

M.SOMEBODY = "" -- in place of the worker that has announced a write, where nobody knows who that was

-- [{ id, { name, value, … } }, …] → a list of { at = id, kind =, chunk =, consumer =, body = }; of what no script has written,
-- all but `at` may be "".
local function entries_of(list)
  local entries = {}
  for i, pair in ipairs(list) do
    local entry = { kind = "", chunk = "", consumer = "", body = "" }
    for k = 1, #pair[2], 2 do entry[pair[2][k]] = pair[2][k + 1] end
    entry.at = pair[1]
    entries[i] = entry
  end
  return entries
end

-- ---- notes ----

-- The row that a note is about, as long as it is under way.
local function item_of(self, entry, note)
  local chunk = self.window.out[entry.chunk]
  return chunk and note and chunk.by_row[note.row]
end

-- What somebody else has announced may have been sent: where the server has forgotten that it gave the row to that one.
local function announced_by_another(item, consumer)
  return item.intent and item.announced_by and item.announced_by ~= consumer
end

local function record(self, entry)
  local note, problem = chunks.decode_note(entry.body)
  local item = item_of(self, entry, note)
  local ack = { chunk = entry.chunk, row = note and note.row or 0, kind = note and note.intent and "intent" or "changes" }
  if not item then
    ack.message = problem or "the row is not under way any more"
    return ack
  end
  if note.intent and announced_by_another(item, entry.consumer) then
    ack.message = "another worker has announced it, and may have sent it"
    return ack
  end
  local ok
  ok, problem = self.writer:record{ row = item.row, line = item.line, id = item.id, hash = item.hash, changes = note.changes,
    intent = note.intent }
  if not ok then
    ack.message = tostring(problem)
  elseif note.intent then
    item.intent, item.announced_by = note.intent, entry.consumer
  else
    item.intended = true
  end
  return ack
end

-- Consumer → what it is told. All notes are recorded side by side, in one commit.
local function record_all(self, entries)
  local acks, waiting = {}, {}
  for _, entry in ipairs(entries) do
    if entry.kind == "note" then waiting[#waiting + 1] = { entry.consumer, task.spawn(record, self, entry) } end
  end
  for _, pair in ipairs(waiting) do
    local consumer, ack = pair[1], pair[2]:join()
    acks[consumer] = acks[consumer] or json.array()
    table.insert(acks[consumer], ack)
  end
  return acks
end

-- ---- results ----

local function own(self, item, told)
  local r = {}
  for _, name in ipairs(result.FIELDS) do r[name] = told[name] end
  r.row, r.line, r.id, r.hash, r.intended = item.row, item.line, item.id, item.hash, item.intended
  if r.outcome == "skipped" and self.writer:has_changes(item.row) then r.outcome = "done" end -- by whoever had it before
  return r
end

local function failed(item, detail)
  return { row = item.row, outcome = "failed", kind = "queue", title = "no worker could report it", detail = detail,
    attempts = 0, ms = 0 }
end

-- A report; with `detail` where it says nothing of the rows, and why.
local function of_rows(entry)
  local report, problem = chunks.decode_report(entry.body)
  if report then return report end
  log.warn("worker %s has reported what cannot be read: %s", entry.consumer, problem)
  return { results = {}, changes = 0, retries = 0, detail = problem }
end

local function of_dead(entry)
  local ok, dead = pcall(json.decode, entry.body)
  local deliveries = ok and type(dead) == "table" and math.tointeger(dead.deliveries) or 0
  local consumers = ok and type(dead) == "table" and tostring(dead.consumers) or "several workers"
  log.warn("chunk %s is set aside: it was given out %d times, to %s, and none of them reported it", entry.chunk, deliveries,
    consumers)
  return { results = {}, changes = 0, retries = 0,
    detail = ("its chunk was given out %d times, to %s: each of them ended or lost it before it was done"):format(deliveries,
      consumers) }
end

-- The rows of the chunk that have not ended: those handed back, and those without a result, where nothing was announced.
local function rest_of(self, chunk, report)
  local back, withdrawn = {}, {}
  for _, item in ipairs(chunk.items) do
    local handed_back = chunk.by_row[item.row] == "back"
    if handed_back then
      if item.intent then withdrawn[#withdrawn + 1] = item.row end
      item.intent, item.announced_by, item.intended = nil, nil, nil
      back[#back + 1] = item
    elseif chunk.by_row[item.row] and item.intent then
      self.course:report(own(self, item, result.unknown(item, item.intent)))
    elseif chunk.by_row[item.row] and report.detail then
      self.course:report(own(self, item, failed(item, report.detail)))
    elseif chunk.by_row[item.row] then
      back[#back + 1] = item
    end
  end
  return back, withdrawn
end

-- Is what a worker says of a row all that came of it? Another may have announced a write of it, who had the chunk after this
-- one and reports no more: where the server has forgotten that it gave the chunk to that one.
local function is_all(item, r, consumer)
  if not item.intent then return true end
  if not r.announced then return false end
  if item.announced_by == M.SOMEBODY then return r.outcome ~= "pending" end
  return not announced_by_another(item, consumer)
end

local function settle_row(self, chunk, item, r, consumer)
  if not is_all(item, r, consumer) then r = result.unknown(item, item.intent) end
  chunk.by_row[item.row] = r.outcome == "pending" and "back" or nil
  if r.outcome ~= "pending" then self.course:report(own(self, item, r)) end
end

local function settle(self, chunk, report, consumer)
  local back, withdrawn
  self.over:take_in(chunk.id, function()
    for _, r in ipairs(report.results) do
      local item = chunk.by_row[r.row]
      if type(item) == "table" then settle_row(self, chunk, item, r, consumer) end
    end
    back, withdrawn = rest_of(self, chunk, report)
    if self.course.stopped or (back[1] and not back[1].text) then -- see window.adopt
      for _, item in ipairs(back) do self.course:report_pending(item) end
      back = {}
    end
    return withdrawn
  end)
  self.window:take_in(chunk, back)
end

-- A report of a chunk that is not out is one that was met before.
local function take_in(self, entry)
  local chunk = self.window.out[entry.chunk]
  if not chunk then return log.debug("chunk %s is over already: its report counts once", entry.chunk) end
  local report = entry.kind == "dead" and of_dead(entry) or of_rows(entry)
  self.window.writes = self.window.writes + report.changes
  self.retries = self.retries + report.retries
  self.workers:reported(entry.consumer, report.stopped)
  settle(self, chunk, report, entry.consumer)
end

-- ---- the stream ----

local function answer(self, acks)
  local age = math.ceil(2 * self.workers:longest_lease()) + ACK_AGE
  for consumer, list in pairs(acks) do
    local key = keys.acks(self.run, consumer)
    self.answered[key] = true
    local _, err = self.conn:call("RPUSH", key, json.encode(list))
    if not err then _, err = self.conn:call("EXPIRE", key, age) end
    if err then return nil, err end
  end
  return true
end

local function remove(self, entries)
  for first = 1, #entries, REMOVED_AT_ONCE do
    local ids = {}
    for i = first, math.min(#entries, first + REMOVED_AT_ONCE - 1) do ids[#ids + 1] = entries[i].at end
    local _, err = self.conn:call("XDEL", keys.of(self.run, "results"), table.unpack(ids))
    if err then return nil, err end
  end
  return true
end

-- Where anything is not in the journal, or cannot be told, the entries stay: they are met again.
function M.process(self, entries)
  if #entries == 0 then return end
  local acks = record_all(self, entries)
  for _, entry in ipairs(entries) do
    if entry.kind ~= "note" then take_in(self, entry) end
  end
  local committed = self.writer:commit() -- before anything is sent that comes after these rows
  self.sending:send()
  self.reading:send()
  local ok, err, _ = answer(self, acks) -- also where the journal has failed: that is what they are told
  if committed and ok then _, err = remove(self, entries) end
  if err then self:failed(err) end
end

-- Entries after `self.cursor`; waits for them where `seconds` says so. A list, which may be empty; or nil.
function M.read(self, seconds)
  local conn = self.reports
  local words = { "XREAD", "COUNT", self.at_once }
  if seconds then table.move({ "BLOCK", ("%d"):format(seconds * 1000) }, 1, 2, #words + 1, words) end
  table.move({ "STREAMS", keys.of(self.run, "results"), self.cursor }, 1, 3, #words + 1, words)
  local reply, err = conn:call_within((seconds or 0) + PATIENCE, table.unpack(words))
  if reply == nil then
    self.at_once = self.at_once > FEW and FEW or 1
    self:failed(err)
    return nil
  end
  self.at_once = math.min(self.at_once + 1, MOST)
  if not reply then return {} end
  local entries = entries_of(reply[1][2])
  self.cursor = entries[#entries].at
  return entries
end

-- All that are there now, from the first on, go through visit(entries). true, or nil.
function M.read_all(self, visit)
  self.cursor = "0"
  while true do
    local entries = M.read(self)
    if not entries then return nil end
    if #entries == 0 then return true end
    visit(entries)
  end
end

-- What comes now, or within a moment.
function M.collect(self)
  local entries = M.read(self, BLOCK)
  if entries then M.process(self, entries) end
end

M.MOST = MOST

return M
