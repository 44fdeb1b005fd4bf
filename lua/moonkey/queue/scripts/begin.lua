--[[
A coordinator begins a run, or goes on with it: also with one that the server has forgotten. It is not vouched for by that.
  ARGV    [2] coordinator [3] for how many ms it counts as alive [4…] field, value, … of the run
  answer  { "ok", when the run was begun first, ms of the server's clock } · { "busy", who coordinates it, for ms }
]]
local coordinator, alive = ARGV[2], tonumber(ARGV[3])
local other, left = redis.call("GET", key.coordinator), redis.call("PTTL", key.coordinator)
-- Where it is alive for longer than any says, the server's clock was set back, and it has not renewed that since.
if other and other ~= coordinator and left <= 2 * alive then return { "busy", other, left } end

local created = redis.pcall("XGROUP", "CREATE", key.chunks, GROUP, "0", "MKSTREAM")
if created.err and not string.find(created.err, "BUSYGROUP", 1, true) then return created end
redis.call("SET", key.coordinator, coordinator, "PX", alive)
redis.call("HSETNX", key.run, "begun", string.format("%.0f", now_ms()))
redis.call("HSET", key.run, unpack(ARGV, 4))
return { "ok", redis.call("HGET", key.run, "begun") }
