--[[
A source for a run that continues another one over a changed input: rows that have the id and the contents of one that the other
run has dealt with are told to known(result), with their new place, and passed over. Where all that rows do may be repeated,
one is done again when an earlier row of its token is new: it would not have the last word otherwise.

The other run may have been ended before it had come across all that a run before it had dealt with: then that one counts, too.
What is known is held in memory: some 100 bytes a row.
]]
local reader = require "moonkey.batch.journal.reader"
local row_hash = require "moonkey.batch.row_hash"
local sources = require "moonkey.batch.source"

local M = {}

local function key_of(id, hash)
  return hash and hash .. (id or "")
end

-- `index`: hash and id → the rows that have them: { journal, row, the next such entry }.
local function pop(index, key)
  local entry = key and index[key]
  if entry then index[key] = entry[3] end
  return entry
end

-- What the run of `journal` has dealt with is in it, and in no run before it any more. `new`: gets the ids of its other rows.
local function take_away(index, journal, new)
  for r in journal:results() do
    if not pop(index, key_of(r.id, r.hash)) and r.id then new[r.id] = true end
  end
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
    take_away(index, journal, {})
  end
  for r in journal:results() do
    local key = key_of(r.id, r.hash)
    if key then index[key] = { journal, r.row, index[key] } end
  end
end

-- The result that the row has already; nil where it is to be worked on.
local function take(self, row)
  local id = type(row.id) == "string" and row.id or nil
  local entry = pop(self.index, key_of(id, row_hash(row)))
  if entry and not (id and self.new[id]) then return entry[1]:result(entry[2]) end
  if id and self.may_repeat then self.new[id] = true end
end

local function next_row(self)
  while true do
    local row, line, message = self.inner:next()
    local r = row and take(self, row)
    if not r then return row, line, message end
    r.row, r.line = self.inner.count, line
    self.known(r)
  end
end

-- `old`: path of the journal of the other run; `own`: of this one, where it has begun its work earlier. `may_repeat`: all that
-- rows do. Raises where a journal cannot be read.
function M.new(inner, old, own, may_repeat, known)
  local index, new = {}, {}
  add_run(index, old)
  if own then
    local journal <close> = opened(own)
    take_away(index, journal, may_repeat and new or {})
  end
  return sources.over(inner, next_row, { index = index, new = new, may_repeat = may_repeat, known = known })
end

return M
