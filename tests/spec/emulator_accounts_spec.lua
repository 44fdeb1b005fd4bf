-- Accounts of all types in one store: what the credential of each sees, and what it may do.
local fixture = require "emulator_fixture"

local TOKENS, MODULES = fixture.TOKENS, fixture.MODULES

local SEED = [[
{"id":"TKN-1","name":"ops","token":"ops","account":{"id":"ACC-1","type":"Operations","name":"Us","status":"Active"}}
{"id":"TKN-2","name":"vendor","token":"vendor","account":{"id":"ACC-2","type":"Vendor","name":"Seller","icon":"/v1/icon"}}
{"id":"TKN-3","name":"client","token":"client","account":{"id":"ACC-3","type":"Client"}}
{"id":"TKN-4","name":"gone","token":"gone","status":"Deleted","account":{"id":"ACC-2"}}
{"id":"TKN-5","name":"off","token":"off","status":"Disabled","account":{"id":"ACC-2"}}
{"id":"TKN-6","name":"other client","token":"client2","account":{"id":"ACC-6"}}
{"id":"TKN-7","name":"strange","token":"strange","account":{"id":"ACC-7","type":"Development"}}
]]

describe("the emulator's accounts:", function()
  local peer

  before_each(function() peer = fixture.open(SEED) end)
  after_each(function() peer:close() end)

  describe("a request by", function()
    -- who, method, path, status
    local cases = {
      { "ops", "GET", TOKENS .. "/TKN-2", 200 }, { "ops", "GET", TOKENS .. "/TKN-4", 200 }, { "ops", "PUT", TOKENS .. "/TKN-4", 404 },
      { "ops", "PUT", TOKENS .. "/TKN-3", 200 }, { "ops", "DELETE", TOKENS .. "/TKN-3", 204 },
      { "ops", "POST", TOKENS .. "/TKN-5/enable", 200 }, { "vendor", "GET", TOKENS .. "/TKN-2", 200 },
      { "vendor", "GET", TOKENS .. "/TKN-5", 200 }, { "vendor", "GET", TOKENS .. "/TKN-3", 404 },
      { "vendor", "PUT", TOKENS .. "/TKN-1", 404 }, { "vendor", "DELETE", TOKENS .. "/TKN-1", 404 },
      { "vendor", "POST", TOKENS .. "/TKN-3/disable", 404 }, { "vendor", "GET", TOKENS .. "/TKN-4", 404 },
      { "client", "GET", TOKENS .. "/TKN-2", 404 }, { "client", "GET", TOKENS .. "/TKN-6", 404 },
      { "client2", "GET", TOKENS .. "/TKN-6", 200 }, { "strange", "GET", TOKENS .. "/TKN-7", 200 },
      { "strange", "GET", TOKENS .. "/TKN-1", 404 }, { "gone", "GET", TOKENS .. "/TKN-2", 401 }, { "off", "GET", TOKENS .. "/TKN-5", 401 },
      { "ops", "GET", MODULES, 200 }, { "ops", "GET", MODULES .. "/MOD-1756", 200 }, { "ops", "GET", MODULES .. "/MOD-0000", 404 },
      { "vendor", "GET", MODULES, 403 }, { "client", "GET", MODULES, 403 }, { "strange", "GET", MODULES, 403 },
      { "client", "GET", MODULES .. "/MOD-1756", 403 }, { "client", "GET", MODULES .. "/MOD-0000", 403 }, { "off", "GET", MODULES, 401 },
    }
    for _, case in ipairs(cases) do
      it(("%s: %s %s gives %d"):format(table.unpack(case)), function()
        local status, body = peer:call(case[2], case[3], case[2] == "PUT" and '{"icon":"x"}' or nil, { as = case[1] })
        assert.equal(case[4], status)
        assert.equal(({ [401] = "Authentication Failed", [403] = "Forbidden", [404] = "Not Found" })[status], body and body.title)
      end)
    end
  end)

  it("modules tell their accountTypes in a list that asks for them, and alone", function()
    local _, page = peer:call("GET", MODULES .. "?select=accountTypes&in(id,(MOD-0622,MOD-0837))", nil, { as = "ops" })
    assert.same({ { "Client", "Operations" }, { "Operations" } }, { page.data[1].accountTypes, page.data[2].accountTypes })
    _, page = peer:call("GET", MODULES, nil, { as = "ops" })
    assert.is_nil(page.data[1].accountTypes)
    local _, module = peer:call("GET", MODULES .. "/MOD-8743", nil, { as = "ops" })
    assert.same({ { "Operations", "Vendor" }, { "new" } }, { module.accountTypes, module.settings.type })
  end)

  it("a list shows what the account may see", function()
    for who, wanted in pairs({
      ops = "TKN-1 TKN-2 TKN-3 TKN-4 TKN-5 TKN-6 TKN-7", vendor = "TKN-2 TKN-5", client = "TKN-3", client2 = "TKN-6", strange = "TKN-7",
    }) do
      local _, page = peer:call("GET", TOKENS, nil, { as = who })
      local ids = {}
      for i, token in ipairs(page.data) do ids[i] = token.id end
      assert.equal(wanted, table.concat(ids, " "))
      assert.equal(#ids, page["$meta"].pagination.total)
    end
  end)

  it("a token carries its account, of which later lines of a seed leave as it was what they leave out", function()
    local _, token = peer:call("GET", TOKENS .. "/TKN-5", nil, { as = "ops" })
    assert.same({ id = "ACC-2", icon = "/v1/icon", type = "Vendor", status = "Active", name = "Seller" }, token.account)
    _, token = peer:call("GET", TOKENS .. "/TKN-6", nil, { as = "ops" })
    assert.same({ id = "ACC-6", type = "Client", status = "Active" }, token.account)
  end)

  describe("a token is created by", function()
    -- who, for which account, status, whose it is then or where the error is
    local cases = {
      { "ops", nil, 201, "ACC-1" }, { "ops", "ACC-1", 201, "ACC-1" }, { "ops", "ACC-3", 201, "ACC-3" }, { "ops", "ACC-9", 400, "account.id" },
      { "ops", "acc-3", 400, "account.id" }, { "vendor", nil, 201, "ACC-2" }, { "vendor", "ACC-2", 201, "ACC-2" },
      { "vendor", "ACC-3", 403 }, { "vendor", "ACC-9", 403 }, { "client", "ACC-1", 403 }, { "client", "ACC-3", 201, "ACC-3" },
    }
    for _, case in ipairs(cases) do
      it(("%s for %s: %d"):format(case[1], case[2] or "no account", case[3]), function()
        local status, body = peer:call("POST", TOKENS, { name = "x", account = case[2] and { id = case[2] } }, { as = case[1] })
        assert.equal(case[3], status)
        if status == 201 then
          assert.equal(case[4], body.account.id)
          assert.equal(200, (peer:call("GET", TOKENS .. "/" .. body.id, nil, { as = body.token })))
        else
          assert.equal(case[4], next(body.errors or {}))
          assert.equal(7, peer.store:count())
        end
      end)
    end
  end)

  describe("a module is for the types of account that it names:", function()
    -- MOD-2204 and MOD-8743 are for Vendor and Operations, MOD-0622 for Client and Operations, MOD-0837 for Operations alone
    local cases = {
      { "MOD-1756", ops = 200, vendor = 200, client = 200, strange = 400 }, { "MOD-2204", ops = 200, vendor = 200, client = 400 },
      { "MOD-8743", ops = 200, vendor = 200, client = 400 }, { "MOD-0622", ops = 200, vendor = 400, client = 200 },
      { "MOD-0837", ops = 200, vendor = 400, client = 400 },
    }
    local ids = { ops = "TKN-1", vendor = "TKN-2", client = "TKN-3", strange = "TKN-7" }
    for _, case in ipairs(cases) do
      it(case[1], function()
        for who, id in pairs(ids) do
          if case[who] then
            -- whoever asks: it is the token's account that counts
            for _, caller in ipairs({ who, "ops" }) do
              local status, body = peer:call("PUT", TOKENS .. "/" .. id, { modules = { { id = case[1] } } }, { as = caller })
              assert.equal(case[who], status)
              assert.equal(status == 400 and ("Module '%s' is not available to the account."):format(case[1]) or nil,
                body.errors and body.errors["modules[0].id"][1])
            end
            local status = peer:call("POST", TOKENS, { name = "x", modules = { { id = case[1] } } }, { as = who })
            assert.equal(case[who] == 200 and 201 or 400, status)
          end
        end
      end)
    end
  end)
end)
