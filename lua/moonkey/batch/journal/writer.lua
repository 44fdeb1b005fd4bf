--[[
Writes the journal of a run (see schema.lua). Results are committed in groups: GROUP of them, or what there is after AGE
seconds; only then does on_commit(results) tell that they are there. Before-images and intents are committed at the next turn of
the loop, together with all others of that turn, and whoever records one waits for that.

A commit that fails is the end of the run: nothing more is tried until close(), which tries once more, because there may be room
on the disk again.
]]
local core = require "moonkey.task.core"
local http = require "moonkey.http"
local json = require "moonkey.json"
local leaving = require "moonkey.batch.leaving"
local redact = require("moonkey.secret").redact
local schema = require "moonkey.batch.journal.schema"
local sys = require "moonkey.sys"

local M = {}

local Writer = {}
Writer.__index = Writer

local GROUP, AGE = 256, 0.1 -- results, seconds

local STATEMENTS = {
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
  interrupted = "INSERT OR REPLACE INTO problems (row, kind, title) SELECT row, 'interrupted', 'ended during ' || intent ||"
    .. " ': whether it was carried out is not known' FROM intents JOIN rows USING (row) WHERE state = 0",
  unknown = "UPDATE rows SET state = 3, at = ? WHERE state = 0",
  put = "INSERT OR REPLACE INTO run VALUES (?, ?)",
  session = "INSERT INTO sessions (kind, started) VALUES (?, ?)",
  end_session = "UPDATE sessions SET ended = ?, outcome = ?, retries = ? WHERE number = ?",
}

local function now()
  return sys.wall() * 1000 // 1 | 0
end

-- Raises what SQLite says; caught by transaction().
local function must(value, message, kind)
  if value == nil and message then error({ message = message, kind = kind }, 0) end
  return value
end

function Writer:run(name, ...)
  return must(self.statements[name]:run(...))
end

-- fn(...) as one transaction: true, or nil, message, kind, with nothing of it done.
function Writer:transaction(fn, ...)
  local ok, err = pcall(function(...)
    self:run "begin"
    fn(self, ...)
    self:run "commit"
  end, ...)
  if ok then return true end
  self.statements.rollback:run()
  if type(err) ~= "table" then error(err, 0) end
  return nil, schema.explain(err.message, err.kind), err.kind
end

local function put_all(self, values)
  for key, value in pairs(values) do
    if type(value) == "table" then value = json.encode(value) end
    self:run("put", key, value)
  end
end

-- Set values of the table `run`.
function Writer:put(values)
  return self:transaction(put_all, values)
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

local function write_result(self, r)
  if r.outcome == "pending" then -- nothing of what it had intended was carried out
    self:run("failed_as_before", r.row)
    self:run("no_intended_row", r.row)
    return self:run("no_intent", r.row)
  end
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

local function put_writes(self)
  self:run("put", "writes", self.writes_before + http.stats().changes)
end

local function write_group(self, results, notes)
  for _, note in ipairs(notes) do
    if note.changes then write_changes(self, note) end
    if note.intent then
      self:run("intended_row", note.row, note.line, clean_id(note.id), note.hash)
      self:run("intent", note.row, clean(note.intent))
    end
  end
  for _, r in ipairs(results) do write_result(self, r) end
  put_writes(self)
end

-- on_commit(results), one group after the other, whoever commits them: it may wait, and others commit meanwhile. Returns once
-- all of them are told.
local function tell(self, results)
  self.untold[#self.untold + 1] = results
  if self.telling then
    local gate = core.gate()
    self.telling[#self.telling + 1] = gate
    return gate:wait()
  end
  local waiting, ok, err = {}, true, nil
  self.telling = waiting
  while ok and self.untold[1] do ok, err = pcall(self.on_commit, table.remove(self.untold, 1)) end
  self.telling = nil
  for _, gate in ipairs(waiting) do gate:open() end
  if not ok then error(err, 0) end
end

-- Commit what there is. true, or nil, message.
function Writer:commit()
  local results, notes = self.results, self.notes
  if #results == 0 and #notes == 0 then return not self.failure or nil, self.failure end
  local ok, message
  if not self.failure then
    ok, message = self:transaction(write_group, results, notes)
    self.failure = message
    self.why_failed = self.why_failed or message
  end
  self.notes = {}
  if ok then self.results = {} end -- otherwise they are kept for close()
  for _, note in ipairs(notes) do
    note.failure = self.failure
    note.gate:open()
  end
  if ok then tell(self, results) end
  return ok, self.failure
end

-- The result of a row. It has `hash` beside what batch/result.lua says, and `intended` when its changes are recorded already.
-- One that is pending takes back what the row had recorded to do.
function Writer:add(r)
  r.at = now() - self.created
  self.results[#self.results + 1] = r
  if #self.results >= GROUP and not self.failure then self:commit() end
end

local function commit_soon(self)
  if self.committing then return end
  self.committing = true
  core.spawn(function()
    core.gate():wait(0) -- who else comes in this turn of the loop
    self.committing = false
    self:commit()
  end)
end

-- Park until the note is on the disk: { row =, line =, id =, hash =, changes = | intent = }. true, or nil, message.
function Writer:record(note)
  if self.failure then return nil, self.failure end
  note.gate = core.gate()
  self.notes[#self.notes + 1] = note
  commit_soon(self)
  note.gate:wait()
  return not note.failure or nil, note.failure
end

-- The script leaves the process by os.exit, maybe while results are told to it: nobody waits for that.
function Writer:flush()
  self.telling = nil
  self:close("exit")
end

-- Has an earlier session recorded changes of this row?
function Writer:has_changes(row)
  return self.statements.has_changes:row(row) ~= nil
end

local function keep_committing(self)
  while not self.closed:wait(AGE) do self:commit() end
end

-- What was about to be sent when an earlier session was ended must not be sent again.
local function settle_intents(self)
  self:run "interrupted"
  self:run("unknown", now() - self.created)
end

local function begin_session(self, kind, values)
  if self.birth then put_all(self, self.birth) end
  put_all(self, values)
  if self.again then settle_intents(self) end
  self:run("session", kind, now())
  self.session = self.db:last_rowid()
end

-- Start working: nothing is recorded before. `kind`: "batch", "resume" or "retry"; `values` go to the table `run`. true, or
-- nil, message.
function Writer:begin(kind, values)
  self.again = kind ~= "batch"
  self.writes_before = self.writes - http.stats().changes -- what this process has sent for others is not the run's
  local ok, message, code = self:transaction(begin_session, kind, values or {})
  if not ok then return nil, message, code end
  core.spawn(keep_committing, self)
  leaving.journal(self)
  return true
end

local function end_session(self, outcome, retries, values)
  put_all(self, values or {})
  put_writes(self) -- fewer than before where some were not sent after all
  self:run("end_session", now(), outcome, retries, self.session)
end

-- The end of the session; `values` go to the table `run`, once all results are in the journal. true, or nil and why results are
-- missing from it. A second time does nothing.
function Writer:close(outcome, retries, values)
  if self.is_closed then return true end
  self.is_closed = true
  self.closed:open()
  leaving.forget(self)
  self.failure = nil
  local ok, message = self:commit()
  if self.telling then tell(self, {}) end -- those that are under way
  if ok and self.session then
    ok, message = self:transaction(end_session, outcome, retries, values)
  end
  self.db:close()
  return ok, message
end

function Writer:__close()
  self:close("error")
end

local function new(db, path)
  local self = setmetatable({ db = db, path = path, writes = 0, statements = {}, results = {}, notes = {}, untold = {},
    closed = core.gate(), on_commit = function() end }, Writer)
  for name, sql in pairs(STATEMENTS) do
    local message, kind
    self.statements[name], message, kind = db:prepare(sql)
    if not self.statements[name] then return nil, schema.explain(message, kind), kind end
  end
  return self
end

local function opened(path, prepare)
  local db, message, kind = schema.open_to_write(path)
  if not db then return nil, message, kind end
  local ok, self
  ok, message, kind = prepare(db)
  if ok then self, message, kind = new(db, path) end
  if self then return self end
  db:close()
  return nil, message, kind
end

-- A new journal at `path`, of the run `id`; nil, message, kind where that cannot be. A file with contents is left alone.
function M.create(path, id)
  local type, size = sys.file_type(path)
  if type and (type ~= "file" or size > 0) then
    if type == "file" then return nil, "it is there already, with contents", "exists" end
    return nil, "it is no regular file", "irregular"
  end
  local self, message, kind = opened(path, schema.create)
  if not self then return nil, message, kind end
  self.id, self.created = id, now()
  self.birth = { id = id, created = self.created, moonkey = sys.version() } -- begin() records it, with all or not at all
  return self
end

-- The journal of a run that was begun earlier.
function M.reopen(path)
  if sys.file_type(path) ~= "file" then return nil, "there is no such file", "cantopen" end
  local self, message, kind = opened(path, schema.check)
  if not self then return nil, message, kind end
  local statement <close> = self.db:prepare("SELECT value FROM run WHERE key = ?")
  self.id, self.created, self.writes = statement:row("id"), statement:row("created"), statement:row("writes") or 0
  return self
end

return M
