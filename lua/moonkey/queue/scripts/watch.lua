--[[
The coordinator is alive, and looks at its run. Workers that have not been heard of for some leases are forgotten.
  ARGV    [2] coordinator [3] for how many ms it counts as alive
  answer  { state, chunks that nobody has taken, chunks that workers hold, reports, chunks set aside, consumer, facts, … }:
          facts have `age`, the ms since the worker said so · { "gone" } · { "usurped", who coordinates the run now }
]]
local LEASES = 4
local coordinator, alive = ARGV[2], ARGV[3]
local state = redis.call("HGET", key.run, "state")
if not state then return { "gone" } end
local other = redis.call("GET", key.coordinator)
if other and other ~= coordinator then return { "usurped", other } end
redis.call("SET", key.coordinator, coordinator, "PX", alive)

local held = redis.call("XPENDING", key.chunks, GROUP)[1]
local answer = { state, redis.call("XLEN", key.chunks) - held, held,
  redis.call("XLEN", key.results), redis.call("XLEN", key.dead) }
local now, workers = now_ms(), redis.call("HGETALL", key.workers)
for i = 1, #workers, 2 do
  local consumer, facts = workers[i], cjson.decode(workers[i + 1])
  facts.age = now - facts.at
  if facts.age > LEASES * facts.lease then
    forget_worker(consumer)
  else
    answer[#answer + 1] = consumer
    answer[#answer + 1] = cjson.encode(facts)
  end
end
return answer
