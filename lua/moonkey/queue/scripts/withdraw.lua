--[[
The coordinator takes back what nobody has ever taken.
  answer  { id, … }: those that are gone now
]]
if redis.call("EXISTS", key.run) == 0 then return {} end
local held, withdrawn = all_held(), {}
for _, id in ipairs(redis.call("HKEYS", key.sizes)) do
  if not held[id] then
    remove(id)
    withdrawn[#withdrawn + 1] = id
  end
end
return withdrawn
