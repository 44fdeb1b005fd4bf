-- What a journal is given to write: results, notes and values, as statements of SQLite within a transaction of the writer
-- (writer.lua), which says when.
local json = require "moonkey.json"
local redact = require("moonkey.secret").redact
local schema = require "moonkey.batch.journal.schema"

local M = {}

M.STATEMENTS = {
  begin = "BEGIN IMMEDIATE",
  commit = "COMMIT",
  rollback = "ROLLBACK",
  row = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  intended_row = "INSERT OR REPLACE INTO rows (row, line, id, hash, state, attempts) VALUES (?, ?, ?, ?, 0, 0)",
  problem = "INSERT OR REPLACE INTO problems VALUES (?, ?, ?, ?, ?, ?)",
  no_problem = "DELETE FROM problems WHERE row = ?",
  changes = "INSERT OR REPLACE INTO changes VALUES (?, ?, ?)",
  has_changes = "SELECT 1 FROM changes WHERE row = ?",
  intent = "INSERT OR REPLACE INTO intents VALUES (?, ?)",
  failed_as_before = "UPDATE rows SET state = 2 WHERE row = ? AND state = 0 AND row IN (SELECT row FROM problems)",
  no_intended_row = "DELETE FROM rows WHERE row = ? AND state = 0",
  no_intent = "DELETE FROM intents WHERE row = ?",
  open_rows = "SELECT row FROM rows WHERE state = 0",
  interrupted = "INSERT OR REPLACE INTO problems (row, kind, title) SELECT row, 'interrupted', 'ended during ' || intent ||"
    .. " ': whether it was carried out is not known' FROM intents JOIN rows USING (row) WHERE state = 0 AND row = ?",
  unknown = "UPDATE rows SET state = 3, at = ? WHERE state = 0 AND row = ?",
  put = "INSERT OR REPLACE INTO run VALUES (?, ?)",
  session = "INSERT INTO sessions (kind, started) VALUES (?, ?)",
  end_session = "UPDATE sessions SET ended = ?, outcome = ?, retries = ? WHERE number = ?",
}

function M.put_all(self, values)
  for key, value in pairs(values) do
    if type(value) == "table" then value = json.encode(value) end
    self:run("put", key, value)
  end
end

-- "00-<trace-id>-<parent-id>-01" as its 24 bytes.
local function packed(traceparent)
  return string.pack(">i8i8i8", tonumber(traceparent:sub(4, 19), 16), tonumber(traceparent:sub(20, 35), 16),
    tonumber(traceparent:sub(37, 52), 16))
end

local function clean(text)
  if text == nil then return nil end
  text = redact(tostring(text))
  return json.is_utf8(text) and text or "(not UTF-8)"
end

local function clean_id(id)
  return id and (id:find("^%u%u%u%-%d+%-%d+$") and id or clean(id)) -- the platform's form is no secret's
end

local function write_changes(self, r)
  self:run("changes", r.row, clean_id(r.id), clean(json.encode(r.changes)))
end

-- Nothing of what the row had intended was carried out.
function M.take_back(self, row)
  self:run("failed_as_before", row)
  self:run("no_intended_row", row)
  self:run("no_intent", row)
end

local function write_result(self, r)
  if r.outcome == "pending" then return M.take_back(self, r.row) end
  self:run("row", r.row, r.line, clean_id(r.id), r.hash, schema.STATES[r.outcome], r.status, r.attempts, r.at, r.ms,
    r.traceparent and packed(r.traceparent))
  if r.kind then
    self:run("problem", r.row, clean(r.kind), clean(r.title), clean(r.detail), r.errors and clean(json.encode(r.errors)),
      clean(r.trace_id))
  elseif self.again then
    self:run("no_problem", r.row)
  end
  if r.changes and #r.changes > 0 and not r.intended then write_changes(self, r) end
end

-- How many writes the run has sent.
function M.put_writes(self)
  self:run("put", "writes", self.writes_before + self.sent())
end

-- `extras`: functions that write what else belongs to it.
function M.write_group(self, results, notes, extras)
  for _, note in ipairs(notes) do
    if note.changes then write_changes(self, note) end
    if note.intent then
      self:run("intended_row", note.row, note.line, clean_id(note.id), note.hash)
      self:run("intent", note.row, clean(note.intent))
    end
  end
  for _, r in ipairs(results) do write_result(self, r) end
  for _, extra in ipairs(extras) do extra(self) end
  M.put_writes(self)
end

-- What was about to be sent when an earlier session was ended must not be sent again; but for the rows that are
-- keys of `except`, of which somebody still knows.
function M.settle_intents(self, except, at)
  local open = {}
  for row in self.statements.open_rows:rows() do open[#open + 1] = row end
  for _, row in ipairs(open) do
    if not except[row] then
      self:run("interrupted", row)
      self:run("unknown", at, row)
    end
  end
end

return M
