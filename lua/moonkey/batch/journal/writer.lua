--[[
Writes the journal of a run (see schema.lua). Results are committed in groups: GROUP of them, or what there is after AGE
seconds; only then does on_commit(results) tell that they are there. Before-images and intents are committed at the next turn of
the loop, together with all others of that turn, and whoever records one waits for that.

A commit that fails is the end of the run: nothing more is tried until close(), which tries once more, because there may be room
on the disk again.
]]
local core = require "moonkey.task.core"
local entries = require "moonkey.batch.journal.entries"
local http = require "moonkey.http"
local leaving = require "moonkey.batch.leaving"
local schema = require "moonkey.batch.journal.schema"
local sys = require "moonkey.sys"

local M = {}

local Writer = {}
Writer.__index = Writer

local GROUP, AGE = 256, 0.1 -- results, seconds

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

-- Set values of the table `run`.
function Writer:put(values)
  return self:transaction(entries.put_all, values)
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
  local results, notes, extras = self.results, self.notes, self.extras
  if #results + #notes + #extras == 0 or self.grouping then return not self.failure or nil, self.failure end
  local ok, message
  if not self.failure then
    ok, message = self:transaction(entries.write_group, results, notes, extras)
    self.failure = message
    self.why_failed = self.why_failed or message
  end
  self.notes = {}
  if ok then self.results, self.extras = {}, {} end -- otherwise they are kept for close()
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

-- What add() is called for within fn(), which does not park, is committed all at once, and what extra(writer) writes with it.
function Writer:together(fn, extra)
  self.grouping = true
  local ok, err = pcall(fn)
  self.grouping = false
  self.extras[#self.extras + 1] = extra
  if not ok then error(err, 0) end
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

-- Where `begin` has left them open: all but those of the rows that are keys of `except`. true, or nil, message.
function Writer:settle(except)
  return self:transaction(entries.settle_intents, except, now() - self.created)
end

local function begin_session(self, kind, values)
  if self.birth then entries.put_all(self, self.birth) end
  entries.put_all(self, values)
  if self.again and not self.leaves_open then entries.settle_intents(self, {}, now() - self.created) end
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
  entries.put_all(self, values or {})
  entries.put_writes(self) -- fewer than before where some were not sent after all
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
  local self = setmetatable({ db = db, path = path, writes = 0, statements = {}, results = {}, notes = {}, extras = {},
    untold = {}, closed = core.gate(), on_commit = function() end, sent = function() return http.stats().changes end }, Writer)
  for name, sql in pairs(entries.STATEMENTS) do
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
