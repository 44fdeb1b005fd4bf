--[[
The coordinator removes chunks, whoever holds them: it has their results already.
  ARGV    [2…] ids
  answer  how many of them were there
]]
if redis.call("EXISTS", key.run) == 0 then return 0 end
local removed = 0
for i = 2, #ARGV do removed = removed + remove(ARGV[i]) end
return removed
