--[[
Workers are to end: a state is never taken back but by `begin`.
  ARGV    [2] "closing", "halted" or "cancelled" [3] why
  answer  the state of the run from now on · "gone"
]]
local RANK = { open = 1, closing = 2, halted = 3, cancelled = 4 }
local state, why = ARGV[2], ARGV[3]
local before = redis.call("HGET", key.run, "state")
if not before then return "gone" end
if RANK[state] <= (RANK[before] or 0) then return before end
redis.call("HSET", key.run, "state", state, "why", why or "")
return state
