-- token.update and token.get: arguments, and results of the emulator. What goes over the wire is tested in tests/wire.
local errors = require "moonkey.errors"
local json = require "moonkey.json"
local task = require "moonkey.task"

local ID = "TKN-0000-0004"

describe("token.update", function()
  it("is the same function in the global and in the module", function()
    assert.equal(token, require "moonkey.token")
  end)

  it("returns the updated token, which reads back", function()
    local tok = assert(token.update(ID, { name = "Zoë's bot", description = "first", icon = "i", modules = { "MOD-9042" } }))
    assert.same({ ID, "Zoë's bot", "first", "i", 1, "MOD-9042" }, { tok.id, tok.name, tok.description, tok.icon, #tok.modules, tok.modules[1].id })
    assert.same(json.encode(tok.audit), json.encode(token.get(ID).audit))
  end)

  it("changes only what is given; json.null clears, and is absent in the result", function()
    assert(token.update(ID, { name = "Kept", description = "to be cleared", icon = "kept" }))
    local tok = assert(token.update(ID, { description = json.null }))
    assert.same({ "Kept", nil, "kept" }, { tok.name, tok.description, tok.icon })
    for _, value in pairs(tok) do assert.not_equal(json.null, value) end
  end)

  it("says only whether it worked when nobody wants the token", function()
    assert.equal(true, token.update(ID, { name = "Unread" }, { reply = false }))
    assert.equal("Unread", token.get(ID).name)
    assert.equal("Read", token.update(ID, { name = "Read" }, { reply = true }).name)
    local none, err = token.update("TKN-0000-9999", { name = "x" }, { reply = false })
    assert.same({ nil, 404 }, { none, err.status })
  end)

  it("empties the modules", function()
    assert.equal(0, #assert(token.update(ID, { modules = {} })).modules)
    assert(token.update(ID, { modules = { { id = "MOD-1756" } } }))
  end)

  local misuse = {
    { "unknown field 'nmae'; did you mean 'name'", ID, { nmae = "x" } },
    { "did you mean 'description'", ID, { desciption = "x" } },
    { "did you mean 'modules'", ID, { module = {} } },
    { "unknown field 'zzz'; an update takes name, description, icon and modules", ID, { zzz = 1 } },
    { "'status' cannot be updated: .*token%.enable and token%.disable", ID, { status = "Active" } },
    { "'account' cannot be updated", ID, { account = {} } },
    { "'id' cannot be updated", ID, { id = ID } },
    { "the id is empty", "", { name = "x" } },
    { "string expected, got nil", nil, { name = "x" } },
    { "string expected, got table", {}, { name = "x" } },
    { "the id is too long", ("x"):rep(1000), { name = "x" } },
    { "not an id", "..", { name = "x" } },
    { "table of fields is empty", ID, {} },
    { "table expected", ID, "name" },
    { "table expected", ID, nil },
    { "name: expected a string, got number", ID, { name = 7 } },
    { "name: .*cannot be cleared", ID, { name = json.null } },
    { "description: expected a string or json.null, got boolean", ID, { description = true } },
    { "icon: expected a string or json.null", ID, { icon = {} } },
    { "name: not valid UTF%-8 at byte 2", ID, { name = "a\xff" } },
    { "modules: expected a list", ID, { modules = "MOD-1756" } },
    { "modules: expected a list", ID, { modules = json.null } },
    { "modules: expected a list", ID, { modules = { id = "MOD-1756" } } },
    { "modules%[2%]", ID, { modules = { "MOD-1756", 7 } } },
    { "modules%[1%]", ID, { modules = { { name = "x" } } } },
    { "modules%[1%]", ID, { modules = { "" } } },
    { "number key", ID, { "name" } },
    { "unknown option 'timeout'", ID, { name = "x" }, { timeout = 3 } },
    { "max_time", ID, { name = "x" }, { max_time = -1 } },
    { "reply: expected true or false", ID, { name = "x" }, { reply = 0 } },
    { "retry", ID, { name = "x" }, { retry = 1.5 } },
  }
  for _, case in ipairs(misuse) do
    it("refuses: " .. case[1], function()
      local ok, message = pcall(function() token.update(case[2], case[3], case[4]) end)
      assert.is_false(ok)
      assert.matches(case[1], message)
      assert.matches("token_spec%.lua:%d+:", message) -- the caller's line
    end)
  end

  it("returns nil, err for what the platform refuses", function()
    local tok, err = token.update(ID, { modules = { "MOD-0000" } })
    assert.is_nil(tok)
    assert.same({ "api", 400, "PUT", "/public/v1/accounts/api-tokens/" .. ID, false, 1 },
      { err.kind, err.status, err.method, err.path, err.retryable, err.attempts })
    assert.is_true(errors.is(err))
    assert.is_true(#err.errors >= 1)
    assert.matches("^PUT /public/v1/accounts/api%-tokens/TKN%-0000%-0004: 400 ", tostring(err))
  end)

  it("runs many at once", function()
    local ids = {}
    for n = 1, 200 do ids[n] = ("TKN-0000-%04d"):format(n + 10) end
    local results = task.map(ids, function(id) return assert(token.update(id, { name = "Many " .. id })).name end, { jobs = 50 })
    for n = 1, 200 do assert.equal("Many " .. ids[n], results[n]) end
  end)
end)

describe("token.get", function()
  it("returns nil, err for a token that is not there", function()
    local tok, err = token.get("TKN-9999-9999")
    assert.is_nil(tok)
    assert.same({ "api", 404, "Not Found" }, { err.kind, err.status, err.title })
    assert.matches("404 Not Found.*check the id", tostring(err))
  end)

  it("takes options", function()
    assert.equal(ID, token.get(ID, { max_time = 10, retry = 0 }).id)
    assert.has_error(function() token.get(ID, { retries = 0 }) end)
  end)
end)
