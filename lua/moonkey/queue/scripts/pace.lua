--[[
How many exchanges a worker may start: all workers of a run share one bucket, on the server's clock, for a tenth of a second.
  ARGV    [2] consumer [3] how many it wants
  answer  { how many it may start, in how many ms to ask again }

A worker that cannot have all that it wants is not told to come back for the next one, for which all would come, but when its
share of what comes has grown to that, and within half the time for which the bucket has room: so nothing of it is lost.
]]
local LONGEST = 50 -- ms

local want = tonumber(ARGV[3])
local paused = pause_ms()
if paused > 0 then return { 0, paused } end
local rate = tonumber(redis.call("HGET", key.run, "rate"))
if not rate then return { 0, 1000 } end -- there is no such run
if rate == 0 then return { want, 0 } end

local size = math.max(1, rate / 10)
local time = redis.call("TIME")
local now = time[1] * 1000000 + time[2]
local pace = redis.call("HMGET", key.pace, "tokens", "at")
local tokens, at = tonumber(pace[1] or size), tonumber(pace[2] or now)
local passed = math.max(0, now - at) -- the clock may have been set back
tokens = math.min(size, tokens + passed * rate / 1000000)
local granted = math.min(want, math.floor(tokens))
tokens = tokens - granted
redis.call("HSET", key.pace, "tokens", string.format("%.9f", tokens), "at", string.format("%.0f", now))
if granted == want then return { granted, 0 } end
local next_one = (1 - tokens) / rate * 1000
local share = (want - granted) * math.max(1, redis.call("HLEN", key.workers)) / rate * 1000
return { granted, math.ceil(math.max(next_one, math.min(share, LONGEST))) }
