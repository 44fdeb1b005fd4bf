--[[
A worker reports what has to be in the journal before it goes on: the changes of a row, or a write that is announced.
  ARGV    [2] consumer [3] chunk [4] which delivery of it [5] the note, and of a write [6] the row [7] the write
  answer  as of finish
]]
local consumer, id, deliveries, body, row, intent = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local refused = refusal(consumer, id, deliveries)
if refused then return refused end
report("note", id, consumer, body)
if intent then redis.call("HSET", key.intents, id .. "/" .. row, intent) end
return "ok"
