--[[
Stands before the text of each script of this directory, so what it defines is theirs, too.

The scripts run inside of the Redis server, in its Lua 5.1: each as a whole, with nothing else in between, or not at all.
  KEYS     all keys of one run (moonkey.queue.keys tells of each)
  ARGV[1]  the run_id of the server that the connection is to: another after each restart and failover
]]
local key = {}
for _, name in ipairs(KEYS) do key[string.match(name, "[^:]+$")] = name end
local GROUP = "workers"
local MANY = 1000000

--[[
"open", "closing", "halted" or "cancelled"; and
  "gone"       there is no such run: it was purged, or the server has forgotten it
  "unvouched"  the server was started anew, and may have forgotten its last second, such as that a chunk was done: nothing is
               given out or accepted until the coordinator has compared. (A cancelled run may have none that would.)
]]
local function state_of_run()
  local facts = redis.call("HMGET", key.run, "state", "server")
  local state, server = facts[1], facts[2]
  if not state then return "gone" end
  if server ~= ARGV[1] and state ~= "cancelled" then return "unvouched" end
  return state
end

-- Who holds it, for how many ms since it was given out or renewed, and how often it was given out; nil if nobody does.
local function holder_of(id)
  local pending = redis.call("XPENDING", key.chunks, GROUP, id, id, 1)[1]
  if pending then return pending[2], pending[3], pending[4] end
end

-- Why what a worker says of a chunk is not accepted; nil where it is. Deliveries are compared, too: the same worker may have
-- got it once more.
local function refusal(consumer, id, deliveries)
  local state = state_of_run()
  if state == "gone" or state == "unvouched" then return state end
  local holder, _, count = holder_of(id)
  if holder ~= consumer or count ~= tonumber(deliveries) then return "lost" end
end

-- The intents of a chunk: row, intent, row, intent, …
local function intents_of(id)
  local found = {}
  if redis.call("HLEN", key.intents) == 0 then return found end
  local all, prefix = redis.call("HGETALL", key.intents), id .. "/"
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, #prefix) == prefix then
      found[#found + 1] = string.sub(all[i], #prefix + 1)
      found[#found + 1] = all[i + 1]
    end
  end
  return found
end

-- Remove a chunk, whoever holds it. How many that were.
local function remove(id)
  local acknowledged = redis.pcall("XACK", key.chunks, GROUP, id)
  local is_id = type(acknowledged) == "number" -- otherwise somebody else has put it into a hash here
  local intents = intents_of(id)
  for i = 1, #intents, 2 do redis.call("HDEL", key.intents, id .. "/" .. intents[i]) end
  redis.call("HDEL", key.sizes, id)
  redis.call("HDEL", key.holders, id)
  return is_id and redis.call("XDEL", key.chunks, id) or 0
end

-- Chunk → { consumer, ms since it was given out or renewed, how often it was given out }.
local function all_held()
  local held = {}
  for _, entry in ipairs(redis.call("XPENDING", key.chunks, GROUP, "-", "+", MANY)) do
    held[entry[1]] = { entry[2], entry[3], entry[4] }
  end
  return held
end

local function report(kind, id, consumer, body)
  return redis.call("XADD", key.results, "*", "kind", kind, "chunk", id, "consumer", consumer, "body", body)
end

-- Milliseconds of the server's clock.
local function now_ms()
  local now = redis.call("TIME")
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

-- One that is longer than any was begun before the server's clock was set back, and would not end soon.
local LONGEST_PAUSE = 300000
local function pause_ms()
  local left = redis.call("PTTL", key.pause)
  return left <= LONGEST_PAUSE and math.max(0, left) or 0
end

-- From 0 to `most`; otherwise 0, also where it is NaN.
local function number_of(value, most)
  local n = tonumber(value)
  return n and n >= 0 and n <= most and n or 0
end

-- What a worker says of itself, as it is kept. It may be anything, because workers may write there.
local LONGEST_LEASE = 3600000
local function facts_of(text)
  local ok, facts = pcall(cjson.decode, text)
  if not ok or type(facts) ~= "table" then facts = {} end
  facts.at, facts.lease = number_of(facts.at, 2 ^ 53), number_of(facts.lease, LONGEST_LEASE)
  return facts
end

-- cjson reads numbers that it does not write.
local function text_of(facts)
  local ok, text = pcall(cjson.encode, facts)
  return ok and text or cjson.encode{ at = facts.at, lease = facts.lease, age = facts.age }
end

-- What a worker said of itself last goes; its place in the group only if it holds nothing, because that would be lost with it.
local function forget_worker(consumer)
  redis.call("HDEL", key.workers, consumer)
  if #redis.call("XPENDING", key.chunks, GROUP, "-", "+", 1, consumer) == 0 then
    redis.call("XGROUP", "DELCONSUMER", key.chunks, GROUP, consumer)
  end
end
