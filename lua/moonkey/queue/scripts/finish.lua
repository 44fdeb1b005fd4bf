--[[
A worker has done a chunk. Only who holds it can report it, and nobody twice: the check, the report and the end of the chunk are
one step.
  ARGV    [2] consumer [3] chunk [4] which delivery of it [5] results
  answer  "ok" · "lost": it has been given to another · "unvouched" · "gone"
]]
local consumer, id, deliveries, body = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local refused = refusal(consumer, id, deliveries)
if refused then return refused end
report("rows", id, consumer, body)
remove(id)
return "ok"
