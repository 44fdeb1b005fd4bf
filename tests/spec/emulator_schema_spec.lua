-- Stores in files that other versions of moonkey wrote.
local fixture = require "rql_fixture"
local schema = require "moonkey.emulator.schema"
local sqlite = require "moonkey.sqlite"
local store = require "moonkey.emulator.store"

-- The tables of version 1, with one token whose times are in forms that version 2 does not keep.
local VERSION_1 = [[
CREATE TABLE account (id TEXT PRIMARY KEY, type TEXT NOT NULL, status TEXT NOT NULL, name TEXT, icon TEXT) WITHOUT ROWID;
CREATE TABLE module (id TEXT PRIMARY KEY, name TEXT, description TEXT, settings TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE token (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT, description TEXT, icon TEXT, status TEXT NOT NULL,
  secret TEXT NOT NULL, last_access_at TEXT, account TEXT NOT NULL REFERENCES account, revision INTEGER NOT NULL,
  created_at TEXT, created_by TEXT, updated_at TEXT, updated_by TEXT, enabled_at TEXT, enabled_by TEXT,
  disabled_at TEXT, disabled_by TEXT, deleted_at TEXT, deleted_by TEXT);
CREATE INDEX token_secret ON token (secret);
CREATE TABLE token_module (
  token INTEGER NOT NULL REFERENCES token, position INTEGER NOT NULL, module TEXT NOT NULL REFERENCES module,
  PRIMARY KEY (token, position)) WITHOUT ROWID;
INSERT INTO account VALUES ('ACC-0001-0001', 'Operations', 'Active', NULL, NULL);
INSERT INTO token (id, status, secret, account, revision, created_at, updated_at, last_access_at)
  VALUES ('TKN-0000-0001', 'Active', 'made-up', 'ACC-0001-0001', 1, '2024-01-01', 'one day', NULL);
PRAGMA application_id = 0x4d4b454d; PRAGMA user_version = 1;
]]

describe("a store of version 1", function()
  local path

  before_each(function()
    path = os.tmpname()
    local db = assert(sqlite.open(path))
    assert(db:exec(VERSION_1))
    assert(db:close())
  end)

  after_each(function() os.remove(path) end)

  it("becomes one of this version, with its tokens", function()
    local st = assert(store.open(path))
    local status, body = fixture.get(st, "api-tokens", "select=audit&audit.created.at=2024-01-01", "made-up")
    assert.equal(200, status)
    assert.equal("2024-01-01T00:00:00.000Z", body.data[1].audit.created.at)
    assert.equal("one day", body.data[1].audit.updated.at)
    assert(st:close())
    local db = assert(schema.open(path))
    local fresh = assert(schema.open())
    local LAYOUT = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)"
    local function layout(of) return (of:prepare(LAYOUT):row():gsub("%s+", " ")) end
    assert.equal(layout(fresh), layout(db))
    assert.equal(fresh:prepare("PRAGMA user_version"):row(), db:prepare("PRAGMA user_version"):row())
    db:close()
    fresh:close()
  end)
end)
