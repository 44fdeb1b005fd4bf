--[[
The API asks to be left alone: that holds for all workers of a run. A shorter pause does not end a longer one.
  ARGV    [2] consumer [3] ms, of which at most 300,000 count
  answer  how long the pause is now, ms
]]
local ms = math.min(LONGEST_PAUSE, math.floor(tonumber(ARGV[3])))
if ms > pause_ms() and redis.call("EXISTS", key.run) == 1 then
  redis.call("SET", key.pause, "1", "PX", ms)
end
return pause_ms()
