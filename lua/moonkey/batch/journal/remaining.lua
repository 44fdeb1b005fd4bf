--[[
A source in which the rows are passed over that need no work in this session.

  resume  those that have ended, whatever their outcome
  retry   all but those that failed, and of these, those whose id has a later row that is done (or may be, or found nothing to
          do): tried again now, they would undo what that one did

Where the input as a whole is known to be the same (its SHA-256 is), rows are passed over unread. Otherwise each is read, and
has to have the hash that it had.
]]
local damage = require "moonkey.batch.journal.damage"
local row_hash = require "moonkey.batch.row_hash"
local sources = require "moonkey.batch.source"

local M = {}

local CHUNK = 1000 -- row numbers that are looked up at once

-- The rows from `from` on that this session passes over (resume) or works on (retry).
local function load_chunk(self, from)
  local list = {}
  damage.told(self.path, function()
    for row in self.query:rows(from, CHUNK) do list[#list + 1] = row end
  end)
  self.chunk, self.at = list, 1
end

-- The number at the cursor, once that is `row` or later; nil when there is none.
local function upcoming(self, row)
  while true do
    if not self.chunk or (self.at > #self.chunk and #self.chunk == CHUNK) then load_chunk(self, row) end
    local number = self.chunk[self.at]
    if not number or number >= row then return number end
    self.at = self.at + 1
  end
end

-- How many rows from `row` on are passed over at once; nil: all that are left.
local function resume_passes(self, row)
  local count = 0
  while upcoming(self, row + count) == row + count do
    count, self.at = count + 1, self.at + 1
    if self.at > #self.chunk then break end -- more of them are in the next chunk
  end
  return count
end

local function retry_passes(self, row)
  local wanted = upcoming(self, row)
  return wanted and wanted - row
end

local function shown(id)
  return id and (" (%s)"):format(id) or ""
end

-- The next row, as inner:next() gives it; also nil, line, message where it was recorded as another one.
local function next_verified(self)
  local row, line, message = self.inner:next()
  if row == nil then return nil, line, message end
  local hash, id, kind = self.hash_of:row(self.inner.count)
  if kind then damage.told(self.path, error, id, 0) end
  if hash and (not row or row_hash(row) ~= hash) then
    return nil, line, ("row %d is not the one%s that it was when the run began; moonkey resume --accept-changes goes by id and "
      .. "contents instead of position"):format(self.inner.count, shown(id))
  end
  return row, line, message
end

-- A row to be worked on. All that are tried again have been there.
local function next_wanted(self)
  local row, line, message
  if self.verified then row, line, message = self.inner:next() else row, line, message = next_verified(self) end
  if row == nil and self.kind == "retry" then message = message or "the input ends before rows that are to be tried again" end
  return row, line, message
end

-- Pass over `count` rows: how many, or nil, line, message.
local function pass_over(self, count)
  if self.verified then return self.inner:skip(count) end
  for _ = 1, count do
    local row, line, message = next_verified(self)
    if row == nil then return nil, line, message or "the input ends before rows that the run has done already" end
  end
  return count
end

local function next_row(self)
  while true do
    local count = self.passes(self, self.inner.count + 1)
    if not count then
      self.inner:close()
      return nil
    end
    if count == 0 then return next_wanted(self) end
    local passed, line, message = pass_over(self, count)
    if not passed then return nil, line, message end
    if passed < count then return self.inner:next() end
  end
end

-- The rows that `retry` works on.
local RETRIED = [[
  CREATE TEMP TABLE retried (row INTEGER PRIMARY KEY);
  INSERT INTO retried
  SELECT f.row FROM rows f LEFT JOIN (
    SELECT id, max(row) AS last FROM rows WHERE state IN (1, 3, 4) AND id IN (SELECT id FROM rows WHERE state = 2) GROUP BY id
  ) l ON l.id = f.id
  WHERE f.state = 2 AND (l.last IS NULL OR l.last < f.row) ORDER BY f.row]]

local QUERIES = {
  resume = "SELECT row FROM rows WHERE row >= ? AND state <> 0 ORDER BY row LIMIT ?",
  retry = "SELECT row FROM retried WHERE row >= ? ORDER BY row LIMIT ?",
}

-- Over the source `inner` for the open database of the journal at `path`; `kind` is "resume" or "retry". `verified`: the whole
-- input is known to be what it was.
function M.new(inner, db, path, kind, verified)
  if kind == "retry" then assert(db:exec(RETRIED)) end
  return sources.over(inner, next_row, {
    path = path, query = assert(db:prepare(QUERIES[kind])),
    hash_of = assert(db:prepare("SELECT hash, id FROM rows WHERE row = ?")),
    passes = kind == "retry" and retry_passes or resume_passes, kind = kind, verified = verified,
  })
end

return M
