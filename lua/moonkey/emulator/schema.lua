-- The emulator's database: its tables, and opening it so that no other process can.
local sqlite = require "moonkey.sqlite"
local values = require "moonkey.emulator.query_values"

local M = {}

local APPLICATION_ID = 0x4d4b454d -- "MKEM"
local VERSION = 2

-- JSON are: the settings of a module, and the types of account that it is for; the extensions of a token, NULL for all; and who
-- did what the audit tells, in <event>_by beside <event>_at.
local SCHEMA = [[
CREATE TABLE account (id TEXT PRIMARY KEY, type TEXT NOT NULL, status TEXT NOT NULL, name TEXT, icon TEXT) WITHOUT ROWID;
CREATE TABLE module (id TEXT PRIMARY KEY, name TEXT, description TEXT, settings TEXT NOT NULL, types TEXT) WITHOUT ROWID;
CREATE TABLE token (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT, description TEXT, icon TEXT, status TEXT NOT NULL,
  secret TEXT NOT NULL, last_access_at TEXT, account TEXT NOT NULL REFERENCES account, revision INTEGER NOT NULL,
  created_at TEXT, created_by TEXT, updated_at TEXT, updated_by TEXT, enabled_at TEXT, enabled_by TEXT,
  disabled_at TEXT, disabled_by TEXT, deleted_at TEXT, deleted_by TEXT, extensions TEXT);
CREATE INDEX token_secret ON token (secret);
CREATE TABLE token_module (
  token INTEGER NOT NULL REFERENCES token, position INTEGER NOT NULL, module TEXT NOT NULL REFERENCES module,
  PRIMARY KEY (token, position)) WITHOUT ROWID;
]]

-- What lists are filtered and sorted by; the id behind it is the order that they have otherwise.
local INDEXES = [[
CREATE INDEX token_account ON token (account, id, status);
CREATE INDEX token_status ON token (status, id);
CREATE INDEX token_name ON token (name, id);
CREATE INDEX token_seen ON token (last_access_at, id);
CREATE INDEX token_created ON token (created_at, id);
CREATE INDEX token_updated ON token (updated_at, id);
CREATE INDEX token_module_module ON token_module (module, token);
]]

local DATES = { "last_access_at", "created_at", "updated_at", "enabled_at", "disabled_at", "deleted_at" }

-- Version 1 had no indexes, kept times in the form that they were given in, and account types as settings.type.
local function upgrade(db, exec)
  exec("ALTER TABLE module ADD COLUMN types TEXT; UPDATE module SET types = settings -> '$.type';"
    .. " ALTER TABLE token ADD COLUMN extensions TEXT")
  exec(INDEXES)
  for _, column in ipairs(DATES) do
    local set = db:prepare(("UPDATE token SET %s = ? WHERE n = ?"):format(column))
    for n, text in db:prepare(("SELECT n, %s FROM token WHERE length(%s) <> 24"):format(column, column)):rows() do
      set:run(values.timestamp(text) or text, n)
    end
  end
end

local function explain(path, message, kind)
  if kind == "busy" then
    local holder = sqlite.holder(path)
    return ("%s is in use by another process%s, perhaps another emulator; stop that one or give another file"):format(path,
      holder and (" (pid %d)"):format(holder) or "")
  elseif kind == "notadb" then
    return path .. " is not a database of the emulator (" .. message .. "); give another file"
  end
  return "cannot open " .. path .. ": " .. message
end

-- What the file holds: its version, or 0 when it is new; nil, message when it is somebody else's.
local function identify(db, path)
  local id = db:prepare("PRAGMA application_id"):row()
  local version = db:prepare("PRAGMA user_version"):row()
  local objects = db:prepare("SELECT count(*) FROM sqlite_schema"):row()
  if id == APPLICATION_ID and version <= VERSION then
    return version
  elseif id == APPLICATION_ID then
    return nil, path .. " was written by a newer version of moonkey; use that one, or give another file"
  elseif id == 0 and objects == 0 then
    return 0
  end
  return nil, path .. " is a database of another program; give another file"
end

local function prepare(db, path)
  local function exec(sql)
    local ok, message, kind = db:exec(sql)
    if not ok then
      error({ explain(path, message, kind) })
    end
  end
  exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE") -- from here on the file is ours alone
  local version, message = identify(db, path)
  exec("ROLLBACK")
  if not version then
    error({ message })
  end
  -- A commit survives the death of this process; only a crash of the machine may cost the last ones.
  exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
  if version < VERSION then
    exec("BEGIN EXCLUSIVE")
    if version == 0 then
      exec(SCHEMA .. INDEXES)
    else
      upgrade(db, exec)
    end
    exec(("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT"):format(APPLICATION_ID, VERSION))
  end
end

-- open(path or nil) -> db | nil, message. Without a path the database is in memory.
function M.open(path)
  local name = path or "the store in memory"
  local db, message, kind = sqlite.open(path or ":memory:")
  if not db then
    return nil, explain(name, message, kind)
  end
  local ok, err = pcall(prepare, db, name)
  if ok then
    return db
  end
  db:close()
  return nil, type(err) == "table" and err[1] or err
end

return M
