--[[
A worker ends.
  ARGV    [2] consumer
  answer  "ok" · "gone"
]]
if redis.call("EXISTS", key.run) == 0 then return "gone" end
forget_worker(ARGV[2])
return "ok"
