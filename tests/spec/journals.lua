-- What the specs of journals share.
local child = require "child"
local reader = require "moonkey.batch.journal.reader"

local M = {}

-- For a journal in a directory that is gone when `finally` (busted's) runs.
function M.path(finally)
  return child.directory(finally) .. "/a.journal"
end

function M.rows(n)
  local list = {}
  for i = 1, n do list[i] = { id = "T" .. i, n = i } end
  return list
end

-- Its results, the table `run`, its sessions, how many rows are in which state.
function M.read(path)
  local journal <close> = assert(reader.open(path))
  local results = {}
  for r in journal:results() do results[#results + 1] = r end
  return results, journal.meta, journal:sessions(), journal:counts()
end

return M
