-- Reads the journal of a run, also while another process writes it. Nothing is changed. Damage that is found on the way raises
-- (damage.lua).
local damage = require "moonkey.batch.journal.damage"
local json = require "moonkey.json"
local result = require "moonkey.batch.result"
local schema = require "moonkey.batch.journal.schema"
local sqlite = require "moonkey.sqlite"
local sys = require "moonkey.sys"

local M = {}

local Reader = {}
Reader.__index = Reader

local function prepare(self, sql)
  return damage.told(self.path, function()
    local statement, message = self.db:prepare(sql)
    return statement or error(message, 0)
  end)
end

-- The iterator of a rows() loop over `sql`, with each row made into something else.
local function map(self, make, sql)
  local next_row, statement, first, closing = prepare(self, sql):rows()
  local function step(row, ...)
    if row then return make(row, ...) end
  end
  local function advance()
    return step(next_row(statement))
  end
  return function() return damage.told(self.path, advance) end, nil, first, closing
end

local function as_it_is(...)
  return ...
end

local function load_meta(self)
  local meta = {}
  for key, value in map(self, as_it_is, "SELECT key, value FROM run") do meta[key] = value end
  meta.options = meta.options and damage.told(self.path, json.decode, meta.options) or {}
  return meta
end

-- Is a process working on the run?
function Reader:running()
  return self.is_running
end

-- The starts of the run, in their order: { number =, kind =, started =, ended =, outcome =, retries = }, times in ms.
function Reader:sessions()
  local list = {}
  for number, kind, started, ended, outcome, retries in
    map(self, as_it_is, "SELECT number, kind, started, ended, outcome, retries FROM sessions ORDER BY number") do
    list[#list + 1] = { number = number, kind = kind, started = started, ended = ended, outcome = outcome, retries = retries }
  end
  return list
end

-- One pass; to group them by their state would sort them.
local COUNTS = [[
  SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2),
    count(*) FILTER (WHERE state = 3), count(*) FILTER (WHERE state = 4) FROM rows]]

-- How many rows are in which state: { new =, done =, failed =, unknown =, skipped = }.
function Reader:counts()
  local counts
  for new, done, failed, unknown, skipped in map(self, as_it_is, COUNTS) do
    counts = { new = new, done = done, failed = failed, unknown = unknown, skipped = skipped }
  end
  return counts
end

-- 24 bytes as a traceparent (W3C Trace Context).
local function unpacked(bytes)
  return bytes and ("00-%016x%016x-%016x-01"):format(string.unpack(">i8i8i8", bytes))
end

-- What was about to be sent when the program was ended, and must not be sent again.
local function of_intent(r, intent)
  r.outcome, r.kind = "unknown", "interrupted"
  r.title = result.interrupted(intent)
  r.detail, r.errors, r.trace_id = nil, nil, nil -- of an earlier try
end

local RESULTS = [[
  SELECT r.row, r.line, r.id, r.hash, r.state, r.status, r.attempts, r.at, r.ms, r.traceparent, p.kind, p.title, p.detail,
    p.errors, p.trace_id, c.changes, i.intent
  FROM rows r LEFT JOIN problems p USING (row) LEFT JOIN changes c USING (row) LEFT JOIN intents i USING (row)
  WHERE %s ORDER BY r.row]]

local function result_of(row, line, id, hash, state, status, attempts, at, ms, traceparent, kind, title, detail, errors,
    trace_id, changes, intent)
  local r = { row = row, line = line, id = id, hash = hash, outcome = schema.NAMES[state], status = status,
    attempts = attempts, at = at, ms = ms or 0, traceparent = unpacked(traceparent), kind = kind, title = title,
    detail = detail, errors = errors and json.decode(errors), trace_id = trace_id, changes = changes and json.decode(changes) }
  if state == schema.STATES.new then of_intent(r, intent or "a request") end
  return r
end

-- An iterator over the results (batch/result.lua) in the order of the input, each with `at` and `hash` besides. `states`: a
-- list of their names; nil means all.
function Reader:results(states)
  local numbers = {}
  for i, name in ipairs(states or {}) do numbers[i] = ("%d"):format(schema.STATES[name]) end
  local where = states and ("r.state IN (%s)"):format(table.concat(numbers, ",")) or "true"
  return map(self, result_of, RESULTS:format(where))
end

-- The result of one row, or nil.
function Reader:result(row)
  self.one = self.one or prepare(self, RESULTS:format("r.row = ?"))
  local function made(number, ...)
    if number then return result_of(number, ...) end
    if (...) then error((...), 0) end
  end
  return damage.told(self.path, function() return made(self.one:row(row)) end)
end

-- Rows that were changed, or may have been: an iterator over row, id, state's name, changes; the last row comes first.
function Reader:changes()
  return map(self, function(row, id, state, changes)
    return row, id, schema.NAMES[state or schema.STATES.new], json.decode(changes)
  end, "SELECT c.row, c.id, r.state, c.changes FROM changes c LEFT JOIN rows r USING (row) ORDER BY c.row DESC")
end

function Reader:close()
  self.db:close()
end

Reader.__close = Reader.close

-- The journal at `path`, with `meta`, the table `run` as { key = value } (options decoded); or nil, message. Damage
-- anywhere in it is found here, before some of it is believed; not where it is `known_good`.
function M.open(path, known_good)
  if sys.file_type(path) ~= "file" then return nil, ("there is no journal %s"):format(path) end
  local is_running = sqlite.is_locked(path) -- before it is opened: see sqlite.is_locked
  local db, message, kind = schema.open_to_read(path)
  if not db then return nil, ("cannot read the journal %s: %s"):format(path, message), kind end
  local ok
  ok, message, kind = schema.check(db)
  if ok and not known_good then ok, message, kind = schema.check_whole(db) end
  if not ok then
    db:close()
    return nil, ("cannot read the journal %s: %s"):format(path, message), kind
  end
  local self = setmetatable({ db = db, path = path, is_running = is_running }, Reader)
  ok, self.meta = pcall(load_meta, self)
  if ok then return self end
  db:close()
  return nil, tostring(self.meta), "notadb"
end

return M
