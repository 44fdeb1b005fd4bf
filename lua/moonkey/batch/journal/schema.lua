--[[
The journal of a run: one SQLite file. What stands in its tables:

  run       what the run is: a key and a value each (see batch/journal/writer.lua); `writes`: how many it has sent
  sessions  each start of a process that worked on it; `ended` is NULL when it was killed, or that could not be
            written any more
  rows      a row of the input that has ended, or (state 0) is about to send what must not be repeated; of others there is
            nothing. `at`: milliseconds from the run's beginning to the row's end, `ms`: how long it took; `hash`: see
            batch/row_hash.lua; `traceparent`: trace-id and parent-id as bytes
  problems  what is wrong with rows that failed or are unknown
  changes   of rows that were compared with the token first: [{ field, from, to }], there before the write is sent
  intents   "POST /path" of rows that send what must not be repeated, there before it is sent
  chunks    of a run over a queue only: see chunks.lua

No secret and no body of a reply is in it. Readers and writers agree by user_version.
]]
local sqlite = require "moonkey.sqlite"
local sys = require "moonkey.sys"

local M = {}

M.APPLICATION, M.VERSION = 0x6d6b6579, 1

M.STATES = { new = 0, done = 1, failed = 2, unknown = 3, skipped = 4 }
M.NAMES = {}
for name, number in pairs(M.STATES) do M.NAMES[number] = name end

local TABLES = ([[
  CREATE TABLE run(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE sessions(number INTEGER PRIMARY KEY, kind TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER, outcome TEXT,
    retries INTEGER);
  CREATE TABLE rows(row INTEGER PRIMARY KEY, line INTEGER, id TEXT, hash BLOB, state INTEGER NOT NULL, status INTEGER,
    attempts INTEGER, at INTEGER, ms INTEGER, traceparent BLOB);
  CREATE TABLE problems(row INTEGER PRIMARY KEY, kind TEXT, title TEXT, detail TEXT, errors TEXT, trace_id TEXT);
  CREATE TABLE changes(row INTEGER PRIMARY KEY, id TEXT, changes TEXT NOT NULL);
  CREATE TABLE intents(row INTEGER PRIMARY KEY, intent TEXT NOT NULL);
  PRAGMA application_id = %d;
  PRAGMA user_version = %d;
]]):format(M.APPLICATION, M.VERSION)

local EXPLAIN = {
  notadb = "it is damaged, or no journal of moonkey",
  busy = "another moonkey is working on it",
}

-- A failure of SQLite as text for people.
function M.explain(message, kind)
  return EXPLAIN[kind] and ("%s (%s)"):format(EXPLAIN[kind], message) or message
end

local function number_of(db, pragma)
  local statement <close>, message, kind = db:prepare("PRAGMA " .. pragma)
  if not statement then return nil, message, kind end
  return statement:row()
end

local function count_of(db, table)
  local statement <close>, message, kind = db:prepare("SELECT count(*) FROM " .. table)
  if not statement then return nil, message, kind end
  return statement:row()
end

local STILLBORN = "there is no run in it: the program was ended before it began one; remove it, and begin again"

-- Is this the file of a journal that this version understands, with a run? true, or nil, message, kind.
function M.check(db)
  local application, message, kind = number_of(db, "application_id")
  local version = application and number_of(db, "user_version")
  if not version then return nil, M.explain(message, kind), kind end
  if application ~= M.APPLICATION then
    if count_of(db, "sqlite_schema") == 0 then return nil, STILLBORN, "empty" end
    return nil, "it is no journal of moonkey", "foreign"
  end
  if version > M.VERSION then
    return nil, ("a newer moonkey has written it (its version is %d, this program knows %d): use that one")
      :format(version, M.VERSION), "newer"
  end
  local values
  values, message, kind = count_of(db, "run")
  if not values then return nil, M.explain(message, kind), kind end
  if values == 0 then return nil, STILLBORN, "empty" end
  return true
end

-- Is all of it readable? It takes 0.1 s for a million rows. true, or nil, message, kind.
function M.check_whole(db)
  local statement <close>, message, kind = db:prepare("PRAGMA quick_check(1)")
  local said
  if statement then said, message, kind = statement:row() end
  if said == "ok" then return true end
  if said then said = said:gsub("^%*%*%* in database main %*%*%*\n", ""):match("^[^\n]*") end
  return nil, M.explain(said or message, said and "notadb" or kind), kind or "notadb"
end

-- Settings of a connection that writes. Each commit is on the disk before it returns. The cache is of half the usual size: rows
-- come nearly in their order, and memory should not tell how many there were.
local SETTINGS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -1000; "
  .. "PRAGMA journal_size_limit = 16777216"

-- An open database whose file this process holds; or nil, message, kind.
function M.open_to_write(path)
  local db, message, kind = sqlite.open(path, { lock = true })
  if not db then return nil, M.explain(message, kind), kind end
  local ok
  ok, message, kind = db:exec(SETTINGS)
  if ok then return db end
  db:close()
  return nil, M.explain(message, kind), kind
end

-- Only while its tables are made does a journal have a rollback journal of its own; to open it for writing takes that back.
local function is_half_made(path, kind)
  return kind == "readonly" and sys.file_type(path .. "-journal") == "file"
end

function M.open_to_read(path)
  local db, message, kind = sqlite.open(path, { readonly = true })
  if db then return db end
  if is_half_made(path, kind) then return nil, STILLBORN, "empty" end
  return nil, M.explain(message, kind), kind
end

-- The tables of a new journal; all or nothing.
function M.create(db)
  local ok, message, kind = db:exec("BEGIN;" .. TABLES .. "COMMIT")
  if not ok then return nil, M.explain(message, kind), kind end
  return true
end

return M
