--[[
A source for a run that continues another one over a changed input: rows that have the id and the contents of one that the other
run has dealt with are told to known(result), with their new place, and passed over.

What is known of the other run is held in memory: some 100 bytes a row.
]]
local row_hash = require "moonkey.batch.row_hash"

local M = {}

local Matched = {}

local methods = {}

local function key_of(id, hash)
  return hash .. (id or "")
end

-- hash and id → the numbers of the rows that have them, the last one first.
local function index_of(journal)
  local index = {}
  for r in journal:results() do
    if r.hash then
      local key = key_of(r.id, r.hash)
      index[key] = { r.row, index[key] }
    end
  end
  return index
end

local function take(self, row)
  local hash = row_hash(row)
  local key = hash and key_of(type(row.id) == "string" and row.id or nil, hash)
  local entry = key and self.index[key]
  if not entry then return nil end
  self.index[key] = entry[2]
  return self.journal:result(entry[1])
end

function methods:next()
  while true do
    local row, line, message = self.inner:next()
    local r = row and take(self, row)
    if not r then return row, line, message end
    r.row, r.line = self.inner.count, line
    self.known(r)
  end
end

function methods:progress()
  return self.inner:progress()
end

function methods:close()
  return self.inner:close()
end

function Matched.__index(self, key)
  return methods[key] or self.inner[key]
end

-- `journal`: an open reader of the other run.
function M.new(inner, journal, known)
  return setmetatable({ inner = inner, journal = journal, index = index_of(journal), known = known }, Matched)
end

return M
