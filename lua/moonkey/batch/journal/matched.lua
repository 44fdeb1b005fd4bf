--[[
A source for a run that continues another one over a changed input: rows that have the id and the contents of one that the other
run has dealt with are told to known(result), with their new place, and passed over.

The other run may have been ended before it had come across all that a run before it had dealt with: then that one counts, too.
What is known is held in memory: some 100 bytes a row.
]]
local reader = require "moonkey.batch.journal.reader"
local row_hash = require "moonkey.batch.row_hash"

local M = {}

local Matched = {}

local methods = {}

local function key_of(id, hash)
  return hash and hash .. (id or "")
end

-- `index`: hash and id → the rows that have them: { journal, row, the next such entry }.
local function pop(index, key)
  local entry = key and index[key]
  if entry then index[key] = entry[3] end
  return entry
end

-- What the run of `journal` has dealt with is in it, and in no run before it any more.
local function take_away(index, journal)
  for r in journal:results() do pop(index, key_of(r.id, r.hash)) end
end

local function opened(path)
  local journal, message = reader.open(path)
  return journal or error(message .. "; it is needed, because it tells what need not be done again", 0)
end

-- What the run of the journal at `path` has dealt with.
local function add_run(index, path)
  local journal = opened(path)
  local before = not journal.meta.rows and journal.meta.continues_path -- otherwise it has come to the end of its input
  if before then
    add_run(index, before)
    take_away(index, journal)
  end
  for r in journal:results() do
    local key = key_of(r.id, r.hash)
    if key then index[key] = { journal, r.row, index[key] } end
  end
end

local function take(self, row)
  local entry = pop(self.index, key_of(type(row.id) == "string" and row.id or nil, row_hash(row)))
  return entry and entry[1]:result(entry[2])
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

-- `old`: path of the journal of the other run; `own`: of this one, where it has begun its work earlier. Raises where one cannot
-- be read.
function M.new(inner, old, own, known)
  local index = {}
  add_run(index, old)
  if own then
    local journal <close> = opened(own)
    take_away(index, journal)
  end
  return setmetatable({ inner = inner, index = index, known = known }, Matched)
end

return M
