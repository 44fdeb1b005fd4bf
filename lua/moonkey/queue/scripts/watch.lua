--[[
The coordinator is alive, and looks at its run. Workers that have not been heard of for some leases are forgotten.
  ARGV    [2] coordinator [3] for how many ms it counts as alive
  answer  { state, chunks that nobody has taken, chunks that workers hold, reports, chunks set aside,
          the last worker that ended by an error, and that, or "", consumer, facts, … }: facts have `age`, the ms since the
          worker said so · { "gone" } · { "usurped", who coordinates the run now }
]]
local LEASES = 4
local JITTER = 1000 -- ms that a clock may be set back at any time

-- What a worker got in what is the future since the server's clock was set back would not be anybody else's before that. If the
-- worker is alive, it does this by its beats.
local function date_back(consumer, facts, now)
  for _, entry in ipairs(redis.call("XPENDING", key.chunks, GROUP, "-", "+", MANY, consumer)) do
    redis.call("XCLAIM", key.chunks, GROUP, consumer, 0, entry[1], "JUSTID")
  end
  facts.at = now
  redis.call("HSET", key.workers, consumer, text_of(facts))
end

local coordinator, alive = ARGV[2], ARGV[3]
local state = redis.call("HGET", key.run, "state")
if not state then return { "gone" } end
local other = redis.call("GET", key.coordinator)
if other and other ~= coordinator then return { "usurped", other } end
redis.call("SET", key.coordinator, coordinator, "PX", alive)

local held = redis.call("XPENDING", key.chunks, GROUP)[1]
local answer = { state, redis.call("XLEN", key.chunks) - held, held,
  redis.call("XLEN", key.results), redis.call("XLEN", key.dead), redis.call("HGET", key.run, "ended") or "" }
local now, workers = now_ms(), redis.call("HGETALL", key.workers)
for i = 1, #workers, 2 do
  local consumer, facts = workers[i], facts_of(workers[i + 1])
  if facts.at > now + JITTER then date_back(consumer, facts, now) end
  facts.age = now - facts.at
  if facts.age > LEASES * facts.lease then
    forget_worker(consumer)
  else
    answer[#answer + 1] = consumer
    answer[#answer + 1] = text_of(facts)
  end
end
return answer
