--[[
The coordinator has compared what this server has with what it knows: work may go on.
  ARGV    [2] the run_id of the server that it has compared with [3…] "chunk/row", intent, …: those without an outcome
  answer  "ok" · "unvouched": the connection is to another server by now · "gone"
]]
if redis.call("EXISTS", key.run) == 0 then return "gone" end
if ARGV[1] ~= ARGV[2] then return "unvouched" end
redis.call("HSET", key.run, "server", ARGV[1])
for i = 3, #ARGV, 2 do redis.call("HSET", key.intents, ARGV[i], ARGV[i + 1]) end
return "ok"
