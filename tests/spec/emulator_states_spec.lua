-- Section 6 of what is known of the API: every action on every status, for everybody who may ask; and what it leaves behind.
local fixture = require "emulator_fixture"

local TOKENS = fixture.TOKENS
local MINE = TOKENS .. "/TKN-2"

local SEED = [[
{"id":"TKN-1","name":"ops","token":"ops","account":{"id":"ACC-1","type":"Operations"}}
{"id":"TKN-2","name":"target","token":"target","status":"%s","revision":5,"account":{"id":"ACC-2","type":"Client"}}
{"id":"TKN-3","name":"owner","token":"owner","account":{"id":"ACC-2"}}
{"id":"TKN-4","name":"stranger","token":"stranger","account":{"id":"ACC-4","type":"Vendor"}}
]]

describe("the emulator: a token that is", function()
  local peer

  after_each(function() peer:close() end)

  local function act(action, who)
    local request = {
      enable = { "POST", MINE .. "/enable" }, disable = { "POST", MINE .. "/disable" }, PUT = { "PUT", MINE, '{"icon":"x"}' },
      DELETE = { "DELETE", MINE }, GET = { "GET", MINE },
    }
    local method, path, body = table.unpack(request[action])
    return peer:call(method, path, body, { as = who })
  end

  -- status before, action, status of the reply to Operations and to the owner, status after, the event that it leaves
  local cases = {
    { "Active", "enable", 400, 400, "Active" }, { "Disabled", "enable", 200, 200, "Active", "enabled" },
    { "Deleted", "enable", 404, 404, "Deleted" }, { "New", "enable", 400, 400, "New" },
    { "Active", "disable", 200, 200, "Disabled", "disabled" }, { "Disabled", "disable", 400, 400, "Disabled" },
    { "Deleted", "disable", 404, 404, "Deleted" }, { "New", "disable", 400, 400, "New" },
    { "Active", "PUT", 200, 200, "Active", "updated" }, { "Disabled", "PUT", 200, 200, "Disabled", "updated" },
    { "Deleted", "PUT", 404, 404, "Deleted" }, { "New", "PUT", 200, 200, "New", "updated" },
    { "Active", "DELETE", 204, 204, "Deleted", "deleted" }, { "Disabled", "DELETE", 204, 204, "Deleted", "deleted" },
    { "Deleted", "DELETE", 404, 404, "Deleted" }, { "New", "DELETE", 204, 204, "Deleted", "deleted" },
    { "Active", "GET", 200, 200, "Active" }, { "Disabled", "GET", 200, 200, "Disabled" }, { "Deleted", "GET", 200, 404, "Deleted" },
  }
  for _, case in ipairs(cases) do
    local before, action, by_operations, by_owner, after, event = table.unpack(case)
    for who, status in pairs({ ops = by_operations, owner = by_owner, stranger = 404 }) do
      it(("%s gives %d to %s by %s"):format(before, status, action, who), function()
        peer = fixture.open(SEED:format(before))
        local got, body, reply = act(action, who)
        assert.equal(status, got)
        if status == 400 then
          assert.matches(("The token is %s; only"):format(before), body.errors.status[1], 1, true)
        elseif status == 404 then
          assert.equal("Not Found", body.title)
        elseif status == 204 then
          assert.is_nil(reply.body)
        else
          assert.equal(after, body.status)
        end
        local _, token = act("GET", "ops")
        local done = event and status < 300
        assert.same({ status == 404 and before or after, done and 6 or 5 }, { token.status, token.revision })
        local _, caller = peer:call("GET", TOKENS .. (who == "ops" and "/TKN-1" or "/TKN-3"), nil, { as = "ops" })
        for _, name in ipairs({ "created", "updated", "enabled", "disabled", "deleted" }) do
          local wanted = done and name == event and { id = caller.id, name = caller.name } or nil
          assert.same(wanted, token.audit[name] and token.audit[name].by)
        end
      end)
    end
  end
end)

describe("the emulator: events", function()
  local peer

  before_each(function() peer = fixture.open(3) end)
  after_each(function() peer:close() end)

  it("are kept side by side, the last of each kind, and every change raises the revision", function()
    local path = TOKENS .. "/TKN-0000-0002"
    local events = { "created", nil, nil, nil, nil }
    for _, action in ipairs({ "disable", "enable", "disable", "enable" }) do peer:call("POST", path .. "/" .. action) end
    peer:call("PUT", path, { name = "x" })
    peer:call("DELETE", path)
    local _, token = peer:call("GET", path)
    for name, event in pairs(token.audit) do
      events[#events + 1] = name
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$", event.at)
    end
    assert.same({ "Deleted", 7, 6 }, { token.status, token.revision, #events })
    assert.is_true(token.audit.enabled.at <= token.audit.updated.at and token.audit.updated.at <= token.audit.deleted.at)
  end)

  it("name the calling token by its present name", function()
    peer:call("PUT", TOKENS .. "/TKN-0000-0001", { name = "Renamed" })
    local _, token = peer:call("PUT", TOKENS .. "/TKN-0000-0002", { icon = "x" })
    assert.same({ id = "TKN-0000-0001", name = "Renamed" }, token.audit.updated.by)
  end)
end)

describe("the emulator: the credential of a token", function()
  local peer

  before_each(function() peer = fixture.open(3) end)
  after_each(function() peer:close() end)

  -- what is done to the token, by itself or by another, and what its credential is worth then
  local cases = {
    { "that is disabled", { "POST", "/disable" }, 401 }, { "that is deleted", { "DELETE", "" }, 401 },
    { "that is changed", { "PUT", "", '{"name":"x","modules":[]}' }, 200 },
  }
  for _, case in ipairs(cases) do
    for _, itself in ipairs({ true, false }) do
      it(case[1] .. (itself and " by itself" or ""), function()
        local _, token = peer:call("GET", TOKENS .. "/TKN-0000-0002")
        local method, action, body = table.unpack(case[2])
        assert.equal(200, (peer:call("GET", TOKENS, nil, { as = token.token })))
        local status = peer:call(method, TOKENS .. "/TKN-0000-0002" .. action, body, { as = itself and token.token or nil })
        assert.equal(method == "DELETE" and 204 or 200, status)
        assert.equal(case[3], (peer:call("GET", TOKENS, nil, { as = token.token })))
      end)
    end
  end

  it("that is enabled again holds again, and it is the same one", function()
    local path = TOKENS .. "/TKN-0000-0002"
    local _, before = peer:call("GET", path)
    peer:call("POST", path .. "/disable")
    local _, after = peer:call("POST", path .. "/enable")
    assert.equal(before.token, after.token)
    assert.equal(200, (peer:call("GET", path, nil, { as = before.token })))
  end)
end)
