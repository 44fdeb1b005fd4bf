-- Stores in files that other versions of moonkey wrote, and what lists do with the indexes.
local fixture = require "rql_fixture"
local schema = require "moonkey.emulator.schema"
local sqlite = require "moonkey.sqlite"
local store = require "moonkey.emulator.store"
local temporary = require "temporary"

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
INSERT INTO module VALUES ('MOD-1', 'Old', NULL, '{"type":["Client","Vendor"]}'), ('MOD-2', 'Older', NULL, '{}');
INSERT INTO token (id, status, secret, account, revision, created_at, updated_at, last_access_at)
  VALUES ('TKN-0000-0001', 'Active', 'made-up', 'ACC-0001-0001', 1, '2024-01-01', 'one day', NULL);
PRAGMA application_id = 0x4d4b454d; PRAGMA user_version = 1;
]]

describe("a store of version 1", function()
  local path

  before_each(function()
    path = temporary.name()
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
    assert.same({ { Client = true, Vendor = true }, nil }, { st:module("MOD-1").types, st:module("MOD-2").types })
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

-- With 100,000 tokens a list that sorts or goes through all of them is felt. tests/bench/lists.lua measures it.
describe("an index serves", function()
  local CASES = { -- query = the index that finds or sorts the tokens
    ["id='TKN-0000-0001'"] = "sqlite_autoindex_token_1", ["order=id&limit=5"] = "sqlite_autoindex_token_1",
    ["order=id,name"] = "sqlite_autoindex_token_1", ["status=Active"] = "token_status", ["name='x'"] = "token_name",
    ["order=name"] = "token_name", ["order=-name,-id"] = "token_name", ["gt(lastAccessAt,2024-01-01)&order=lastAccessAt,id"] = "token_seen",
    ["select=audit&lt(audit.created.at,2024-01-01)&order=audit.created.at"] = "token_created", ["account.id='ACC-0001-0001'"] = "token_account",
    ["any(modules,id=MOD-9042)&status=Active"] = "token_status", ["token='x'"] = "token_secret",
  }
  for query, index in pairs(CASES) do
    it(query, function()
      local st = fixture.open()
      assert.equal(200, (fixture.get(st, "api-tokens", query .. "&offset=0")))
      local plans = {}
      for sql in pairs(st.queries) do
        for _, _, _, detail in st.db:prepare("EXPLAIN QUERY PLAN " .. (sql ~= "count" and sql or "SELECT 1")):rows() do
          plans[#plans + 1] = detail
        end
      end
      local plan = table.concat(plans, "\n")
      assert.truthy(plan:find("INDEX " .. index, 1, true), plan)
      if query:find("order=") then assert.is_nil(plan:find("TEMP B-TREE", 1, true), plan) end
      st:close()
    end)
  end
end)
