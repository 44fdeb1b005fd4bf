-- The calls of `token` against the emulator: a token's whole life, and every kind of misuse.
local api = require "moonkey.api"
local errors = require "moonkey.errors"
local json = require "moonkey.json"
local modules = require "moonkey.modules"
local rql = require "moonkey.rql"
local secret = require "moonkey.secret"

local ID = "TKN-0000-0006"

local function find(name)
  local found = {}
  for tok in token.list{ where = rql.eq("name", name), select = "modules" } do found[#found + 1] = tok end
  return found
end

describe("a token", function()
  it("is made, found, changed, switched off and on, and deleted for good", function()
    local own = assert(token.get("TKN-0000-0001"))
    local made = assert(token.create{ name = "Life of a robot", description = "d", modules = { "MOD-1756" }, account = own.account })
    assert.matches("^TKN%-%d%d%d%d%-%d%d%d%d$", made.id)
    assert.same({ "Active", "d", "MOD-1756", own.account.id }, { made.status, made.description, made.modules[1].id, made.account.id })
    assert.matches("^idt:" .. made.id:gsub("%-", "%%-") .. ":", secret.reveal(made.token))
    assert.equal("[redacted]", tostring(made.token))

    local found = find("Life of a robot")
    assert.same({ 1, made.id, "MOD-1756" }, { #found, found[1].id, found[1].modules[1].id })

    local edited, changed = token.edit(made.id, function(tok)
      tok.description = nil
      tok.modules[#tok.modules + 1] = { id = "MOD-9042" }
    end)
    assert.is_true(changed)
    assert.same({ "Life of a robot", nil, 2 }, { edited.name, edited.description, #edited.modules })
    edited, changed = token.edit(made.id, function(tok) tok.modules[1], tok.modules[2] = tok.modules[2], tok.modules[1] end)
    assert.same({ made.id, false }, { edited.id, changed })

    assert.equal("Disabled", token.disable(made.id).status)
    local tok, err = token.disable(made.id)
    assert.same({ nil, "api", 400, nil, true }, { tok, err.kind, err.status, err.unknown, errors.is(err) })
    assert.equal("Active", token.enable(made.id).status)
    err = select(2, token.enable(made.id))
    assert.same({ "api", 400 }, { err.kind, err.status })

    assert.is_true(token.delete(made.id))
    err = select(2, token.delete(made.id))
    assert.same({ "api", 404 }, { err.kind, err.status })
    err = select(2, token.enable(made.id))
    assert.same({ "api", 404 }, { err.kind, err.status })
    for _, left in ipairs(find("Life of a robot")) do assert.equal("Deleted", left.status) end -- as Operations accounts see it
  end)

  it("is not made where the platform refuses", function()
    for _, fields in ipairs{ { name = "a<b" }, { name = "" }, { name = "n", modules = { "MOD-0000" } }, { name = "n", account = "ACC-9" } } do
      local tok, err = token.create(fields)
      assert.is_nil(tok)
      assert.same({ "api", 400, nil }, { err.kind, err.status, err.unknown }, fields.name)
    end
  end)
end)

describe("token.edit", function()
  it("gives fn a copy down to its last table, in which arrays are arrays", function()
    local given
    local tok = assert(token.edit(ID, function(copy) given = copy end))
    assert.are_not.equal(tok, given)
    assert.is_true(json.is_array(given.modules))
    assert.equal(json.encode(tok), json.encode(given))
    given.modules[1].id = "MOD-0000"
    given.account.id = "ACC-0"
    assert.are_not.equal("MOD-0000", tok.modules[1].id)
    assert.are_not.equal("ACC-0", tok.account.id)
  end)

  it("does not hand out what fn has changed afterwards", function()
    local kept
    local tok = assert(token.edit(ID, function(copy) kept, copy.name = copy, "Edited" end))
    kept.name = "later"
    assert.equal("Edited", tok.name)
    assert.equal("Edited", token.get(ID).name)
  end)

  it("lets fn call and wait", function()
    local tok, changed = token.edit(ID, function(copy) copy.description = "like " .. token.get("TKN-0000-0007").id end)
    assert.same({ "like TKN-0000-0007", true }, { tok.description, changed })
  end)

  it("notices what fn itself has written meanwhile", function()
    local tok, err = token.edit(ID, function(copy)
      copy.name = "mine"
      assert(token.update(ID, { description = "other" }))
    end)
    assert.is_nil(tok)
    assert.same({ "drift", true, 0 }, { err.kind, errors.is(err), err.attempts })
    assert.matches('description: .* → "other"', err.detail)
    assert.are_not.equal("mine", token.get(ID).name)
  end)
end)

local function edit(fn) return function() token.edit(ID, fn) end end

local MISUSE = {
  { "a new token needs a name", function() token.create{} end },
  { "a new token needs a name", function() token.create{ description = "d" } end },
  { "table expected, got nil", function() token.create() end },
  { "the field 'id' cannot be given: the platform makes the id", function() token.create{ name = "n", id = ID } end },
  { "the field 'status' cannot be given: a new token is Active; token.disable", function() token.create{ name = "n", status = "Active" } end },
  { "the field 'token' cannot be given", function() token.create{ name = "n", token = "x" } end },
  { "unknown field 'acount'; did you mean 'account'?", function() token.create{ name = "n", acount = "x" } end },
  { "unknown field 'colour'; a new token takes account, name", function() token.create{ name = "n", colour = "x" } end },
  { 'account: expected an id such as "ACC-1234-5678"', function() token.create{ name = "n", account = 7 } end },
  { "account: expected an id such as", function() token.create{ name = "n", account = { name = "x" } } end },
  { "account: expected an id such as", function() token.create{ name = "n", account = "" } end },
  { "name: expected a string, got number", function() token.create{ name = 7 } end },
  { "name: expected a string, got json.null", function() token.create{ name = json.null } end },
  { "description: not valid UTF-8 at byte 1", function() token.create{ name = "n", description = "\xff" } end },
  { "unknown option 'reply'", function() token.create({ name = "n" }, { reply = false }) end },
  { "the field 'account' cannot be updated", function() token.update(ID, { account = "ACC-0001-0001" }) end },
  { "the id is empty", function() token.enable("") end },
  { "string expected, got nil", function() token.enable() end },
  { "string expected, got table", function() token.disable{ id = ID } end },
  { "unknown option 'reason'", function() token.disable(ID, { reason = "x" }) end },
  { "max_time: expected seconds", function() token.delete(ID, { max_time = 0 }) end },
  { "the id is too long", function() token.delete(("x"):rep(257)) end },
  { "not an id; expected something like TKN-1234-5678", function() token.delete("..") end },
  { "function expected, got nil", function() token.edit(ID) end },
  { "function expected, got table", function() token.edit(ID, { name = "x" }) end },
  { "the id is empty", function() token.edit("", print) end },
  { "unknown option 'nme'", function() token.edit(ID, print, { nme = 1 }) end },
  { "token.edit: the field 'status' cannot be updated: the status is changed by token.enable", edit(function(t) t.status = "Disabled" end) },
  { "token.edit: the field 'id' cannot be updated", edit(function(t) t.id = "TKN-0000-0007" end) },
  { "token.edit: the field 'account' cannot be updated", edit(function(t) t.account.id = "ACC-0" end) },
  { "token.edit: the field 'token' cannot be updated", edit(function(t) t.token = "x" end) },
  { "token.edit: the field 'audit' cannot be updated", edit(function(t) t.audit = nil end) },
  { "token.edit: unknown field 'descripton'; did you mean 'description'?", edit(function(t) t.descripton = "x" end) },
  { "token.edit: name: expected a string, got json.null (it cannot be cleared)", edit(function(t) t.name = nil end) },
  { "token.edit: modules: expected a list of module ids ({} for none), got json.null", edit(function(t) t.modules = nil end) },
  { "token.edit: modules[1]: expected an id such as", edit(function(t) t.modules = { 7 } end) },
  { "token.edit: modules: expected a list of module ids, got a table with gaps", edit(function(t) t.modules.x = "MOD-1756" end) },
  { "token.edit: description: expected a string or json.null, got table", edit(function(t) t.description = {} end) },
  { "token.edit: fn may return the token that is wanted, or nothing; it returned a boolean", edit(function() return true end) },
  { "token.edit: fn returned a table that is no whole token", edit(function() return { name = "x" } end) },
  { "the id is empty; expected something like MOD-1756", function() modules.get("") end },
  { "unknown option 'select'", function() modules.get("MOD-1756", { select = "x" }) end },
}

describe("misuse", function()
  for _, case in ipairs(MISUSE) do
    it("is told: " .. case[1], function()
      local ok, message = pcall(case[2])
      assert.is_false(ok)
      assert.is_truthy(message:find(case[1], 1, true), message)
      assert.matches("^[^:]*token_calls_spec%.lua:%d+: ", message) -- the caller's line
    end)
  end

  it("changes nothing", function()
    assert.same({ "Edited", "Active" }, { token.get(ID).name, token.get(ID).status })
  end)
end)

describe("modules", function()
  it("are for Operations accounts only", function()
    local page, err = api.request("GET", "/accounts/modules", { query = { limit = 1 } })
    local module, why = modules.get("MOD-1756")
    if page then -- the emulator's first account is one
      assert.equal("MOD-1756", module.id)
      local ids = {}
      for m in modules.list{ page_size = 2 } do ids[#ids + 1] = m.id end
      assert.equal(page["$meta"].pagination.total, #ids)
    else
      assert.same({ "auth", 403, "auth", 403 }, { err.kind, err.status, why.kind, why.status })
    end
  end)
end)
