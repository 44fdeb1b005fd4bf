--[[
A chunk for the workers. Ids only grow, so one that is added twice, after an answer that got lost, is refused.
  ARGV    [2] id [3] rows [4] how many
  answer  "ok" · "exists" · "gone"
]]
local id, rows, count = ARGV[2], ARGV[3], ARGV[4]
if redis.call("EXISTS", key.run) == 0 then return "gone" end -- otherwise there would be a stream without a group
local added = redis.pcall("XADD", key.chunks, id, "rows", rows, "count", count)
if type(added) == "table" and added.err then
  return string.find(added.err, "equal or smaller", 1, true) and "exists" or added
end
redis.call("HSET", key.sizes, id, count)
return "ok"
