--[[
A worker takes a chunk: what another has left behind comes first. What was given out too often already is set aside.
  ARGV    [2] consumer [3] lease, ms [4] how often a chunk is given out at most
  answer  { state }                                            where that is not "open"
          { "open" }                                           there is nothing to do
          { "open", id, rows, deliveries, row, intent, … }     intents that were announced before, and have no outcome
]]
local consumer, lease, most = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

-- What it goes by itself, which may be longer than that of who takes: meanwhile it may still send what the rows ask for.
local function lease_of(holder)
  local facts = redis.call("HGET", key.workers, holder)
  return facts and facts_of(facts).lease or lease
end

-- XPENDING and XCLAIM rather than XAUTOCLAIM, which does not tell who had it.
local function next_stale()
  for _, stale in ipairs(redis.call("XPENDING", key.chunks, GROUP, "IDLE", lease, "-", "+", MANY)) do
    if stale[3] >= lease_of(stale[2]) then return { id = stale[1], holder = stale[2], deliveries = stale[4] } end
  end
end

local function add_holder(id, holder)
  local holders = redis.call("HGET", key.holders, id)
  holders = holders and holders .. "," .. holder or holder
  redis.call("HSET", key.holders, id, holders)
  return holders
end

local function set_aside(stale, holders)
  local count = redis.call("HGET", key.sizes, stale.id) or "0"
  redis.call("XADD", key.dead, "MAXLEN", 1000, "*",
    "chunk", stale.id, "count", count, "deliveries", stale.deliveries, "consumers", holders)
  report("dead", stale.id, consumer, cjson.encode{ deliveries = stale.deliveries, consumers = holders })
  remove(stale.id)
end

-- The entry of the stream, and how often it was given out, this time included.
local function left_behind()
  for stale in next_stale do
    local holders = add_holder(stale.id, stale.holder)
    if stale.deliveries >= most then
      set_aside(stale, holders)
    else
      local entry = redis.call("XCLAIM", key.chunks, GROUP, consumer, lease, stale.id)[1]
      if entry then return entry, stale.deliveries + 1 end
      remove(stale.id) -- it is not in the stream, and XCLAIM has let go of it
    end
  end
end

local function new_one()
  local streams = redis.call("XREADGROUP", "GROUP", GROUP, consumer, "COUNT", 1, "STREAMS", key.chunks, ">")
  if streams then return streams[1][2][1], 1 end
end

local state = state_of_run()
if state ~= "open" then return { state } end
local entry, deliveries = left_behind()
if not entry then entry, deliveries = new_one() end
if not entry then return { "open" } end
redis.call("HSETNX", key.workers, consumer, cjson.encode{ at = now_ms(), lease = lease }) -- until its first beat says more
local id, fields = entry[1], entry[2]
return { "open", id, fields[2], deliveries, unpack(intents_of(id)) }
