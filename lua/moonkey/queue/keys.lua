--[[
The keys of runs in Redis. Those of one run have a hash tag in common: so in a cluster they are on one node, and a script may
use all of them.

  run          hash: what the run is, its state, and `server`, the process of Redis that its coordinator vouches for
  chunks       stream of rows to be done, for the group "workers"; ids are SESSION-SEQUENCE
  sizes        hash: chunk → how many rows it has
  holders      hash: chunk → the workers that had it and let it go, with commas between
  results      stream of what workers report
  workers      hash: worker → what it says of itself, as JSON
  pace, pause  what all workers' rate is made of; a pause for all of them
  intents      hash: "chunk/row" → a write that was announced and whose outcome is not known yet
  dead         stream of the last chunks that were set aside
  coordinator  who coordinates the run, for as long as that is alive
]]
local M = {}

-- Sorted set: run → when it was begun, in ms of the server's clock. In a cluster it is elsewhere than the keys of a run.
M.RUNS = "moonkey:runs"
M.GROUP = "workers"

M.NAMES = { "run", "chunks", "sizes", "holders", "results", "workers", "pace", "pause", "intents", "dead", "coordinator" }

function M.of(run, name)
  return ("moonkey:{%s}:%s"):format(run, name)
end

-- All that scripts are given.
function M.all(run)
  local all = {}
  for i, name in ipairs(M.NAMES) do all[i] = M.of(run, name) end
  return all
end

-- A list: what the worker of that name is told of its notes.
function M.acks(run, consumer)
  return M.of(run, "acks:" .. consumer)
end

return M
