--[[
Workers are to end: a state is never taken back but by `begin`.
  ARGV    [2] "closing", "halted" or "cancelled" [3] why [4] the coordinator whose wish that is; absent: anybody's
  answer  the state of the run from now on · "gone"
]]
local RANK = { open = 1, closing = 2, halted = 3, cancelled = 4 }
local state, why, coordinator = ARGV[2], ARGV[3], ARGV[4]
local before = redis.call("HGET", key.run, "state")
if not before then return "gone" end
if RANK[state] <= (RANK[before] or 0) then return before end
local now = redis.call("GET", key.coordinator)
if coordinator and now and now ~= coordinator then return before end -- it was killed, and its wish comes late: the run goes on
redis.call("HSET", key.run, "state", state, "why", why or "")
return state
