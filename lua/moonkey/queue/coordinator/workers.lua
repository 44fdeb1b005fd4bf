-- The workers of a run, as far as its coordinator knows them: who is there, how fast, and why the last ones have ended.
local cut = require "moonkey.cut"
local json = require "moonkey.json"
local log = require "moonkey.log"
local result = require "moonkey.batch.result"
local runs = require "moonkey.queue.run"
local summary = require "moonkey.batch.summary"
local sys = require "moonkey.sys"

local M = {}

local Workers = {}
Workers.__index = Workers

local LEASE = 15000 -- ms, where none has been seen
local PATIENCE = 2 -- seconds, in which workers that are there take notice of a run
local LONGEST = 600 -- bytes of what a worker says of its end
local SHOWN = 4 -- rates; of more workers, only the sum

-- Reasons for which a worker ends that hold for the run when no worker is left, as text.
local REASONS = {
  auth = "the platform refused its credential (401)",
  forbidden = "the platform refused 20 rows in a row (403)",
  certificate = "there is no secure connection to the platform",
  consent = "nobody agreed to its writing",
  limit = "its --max-changes permits no more writes",
  cpu = "its job needed more processor time than --max-cpu",
  cpu_total = "its job needed more processor time than --max-cpu-total",
  memory = "its job needed more memory than --max-memory",
}

local function facts_of(text)
  local ok, facts = pcall(json.decode, text)
  return ok and type(facts) == "table" and facts or nil
end

local function number_of(value)
  return type(value) == "number" and value or 0
end

-- `words`: consumer, facts, …, as the server tells them. Those with another age than before are alive.
function Workers:update(words)
  self.list, self.count = {}, 0
  for i = 1, #words, 2 do
    local facts = facts_of(words[i + 1])
    if facts then
      self.list[words[i]] = facts
      self.count = self.count + 1
      self.lease = math.max(self.lease or 0, number_of(facts.lease))
    end
  end
end

-- Where none has come, what starts one is said: once, and not in the progress line, which may be too narrow for it.
function Workers:ask_for_one(place, facts)
  if self.count > 0 then self.has_asked = true end
  self.alone_since = self.alone_since or sys.now()
  if self.has_asked or sys.now() - self.alone_since < PATIENCE then return end
  self.has_asked = true
  log.info("no worker: start one with `moonkey worker --queue %s%s%s`", place:gsub("//[^@/]*@", "//USER@"), -- one of its own
    facts.job_name and " --job " .. facts.job_name or "", facts.dry_run == "1" and " --dry-run" or "")
end

-- How long the work of any of them may go on that the server knows nothing of any more, in seconds.
function Workers:longest_lease()
  return (self.lease or LEASE) / 1000
end

-- The list is that of a server that has forgotten nothing.
function Workers:remember()
  self.remembered = self.list
end

-- Have all that were there before the server was started anew been heard of within the last `seconds`? Of a run that was not
-- watched before, nobody knows who they are.
function Workers:have_all_beaten(seconds)
  if not next(self.remembered) then return false end
  for consumer in pairs(self.remembered) do
    local facts = self.list[consumer]
    if not facts or number_of(facts.age) >= seconds * 1000 then return false end
  end
  return true
end

-- "WORKER what it said", of the last that has ended by an error; or "". Said once, because the others that do the same job are
-- likely to end alike.
function Workers:note_end(text)
  local who, why = text:match("^(%S+) (.+)$")
  if not why or why == self.ended_by then return end
  self.ended_by = why
  log.warn("worker %s has ended: %s", who, cut(result.one_line(why), LONGEST))
end

local function host_of(facts)
  return facts and type(facts.host) == "string" and " on " .. facts.host or ""
end

-- A worker has reported a chunk; `reason`: it ends for that, or nil.
function Workers:reported(consumer, reason)
  self.reason, self.who = nil, nil
  if not reason or not REASONS[reason] then return end
  self.reason, self.who = reason, consumer .. host_of(self.list[consumer])
  if self.told[consumer] then return end
  self.told[consumer] = true
  log.warn("worker %s ends: %s", self.who, REASONS[reason])
end

-- Why the run cannot go on: there is no worker any more, and the last one has ended for a reason that another would meet, too.
-- The reason, and the text; or nil.
function Workers:all_ended()
  if self.count > 0 or not self.reason then return nil end
  return self.reason, ("no worker is left, and the last one, %s, has ended because %s"):format(self.who, REASONS[self.reason])
end

local function rate_text(rate)
  return rate > 0 and rate < 10 and ("%.1f/s"):format(rate) or summary.number(rate // 1) .. "/s"
end

-- "3 workers: 41/s, 40/s, 38/s", the fastest first, of those that were heard of within their lease; nil where there is none.
function Workers:describe()
  local rates, sum = {}, 0
  for _, facts in pairs(self.list) do
    if runs.is_heard(facts) then
      rates[#rates + 1] = number_of(facts.rate)
      sum = sum + rates[#rates]
    end
  end
  if #rates == 0 then return nil end
  local name = #rates == 1 and "1 worker" or #rates .. " workers"
  if #rates > SHOWN then return ("%s: %s"):format(name, rate_text(sum)) end
  table.sort(rates, function(a, b) return a > b end)
  for i, rate in ipairs(rates) do rates[i] = rate_text(rate) end
  return ("%s: %s"):format(name, table.concat(rates, ", "))
end

function M.new()
  return setmetatable({ list = {}, remembered = {}, count = 0, told = {} }, Workers)
end

return M
