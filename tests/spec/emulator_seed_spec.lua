-- What a store starts with: made-up tokens, or the token objects of a file.
local emulator = require "moonkey.emulator"
local fixture = require "emulator_fixture"
local seed = require "moonkey.emulator.seed"
local temporary = require "temporary"

local TOKENS, MODULES = fixture.TOKENS, fixture.MODULES

describe("a number of tokens:", function()
  it("the same ones always", function()
    local one, two = fixture.open(12), fixture.open(12)
    assert.equal(12, one.store:count())
    assert.equal("idt:TKN-0000-0001:5xn7xeHHtI3JJCecWqnyJX313UzWCPdeXKuMSu8TBSZdaeW3gTOD055TNUIe8cNx", one.credential)
    local _, token = one:call("GET", TOKENS .. "/TKN-0000-0012")
    local _, again = two:call("GET", TOKENS .. "/TKN-0000-0012")
    assert.same(token, again)
    assert.same({ "Helpdesk sync 0004", nil }, (function()
      local _, fourth = one:call("GET", TOKENS .. "/TKN-0000-0004")
      return { fourth.name, fourth.description }
    end)())
  end)

  it("ten when nothing is said", function()
    assert.equal(10, assert(emulator.open({})):count())
  end)

  it("beyond 9999", function()
    local peer = fixture.open(10001)
    assert.equal(10001, peer.store:count())
    assert.equal(200, (peer:call("GET", TOKENS .. "/TKN-0001-0001")))
    local _, made = peer:call("POST", TOKENS, { name = "x" })
    assert.equal("TKN-0001-0002", made.id)
  end)

  it("of an account of another type", function()
    for _, kind in ipairs({ "Client", "Vendor", "Operations" }) do
      local store = assert(require("moonkey.emulator.store").open())
      store:begin()
      seed.tokens(store, 3, kind)
      store:commit()
      assert.equal(kind, store:account("ACC-0000-0001").type)
      assert.equal(store:credential(), store:credential(kind))
      assert.is_nil(store:credential("Partner"))
      store:close()
    end
  end)

  it("beside them, the modules that the API's documentation and its clients name", function()
    local peer = fixture.open(1)
    local names = {}
    local _, page = peer:call("GET", MODULES .. "?limit=100")
    for _, module in ipairs(page.data) do
      assert.matches("^MOD%-%d%d%d%d$", module.id)
      assert.same({ "new" }, module.settings.type)
      names[module.id] = module.name .. (module.settings.paid and ", paid" or "")
    end
    assert.is_true(#page.data >= 15)
    assert.same({ "Access Management", "Billing, paid", "Marketplace" }, { names["MOD-1756"], names["MOD-9042"], names["MOD-0478"] })
  end)
end)

describe("a file of tokens:", function()
  local path

  before_each(function() path = temporary.name() end)
  after_each(function() os.remove(path) end)

  local OPS = '{"id":"ops","name":"ops","token":"ops","account":{"id":"ACC-OPS","type":"Operations"}}\n'

  -- The tokens by id, as an Operations account sees them.
  local function load(text)
    local peer = fixture.open(OPS .. text)
    local tokens = {}
    for line in text:gmatch('"id": ?"([^"]+)"') do
      local status, token = peer:call("GET", TOKENS .. "/" .. line, nil, { as = "ops" })
      tokens[line] = status == 200 and token or nil
    end
    return tokens, peer
  end

  it("is taken as the API would show it", function()
    local tokens = load('{"id":"T","$meta":{"omitted":[]},"name":"a & b","description":null,"icon":"i","status":"Disabled","token":"s",'
      .. '"revision":7,"lastAccessAt":"2024-03-15T10:00:00.000Z","account":{"id":"ACC-1","type":"Vendor","name":"V","status":"Active"},'
      .. '"modules":[{"id":"MOD-77","name":"Seven","description":"7","accountTypes":["Vendor"],"settings":{"paid":true,"type":["old"]}},{"id":"MOD-1756"}],'
      .. '"audit":{"created":{"at":"2020-01-01T00:00:00.000Z","by":{"id":"USR-1"}},"disabled":{"at":"2021-01-01T00:00:00.000Z"}}}')
    local token = tokens.T
    assert.same({ "a & b", nil, "i", "Disabled", "s", 7, "2024-03-15T10:00:00.000Z", "Vendor", "MOD-77 MOD-1756" },
      { token.name, token.description, token.icon, token.status, token.token, token.revision, token.lastAccessAt,
        token.account.type, fixture.modules_of(token) })
    assert.same({ "Seven", true, { "old" }, "Access Management" },
      { token.modules[1].name, token.modules[1].settings.paid, token.modules[1].settings.type, token.modules[2].name })
    assert.same({ created = { at = "2020-01-01T00:00:00.000Z", by = { id = "USR-1" } }, disabled = { at = "2021-01-01T00:00:00.000Z" } },
      token.audit)
  end)

  -- what is unusual, the line for a token T, a field, what it is
  local cases = {
    { "an id alone", '{"id":"T"}', "name", nil }, { "no status", '{"id":"T"}', "status", "Active" },
    { "no account", '{"id":"T"}', "account", "ACC-0000-0001" }, { "no modules", '{"id":"T"}', "modules", "" },
    { "no audit", '{"id":"T"}', "audit", {} }, { "no revision", '{"id":"T"}', "revision", 1 },
    { "null everywhere", '{"id":"T","name":null,"description":null,"icon":null,"status":null,"token":null,"account":null,"modules":null,'
      .. '"audit":null,"revision":null,"lastAccessAt":null,"extensions":null}', "status", "Active" },
    { "an empty name", '{"id":"T","name":""}', "name", "" }, { "a name that the API refuses", '{"id":"T","name":"*<&_\\n"}', "name", "*<&_\n" },
    { "a name of NUL", '{"id":"T","name":"a\\u0000b"}', "name", "a\0b" },
    { "a long name", '{"id":"T","name":"' .. ("x"):rep(5000) .. '"}', "name", ("x"):rep(5000) },
    { "a name that is a number", '{"id":"T","name":5}', "name", "5" },
    { "an empty description", '{"id":"T","description":""}', "description", "" },
    { "an empty icon", '{"id":"T","icon":""}', "icon", "" }, { "a strange status", '{"id":"T","status":"Frozen"}', "status", "Frozen" },
    { "a deleted token", '{"id":"T","status":"Deleted"}', "status", "Deleted" },
    { "a strange date", '{"id":"T","lastAccessAt":"yesterday"}', "lastAccessAt", "yesterday" },
    { "a revision that is none", '{"id":"T","revision":"x"}', "revision", 1 }, { "a revision of nought", '{"id":"T","revision":0}', "revision", 0 },
    { "an account that is an id", '{"id":"T","account":"ACC-5"}', "account", "ACC-5" },
    { "an account without an id", '{"id":"T","account":{"name":"x"}}', "account", "ACC-0000-0001" },
    { "modules that are ids", '{"id":"T","modules":["MOD-1","MOD-2"]}', "modules", "MOD-1 MOD-2" },
    { "a module twice", '{"id":"T","modules":["MOD-1","MOD-1"]}', "modules", "MOD-1 MOD-1" },
    { "a module of settings null", '{"id":"T","modules":[{"id":"MOD-1","name":null,"settings":null}]}', "modules", "MOD-1" },
    { "events that are null", '{"id":"T","audit":{"created":null,"updated":{"at":null,"by":null}}}', "audit", {} },
    { "an event by nobody", '{"id":"T","audit":{"updated":{"at":"x","by":null}}}', "audit", { updated = { at = "x" } } },
    { "fields of no token", '{"id":"T","href":"/x","colour":"blue","filters":[]}', "colour", nil },
    { "extensions", '{"id":"T","extensions":[{"id":"EXT-1"}]}', "extensions", { { id = "EXT-1" } } },
    { "CR LF", '{"id":"T","name":"x"}\r\n\r\n', "name", "x" }, { "empty lines", '\n \t\n{"id":"T","name":"x"}\n\n', "name", "x" },
    { "spaces", '  { "id": "T", "name" : "x" }  ', "name", "x" }, { "a page of a list", '{"$meta":{},"data":[{"id":"T","name":"x"}]}', "name", "x" },
  }
  for _, case in ipairs(cases) do
    it("may have " .. case[1], function()
      local token = assert(load(case[2]).T)
      local value = token[case[3]]
      if case[3] == "modules" then
        value = fixture.modules_of(token)
      elseif case[3] == "account" then
        value = value.id
      end
      assert.same(case[4], value)
      assert.equal("string", type(token.token))
    end)
  end

  it("may be one JSON array, with a byte order mark, over many lines", function()
    local peer = fixture.open('\xEF\xBB\xBF[\r\n  {"id": "a", "token": "ops"},\r\n\r\n  {"id": "b",\n   "name": "x"}\n]\n')
    assert.same({ 2, "ops" }, { peer.store:count(), peer.credential })
    local _, token = peer:call("GET", TOKENS .. "/b")
    assert.equal("x", token.name)
  end)

  it("may be what moonkey shows of the platform: over many lines, and without its secrets", function()
    local one, two = fixture.open(2), {}
    local _, page = one:call("GET", TOKENS .. "?select=modules,audit")
    for i, tok in ipairs(page.data) do tok.token, two[i] = "[redacted]", tok.id end
    local shown = require("moonkey.cli.output.json").indented(page)
    assert.truthy(shown:find("^{\n"))
    local peer = fixture.open(shown)
    assert.equal(2, peer.store:count())
    local _, tok = peer:call("GET", TOKENS .. "/" .. two[2])
    assert.truthy(tok.token:find("^idt:TKN%-0000%-0002:%w+$"))
    assert.equal(page.data[2].name, tok.name)
    assert.truthy(peer.credential:find("^idt:TKN%-0000%-0001:%w+$"))
  end)

  it("may begin with a byte order mark", function()
    assert.equal("ops", fixture.open("\xEF\xBB\xBF" .. OPS).credential)
  end)

  it("says for which types of account its modules are", function()
    local _, peer = load('{"id":"v","token":"v","account":{"id":"V","type":"Vendor"},"modules":[{"id":"MOD-1","accountTypes":["Client"]},'
      .. '{"id":"MOD-2","accountTypes":["Vendor"]},{"id":"MOD-3","accountTypes":[]},{"id":"MOD-4"},{"id":"MOD-5","accountTypes":null},{"id":"MOD-0622"}]}')
    for id, status in pairs({ ["MOD-1"] = 400, ["MOD-2"] = 200, ["MOD-3"] = 200, ["MOD-4"] = 200, ["MOD-5"] = 200, ["MOD-0622"] = 400 }) do
      assert.equal(status, (peer:call("PUT", TOKENS .. "/v", { modules = { { id = id } } }, { as = "v" })))
    end
  end)

  it("gives a secret to a token without one, the same one always", function()
    local first, second = load('{"id":"T"}').T.token, load('{"id":"T"}').T.token
    assert.equal(first, second)
    assert.matches("^idt:T:" .. ("%w"):rep(64) .. "$", first)
  end)

  it("may be whatever: lists, changes and new tokens work on it", function()
    local tokens, peer = load('{"id":"T","name":"*","modules":["MOD-odd"]}\n{"id":"U","account":{"id":"ACC-X","type":"Partner"}}')
    assert.equal("*", tokens.T.name)
    for _, request in ipairs({ { "GET", TOKENS }, { "GET", TOKENS .. "?select=modules,audit" }, { "GET", MODULES .. "/MOD-odd" },
      { "PUT", TOKENS .. "/T", '{"description":"kept"}' }, { "POST", TOKENS .. "/U/disable" } }) do
      assert.equal(200, (peer:call(request[1], request[2], request[3], { as = "ops" })))
    end
    local _, token = peer:call("GET", TOKENS .. "/T", nil, { as = "ops" })
    assert.same({ "*", "kept", "MOD-odd" }, { token.name, token.description, fixture.modules_of(token) })
  end)

  it("prints a credential of an Operations account before others, and never an empty one", function()
    local VENDOR = '{"id":"v","token":"vendor","account":{"id":"A","type":"Vendor"}}\n'
    for wanted, text in pairs({
      ops = VENDOR .. OPS, vendor = '{"id":"e","token":"","account":{"id":"B","type":"Operations"}}\n' .. VENDOR,
    }) do
      local peer = fixture.open(text)
      assert.same({ wanted, "vendor" }, { peer.credential, peer.store:credential("Vendor") })
      assert.is_nil(peer.store:credential("Client"))
    end
  end)

  describe("is refused, with its line, for", function()
    local refused = {
      { "what is not JSON", '{"id":"a"}\n{"id"', ":2: Expected .* %(a seed is one JSON object a line, or one JSON array%)" },
      { "an object that begins within a line, and goes on", '{"id":\n"a"}\n', ":1: Expected .*one JSON object a line" },
      { "a number", "7", ":1: a token must be an object" }, { "no id", '{"name":"x"}', ":1: the token has no id" },
      { "an empty id", '{"id":""}', ":1: the token has no id" }, { "an id of null", '{"id":null}', ":1: the token has no id" },
      { "an id that is there", '{"id":"a"}\r\n\r\n{"id":"a"}', ":3: token a is there already" },
      { "a name that is an object", '{"id":"a","name":{}}', ":1: name must be a string or null" },
      { "an account that is a number", '{"id":"a","account":5}', ":1: account must be an object" },
      { "an audit that is a list", '{"id":"a","audit":[]}', ":1: audit must be an object" },
      { "an event that is a date", '{"id":"a","audit":{"created":"x"}}', ":1: audit.created must be an object" },
      { "modules that are a string", '{"id":"a","modules":"x"}', ":1: modules must be a list" },
      { "modules that are an object", '{"id":"a","modules":{"id":"x"}}', ":1: modules must be a list" },
      { "a module without an id", '{"id":"a","modules":[{"id":"m"},{}]}', ":1: modules%[1%] must have an id" },
      { "a module with a semicolon", '{"id":"a","modules":["x;y"]}', ":1: modules%[0%] must have an id, without a semicolon" },
      { "account types that are a text", '{"id":"a","modules":[{"id":"m","accountTypes":"Vendor"}]}', ":1: modules%[0%].accountTypes must be a list" },
      { "settings that are a list", '{"id":"a","modules":[{"id":"m","settings":[]}]}', ":1: modules%[0%].settings must be an object" },
      { "what is no UTF-8", '{"id":"a","name":"\xE9"}', ":1: invalid UTF%-8" },
      { "the second of a list", '[{"id":"a"},{"id":"b","name":[]}]', ":1: item 2 of the list: name must be a string or null" },
      { "nothing", "", " is empty: a seed is one JSON object a line" },
      { "nothing but lines", "\n\n", " holds no token with status Active, so no credential would be accepted" },
      { "no Active token", '{"id":"a","status":"Disabled"}\n', " holds no token with status Active" },
    }
    for _, case in ipairs(refused) do
      it(case[1], function()
        local file = assert(io.open(path, "w"))
        file:write(case[2])
        file:close()
        local data = temporary.name()
        os.remove(data)
        local store, message = emulator.open({ seed = path, data = data })
        assert.is_nil(store)
        assert.equal(path, message:sub(1, #path))
        assert.matches("^" .. case[3], message:sub(#path + 1))
        store = assert(emulator.open({ data = data }))
        assert.equal(10, store:count()) -- nothing was left behind
        store:close()
        for _, name in ipairs({ data, data .. "-wal", data .. "-shm" }) do os.remove(name) end
      end)
    end

    it("a directory, and what is not there", function()
      for name, reason in pairs({ ["/tmp"] = "Is a directory", ["/nonexistent/seed"] = "No such file or directory" }) do
        local store, message = emulator.open({ seed = name })
        assert.is_nil(store)
        assert.equal(("cannot read the seed: %s: %s"):format(name, reason), message)
      end
    end)
  end)
end)
