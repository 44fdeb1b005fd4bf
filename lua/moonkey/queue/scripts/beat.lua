--[[
A worker is alive, and holds on to its chunks.
  ARGV    [2] consumer [3] lease, ms [4] what it says of itself, as JSON [5…] chunks that it holds
  answer  { state, ms of a pause for all, 1 where the run has a coordinator that is alive, or 0, chunk, … }: chunks that it does
          not hold any more
]]
local consumer = ARGV[2]
local state = state_of_run()
if state == "gone" then return { "gone", 0, 0, unpack(ARGV, 5) } end

local lost = {}
for i = 5, #ARGV do
  local id = ARGV[i]
  if holder_of(id) == consumer then
    redis.call("XCLAIM", key.chunks, GROUP, consumer, 0, id, "JUSTID") -- its idle time is 0 again
  else
    lost[#lost + 1] = id
  end
end
local facts = cjson.decode(ARGV[4])
facts.at, facts.lease = now_ms(), tonumber(ARGV[3])
redis.call("HSET", key.workers, consumer, cjson.encode(facts))
return { state, pause_ms(), redis.call("EXISTS", key.coordinator), unpack(lost) }
