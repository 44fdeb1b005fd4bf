-- What the emulator keeps of a list from page to page: never what is so no longer.
local fixture = require "emulator_fixture"
local found = require "moonkey.emulator.found"

local TOKENS = fixture.TOKENS
local SECRET = "idt:TKN-9000-0001:" .. ("q"):rep(64)
local SEED = {}
for i = 1, 12 do
  SEED[i] = ('{"id":"TKN-0000-%04d","name":"T%d","lastAccessAt":"2024-01-01T00:00:00Z","modules":["MOD-9042"],'
    .. '"account":{"id":"ACC-1","type":"Operations"}}'):format(i, i)
end
SEED[13] = '{"id":"TKN-9000-0001","name":"other","account":{"id":"ACC-1"},"modules":["MOD-1756"],"token":"' .. SECRET .. '"}'

describe("the emulator's lists, page after page:", function()
  local peer

  before_each(function() peer = fixture.open(table.concat(SEED, "\n")) end)
  after_each(function() peer:close() end)

  -- The ids of a page, without what they have in common, and the total.
  local function page(filter, offset, limit)
    local status, body = peer:call("GET", ("%s?%s&limit=%d&offset=%d"):format(TOKENS, filter, limit or 100, offset or 0))
    assert.equal(200, status)
    local ids = {}
    for i, tok in ipairs(body.data) do ids[i] = tok.id:sub(-2) end
    return table.concat(ids, " "), body["$meta"].pagination.total
  end

  local function read_often(filter)
    for _ = 1, 4 do page(filter) end
  end

  it("each is where it would be in the whole list, however often one asks", function()
    local filter = "any(modules,id='MOD-9042')&order=-id"
    for _ = 1, 3 do
      assert.same({ "12 11 10 09 08", 12 }, { page(filter, 0, 5) })
      assert.same({ "07 06 05 04 03", 12 }, { page(filter, 5, 5) })
      assert.same({ "02 01", 12 }, { page(filter, 10, 5) })
      assert.same({ "", 12 }, { page(filter, 12, 5) })
      assert.same({ "", 12 }, { page(filter, 0, 0) })
    end
  end)

  it("a query is known by its values, and by its order", function()
    for _ = 1, 4 do
      assert.equal("03", (page("name='T3'")))
      assert.equal("04", (page("name='T4'")))
      assert.equal("03 04", (page("in(name,('T3','T4'))&order=id")))
      assert.equal("04 03", (page("in(name,('T3','T4'))&order=-id")))
    end
  end)

  it("once it is asked for often enough, the database is not asked again", function()
    local filter, asked = "status='Active'&order=id", 0
    read_often(filter)
    local prepare = peer.store.db.prepare
    peer.store.queries = nil
    peer.store.db = setmetatable({ prepare = function(_, sql)
      asked = asked + 1
      return prepare(peer.store.db.real, sql)
    end, real = peer.store.db }, { __index = peer.store.db })
    page(filter, 5, 5)
    assert.equal(0, asked)
    peer.store.db = peer.store.db.real
  end)

  local changes = {
    { "a change of name", "name='T3'", "PUT", "/TKN-0000-0003", { name = "X" }, 0 },
    { "a change of modules", "any(modules,id='MOD-9042')", "PUT", "/TKN-0000-0003", { modules = require("moonkey.json").array() },
      11 },
    { "another status", "status='Active'", "POST", "/TKN-0000-0003/disable", nil, 12 },
    { "a deletion", "ne(status,'Deleted')", "DELETE", "/TKN-0000-0003", nil, 12 },
    { "a new token", "status='Active'", "POST", "", { name = "N" }, 14 },
  }
  for _, case in ipairs(changes) do
    it("after " .. case[1] .. " they are others", function()
      read_often(case[2])
      assert.is_true(peer:call(case[3], TOKENS .. case[4], case[5]) < 300)
      assert.equal(case[6], select(2, page(case[2])))
    end)
  end

  it("what was undone never was", function()
    peer.store:begin()
    peer.store:set_status(peer.store:token_at(3), "Disabled", "disabled", "2025-01-01T00:00:00.000Z")
    peer.store:list({ type = "Operations" }, { where = "t.status = ?", args = { "Active" }, order = "t.id", limit = 1, offset = 0 })
    peer.store:rollback()
    assert.equal(13, select(2, page("status='Active'")))
  end)

  describe("lastAccessAt", function()
    local others = { as = SECRET }

    it("of a token that was used for the first time is seen at once", function()
      for _, filter in ipairs{ "lastAccessAt=null()", "lt(lastAccessAt,'2025-01-01T00:00:00Z')", "ge(lastAccessAt,'2025-01-01')" } do
        read_often(filter)
      end
      peer:call("GET", TOKENS, nil, others)
      assert.equal(0, select(2, page("lastAccessAt=null()")))
      assert.equal("01 01", (page("ge(lastAccessAt,'2025-01-01')&order=-id")))
    end)

    it("and so is that of one that was used just before the time that it is compared with", function()
      peer:call("GET", TOKENS, nil, others)
      local now = require("moonkey.emulator.clock").now()
      local filter = ("gt(lastAccessAt,'%s')&id='TKN-9000-0001'"):format(now)
      read_often(filter)
      require("moonkey.task").sleep(0.01)
      peer:call("GET", TOKENS, nil, others)
      assert.equal(1, select(2, page(filter)))
    end)

    it("as an order is looked at each time", function()
      peer:call("GET", TOKENS, nil, others)
      read_often("order=-lastAccessAt,id")
      require("moonkey.task").sleep(0.01)
      peer:call("GET", TOKENS .. "/x", nil, others)
      assert.equal("01", (page("order=-lastAccessAt,id", 1, 1)))
      require("moonkey.task").sleep(0.01) -- or both were used in one millisecond
      peer:call("GET", TOKENS, nil, others)
      assert.equal("TKN-9000-0001", peer:call("GET", TOKENS .. "?order=-lastAccessAt&limit=1", nil, others) == 200
        and select(2, peer:call("GET", TOKENS .. "?order=-lastAccessAt&limit=2", nil, others)).data[1].id)
    end)
  end)

  it("keeps few queries", function()
    for i = 1, 50 do page(("name='T%d'"):format(i)) end
    assert.is_true(peer.store.found.count <= 8)
  end)

  describe("what is kept", function()
    local cases = {
      { "no use of lastAccessAt: whatever is used", "t.name = ?", "t.id", { "2030-01-01T00:00:00.000Z" }, "2024-01-01T00:00:00.000Z", true },
      { "a time before the use before", "t.last_access_at < ?", "t.id", { "2024-01-01T00:00:00.000Z" }, "2024-01-01T00:00:00.001Z", true },
      { "the time of the use before", "t.last_access_at < ?", "t.id", { "2024-01-01T00:00:00.000Z" }, "2024-01-01T00:00:00.000Z", false },
      { "a time after it", "t.last_access_at < ?", "t.id", { "2024-01-01T00:00:00.000Z" }, "2023-01-01T00:00:00.000Z", false },
      { "the latest of several", "t.last_access_at IN (?,?)", "t.id",
        { "2023-01-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z" }, "2024-01-01T00:00:00.000Z", false },
      { "a use before that is not known", "t.last_access_at IS NULL", "t.id", {}, nil, false },
      { "a use before that is known, and null", "t.last_access_at IS NULL", "t.id", {}, "2024-01-01T00:00:00.000Z", true },
      { "an order by it", "t.name = ?", "t.last_access_at, t.id", { "x" }, "2024-01-01T00:00:00.000Z", false },
      { "another column on the right", "t.last_access_at > t.created_at", "t.id", {}, "2024-01-01T00:00:00.000Z", false },
      { "another column on the left", "t.created_at <= t.last_access_at", "t.id", {}, "2024-01-01T00:00:00.000Z", false },
    }
    for _, case in ipairs(cases) do
      it("with " .. case[1], function()
        local kept = found.new()
        local first = kept:entry(case[2], case[3], case[4])
        kept:touched(case[5])
        assert.equal(case[6], kept:entry(case[2], case[3], case[4]) == first)
      end)
    end
  end)
end)
