-- The emulator's lists, called directly: pages, and what is in them.
local fixture = require "emulator_fixture"
local json = require "moonkey.json"

local TOKENS, MODULES = fixture.TOKENS, fixture.MODULES
local T2 = TOKENS .. "/TKN-0000-0002"

describe("the emulator:", function()
  local peer

  before_each(function() peer = fixture.open(25) end)
  after_each(function() peer:close() end)

  describe("a list", function()
    local cases = {
      { "", 0, 10, 10, "TKN-0000-0001" },
      { "?limit=3", 0, 3, 3, "TKN-0000-0001" },
      { "?offset=20&limit=10", 20, 10, 5, "TKN-0000-0021" },
      { "?Offset=2&LIMIT=1", 2, 1, 1, "TKN-0000-0003" },
      { "?limit=0", 0, 0, 0 },
      { "?limit=500", 0, 100, 25, "TKN-0000-0001" },
      { "?offset=25", 25, 10, 0 },
      { "?select=audit&limit=1", 0, 1, 1, "TKN-0000-0001" },
    }
    for _, case in ipairs(cases) do
      it("of " .. (case[1] == "" and "the default page" or case[1]), function()
        local status, page = peer:call("GET", TOKENS .. case[1])
        assert.equal(200, status)
        assert.same({ offset = case[2], limit = case[3], total = 25 }, page["$meta"].pagination)
        assert.equal(case[4], #page.data)
        assert.is_true(json.is_array(page.data))
        assert.equal(case[5], page.data[1] and page.data[1].id)
      end)
    end

    it("leaves out modules and audit, and says so", function()
      local _, page = peer:call("GET", TOKENS .. "?limit=1")
      assert.same({ "audit", "modules" }, page["$meta"].omitted)
      assert.same({ "audit", "modules" }, page.data[1]["$meta"].omitted)
      assert.is_nil(page.data[1].modules)
      assert.is_nil(page.data[1].audit)
    end)

    it("adds and leaves out what select says", function()
      local _, page = peer:call("GET", TOKENS .. "?limit=2&select=modules,-token")
      local _, token = peer:call("GET", T2)
      assert.same({ "audit", "token" }, page["$meta"].omitted)
      assert.same({ "audit", "token" }, page.data[2]["$meta"].omitted)
      assert.same(token.modules, page.data[2].modules)
      assert.is_true(#token.modules > 0)
      assert.is_nil(page.data[2].token)
      _, page = peer:call("GET", TOKENS .. "?limit=2&select=%2Baudit")
      assert.same(token.audit, page.data[2].audit)
      assert.is_nil(page.data[2].modules)
      assert.equal(token.token, page.data[2].token)
    end)

    it("of modules", function()
      local _, page = peer:call("GET", MODULES .. "?limit=2&offset=1")
      assert.same({ offset = 1, limit = 2, total = 20 }, page["$meta"].pagination)
      assert.same({ "MOD-0622", "MOD-0837" }, { page.data[1].id, page.data[2].id })
    end)
  end)
end)
