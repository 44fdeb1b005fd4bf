--[[
A worker ends.
  ARGV    [2] consumer [3] an error that it ends by, or nothing
  answer  "ok" · "gone"
]]
if redis.call("EXISTS", key.run) == 0 then return "gone" end
forget_worker(ARGV[2])
if ARGV[3] then redis.call("HSET", key.run, "ended", ARGV[2] .. " " .. ARGV[3]) end -- only the last one is kept
return "ok"
