--[[
  answer  { the highest id that was ever added, id, … }: all chunks that are there, in no order · {}: there is no such run
]]
if redis.call("EXISTS", key.run) == 0 then return {} end
local info = redis.call("XINFO", "STREAM", key.chunks)
for i = 1, #info, 2 do
  if info[i] == "last-generated-id" then return { info[i + 1], unpack(redis.call("HKEYS", key.sizes)) } end
end
