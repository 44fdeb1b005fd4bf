-- Section 1 of what is known of the API: the fields of a token, what PUT and POST make of them, and what they refuse.
local fixture = require "emulator_fixture"
local json = require "moonkey.json"

local TOKENS = fixture.TOKENS
local T2 = TOKENS .. "/TKN-0000-0002"
local NULL = json.null

describe("the emulator: fields", function()
  local peer

  before_each(function() peer = fixture.open(3) end)
  after_each(function() peer:close() end)

  local function put(body) return peer:call("PUT", T2, body) end

  -- Which of the fields that can be written a body holds.
  local function given(body)
    local fields = {}
    for name in pairs(type(body) == "table" and body or json.decode((body:gsub("^\xEF\xBB\xBF", "")))) do
      fields[name:lower()] = true
    end
    fields.status, fields.token, fields.account, fields.id = nil, nil, nil, nil
    return fields
  end

  it("of a token are those of the API", function()
    local status, token = peer:call("GET", T2)
    local function module(id, name, description, paid)
      return {
        id = id, name = name, description = description, filters = { ["group.buyers"] = json.array({}) },
        settings = {
          sharedAccount = false, configurable = true, default = true, paid = paid, type = { "new" },
        },
      }
    end
    assert.equal(200, status)
    assert.same({
      ["$meta"] = { omitted = json.array({}) },
      id = "TKN-0000-0002", revision = 1, status = "Active", name = "Catalog import 0002",
      description = "Made by the emulator: Catalog import 0002", token = token.token,
      account = { id = "ACC-0000-0001", type = "Operations", status = "Active", name = "Operations" },
      modules = {
        module("MOD-1756", "Access Management", "Users and API tokens of an account", false),
        module("MOD-9042", "Billing", "Statements, invoices and journals", true),
      },
      audit = { created = { at = "2024-01-01T00:02:00.000Z", by = { id = "USR-0000-0001", name = "Emulator" } } },
    }, token)
    assert.matches("^idt:TKN%-0000%-0002:" .. ("%w"):rep(64) .. "$", token.token)
  end)

  it("that are null are in no reply", function()
    for _, path in ipairs({ TOKENS .. "/TKN-0000-0003", TOKENS .. "?select=modules,audit", TOKENS .. "/TKN-0000-0003?select=icon" }) do
      local status, _, reply = peer:call("GET", path)
      assert.equal(200, status)
      assert.is_nil(reply.body:find("null", 1, true))
    end
    local _, _, reply = put({ description = NULL })
    assert.is_nil(reply.body:find("null", 1, true))
    _, _, reply = peer:call("GET", TOKENS .. "/TKN-0000-0003?select=-*,icon")
    assert.matches('^{"$meta":{"omitted":%[.*%]}}$', reply.body)
  end)

  describe("of a PUT:", function()
    -- what the body is, the body, the field, what it is then, whether that is a change
    local cases = {
      { "a name", { name = "New name" }, "name", "New name", true },
      { "a name with every sign that is allowed", { name = [[Aa0 -.'"]] }, "name", [[Aa0 -.'"]], true },
      { "a name of other alphabets", { name = "Zażółć Ωλ 東京 ٣" }, "name", "Zażółć Ωλ 東京 ٣", true },
      { "a name of the greatest length", { name = ("ż"):rep(200) }, "name", ("ż"):rep(200), true },
      { "a name that another token has", { name = "Billing export 0001" }, "name", "Billing export 0001", true },
      { "the name that it has", { name = "Catalog import 0002" }, "name", "Catalog import 0002", false },
      { "a description", { description = "&=\n\t<>\u{1F412}" }, "description", "&=\n\t<>\u{1F412}", true },
      { "no description", { description = NULL }, "description", nil, true },
      { "an empty description", { description = "" }, "description", "", true },
      { "a description of the greatest length", { description = ("ż"):rep(2000) }, "description", ("ż"):rep(2000), true },
      { "a description with NUL", '{"description":"a\\u0000b"}', "description", "a\0b", true },
      { "an icon", { icon = "data:image/png;base64,AAAA" }, "icon", "data:image/png;base64,AAAA", true },
      { "an empty icon", { icon = "" }, "icon", "", true },
      { "no icon, as before", { icon = NULL }, "icon", nil, false },
      { "account, of another", { account = { id = "ACC-9999-9999" } }, "status", "Active", false },
      { "account, of no account", { account = 7, icon = "x" }, "icon", "x", true },
      { "id", { id = "TKN-9999-9999" }, "id", "TKN-0000-0002", false },
      { "status", { status = "Deleted" }, "status", "Active", false },
      { "revision", { revision = 77, icon = "x" }, "revision", 2, true },
      { "token", { token = "idt:x:y" }, "name", "Catalog import 0002", false },
      { "audit", { audit = { created = { at = "x" } } }, "name", "Catalog import 0002", false },
      { "lastAccessAt", { lastAccessAt = "2020-01-01T00:00:00.000Z" }, "lastAccessAt", nil, false },
      { "extensions", { extensions = NULL }, "status", "Active", false },
      { "what no token has", { colour = "blue", nested = { { 1 } } }, "status", "Active", false },
      { "nothing at all", "{}", "status", "Active", false },
      { "names in another case", '{"NAME":"A","Icon":"B"}', "name", "A", true },
      { "a name twice: the last one counts", '{"name":"A","name":"B"}', "name", "B", true },
      { "a name in many cases: the exact one counts", '{"Name":"A","NAME":"C","nAme":"D","naMe":"E","namE":"F","name":"B","nAMe":"G"}',
        "name", "B", true },
      { "a byte order mark before it", '\xEF\xBB\xBF{"name":"A"}', "name", "A", true },
      { "space around it", ' \r\n\t{ "name" : "A" }\n', "name", "A", true },
      { "escapes", [[{"n\u0061me":"\u00e9\u0301 \u6771"}]], "name", "é\u{301} 東", true },
      { "what is nested deep", '{"name":"A","x":' .. ("["):rep(100) .. ("]"):rep(100) .. "}", "name", "A", true },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local _, before = peer:call("GET", T2)
        local status, token = put(case[2])
        assert.equal(200, status)
        assert.same(case[4], token[case[3]])
        assert.equal(case[5] and 2 or 1, token.revision)
        assert.same(case[5] and { id = "TKN-0000-0001", name = "Billing export 0001" } or nil,
          token.audit.updated and token.audit.updated.by)
        local _, stored = peer:call("GET", T2)
        assert.same(token, stored)
        for _, field in ipairs({ "name", "description", "icon", "modules", "status", "token", "account", "id" }) do
          assert.is_true(given(case[2])[field] or pcall(assert.same, before[field], stored[field]), field)
        end
      end)
    end

    it("changes follow one another", function()
      for revision, body in ipairs({ { name = "One" }, { description = NULL }, { modules = json.array({}) }, { icon = "i" } }) do
        local _, token = put(body)
        assert.equal(revision + 1, token.revision)
      end
      local _, token = peer:call("GET", T2)
      assert.same({ "One", nil, "", "i", 5 },
        { token.name, token.description, fixture.modules_of(token), token.icon, token.revision })
    end)
  end)

  describe("of a PUT, modules:", function()
    local cases = {
      { "become the whole set", '[{"id":"MOD-3381"}]', "MOD-3381", true },
      { "are in the order given", '[{"id":"MOD-9042"},{"id":"MOD-1756"}]', "MOD-9042 MOD-1756", true },
      { "are each there once", '[{"id":"MOD-9042"},{"id":"MOD-0478"},{"id":"MOD-9042"}]', "MOD-9042 MOD-0478", true },
      { "may carry more than an id", '[{"id":"MOD-9042","name":"ignored","settings":null}]', "MOD-9042", true },
      { "may be none", "[]", "", true },
      { "are no change when they are the same", '[{"id":"MOD-1756"},{"id":"MOD-9042"}]', "MOD-1756 MOD-9042", false },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local status, token = put('{"modules":' .. case[2] .. "}")
        assert.equal(200, status)
        assert.equal(case[3], fixture.modules_of(token))
        assert.is_true(json.is_array(token.modules))
        assert.equal(case[4] and 2 or 1, token.revision)
        _, token = put({ icon = "x" })
        assert.equal(case[3], fixture.modules_of(token))
      end)
    end
  end)

  describe("of a PUT, extensions:", function()
    -- what is sent, what is then there, whether that is a change to a token that has one, and may act through all
    local cases = {
      { "null", nil, true, false }, { "[]", {}, true, true }, { '[{"id":"EXT-1"}]', { { id = "EXT-1" } }, false, true },
      { '[{"id":"EXT-2","name":"ignored"},{"id":"EXT-1"}]', { { id = "EXT-2" }, { id = "EXT-1" } }, true, true },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        for i, before in ipairs({ '[{"id":"EXT-1"}]', "null" }) do
          local _, token = peer:call("POST", TOKENS, '{"name":"x","extensions":' .. before .. "}")
          assert.same(i == 1 and { { id = "EXT-1" } } or nil, token.extensions)
          local status
          status, token = peer:call("PUT", TOKENS .. "/" .. token.id, '{"extensions":' .. case[1] .. "}")
          assert.same({ 200, case[2], case[2 + i] and 2 or 1 }, { status, token.extensions, token.revision })
          local _, page = peer:call("GET", TOKENS .. "?id=" .. token.id)
          assert.same(case[2], page.data[1].extensions)
        end
      end)
    end
  end)

  -- Of any body that is sent: the field, what is wrong, where that is told, and how.
  local REFUSED = {
    { "a null name", { name = NULL }, "name", "cannot be null" },
    { "an empty name", { name = "" }, "name", "cannot be empty" },
    { "a name of spaces", { name = "  " }, "name", "cannot be empty" },
    { "a name that is too long", { name = ("a"):rep(201) }, "name", "at most 200" },
    { "a name with &", { name = "a&b" }, "name", "may contain only" },
    { "a name with *", { name = "*a*" }, "name", "may contain only" },
    { "a name with _", { name = "a_b" }, "name", "may contain only" },
    { "a name with a slash", { name = "a/b" }, "name", "may contain only" },
    { "a name with a line break", { name = "a\nb" }, "name", "may contain only" },
    { "a name with a tab", { name = "a\tb" }, "name", "may contain only" },
    { "a name with NUL", '{"name":"a\\u0000"}', "name", "may contain only" },
    { "a name with a picture", { name = "a 🐒" }, "name", "may contain only" },
    { "a name with a curly quote", { name = "O’Neil" }, "name", "may contain only" },
    { "a name that is a number", { name = 5 }, "name", "must be a string" },
    { "a name that is a list", { name = json.array({ "a" }) }, "name", "must be a string" },
    { "a name that is true", { name = true }, "name", "must be a string" },
    { "a description that is too long", { name = "x", description = ("a"):rep(2001) }, "description", "at most 2000" },
    { "a description that is a list", { name = "x", description = json.array({}) }, "description", "must be a string or null" },
    { "a description that is a number", { name = "x", description = 1 }, "description", "must be a string or null" },
    { "an icon that is a boolean", { name = "x", icon = true }, "icon", "must be a string or null" },
    { "an icon that is an object", '{"name":"x","icon":{}}', "icon", "must be a string or null" },
    { "modules that are null", { name = "x", modules = NULL }, "modules", "must be a list" },
    { "modules that are an object", '{"name":"x","modules":{"id":"MOD-1756"}}', "modules", "must be a list" },
    { "modules that are a string", { name = "x", modules = "MOD-1756" }, "modules", "must be a list" },
    { "modules that are strings", { name = "x", modules = { "MOD-1756" } }, "modules[0].id", "must be an object with an id" },
    { "a module without an id", { name = "x", modules = { { name = "Billing" } } }, "modules[0].id", "must be an object with an id" },
    { "a module whose id is a number", { name = "x", modules = { { id = 1756 } } }, "modules[0].id", "must be an object with an id" },
    { "a module that is null", '{"name":"x","modules":[{"id":"MOD-1756"},null]}', "modules[1].id", "must be an object with an id" },
    { "a module that does not exist", { name = "x", modules = { { id = "MOD-0000" } } }, "modules[0].id", "'MOD-0000' does not exist" },
    { "a module in another case", { name = "x", modules = { { id = "mod-1756" } } }, "modules[0].id", "does not exist" },
    { "extensions that are a text", { name = "x", extensions = "EXT-1" }, "extensions", "must be null, or a list" },
    { "an extension without an id", '{"name":"x","extensions":[{"id":"EXT-1"},{}]}', "extensions[1].id", "an object with an id" },
    { "no body", nil, "$", "request body is required" },
    { "an empty text", "", "$", "not valid JSON" },
    { "what is not JSON", "{", "$", "not valid JSON" },
    { "more than one object", '{"name":"x"}{}', "$", "not valid JSON" },
    { "a comma too many", '{"name":"x",}', "$", "not valid JSON" },
    { "a number that is none", '{"name":"x","x":NaN}', "$", "not valid JSON" },
    { "what is no UTF-8", '{"name":"\xE9"}', "$", "not valid JSON" },
    { "half a surrogate pair", [[{"name":"\ud83d"}]], "$", "not valid JSON" },
    { "what is nested too deep", ('{"name":'):rep(200) .. "1" .. ("}"):rep(200), "$", "not valid JSON" },
    { "a list", "[]", "$", "must be a JSON object" },
    { "a string", '"name"', "$", "must be a JSON object" },
    { "null", "null", "$", "must be a JSON object" },
  }
  for method, path in pairs({ PUT = T2, POST = TOKENS }) do
    describe("of a " .. method .. " that are refused:", function()
      for _, case in ipairs(REFUSED) do
        it(case[1], function()
          local status, problem = peer:call(method, path, case[2])
          assert.equal(400, status)
          assert.equal("One or more validation errors occurred.", problem.detail)
          local fields = {}
          for name in pairs(problem.errors) do fields[#fields + 1] = name end
          assert.same({ case[3] }, fields)
          assert.is_true(json.is_array(problem.errors[case[3]]))
          assert.matches(case[4], problem.errors[case[3]][1], 1, true)
          local _, token = peer:call("GET", T2)
          assert.same({ 1, 3 }, { token.revision, peer.store:count() })
        end)
      end

      it("all that is wrong at once", function()
        local _, problem = peer:call(method, path,
          '{"name":"","description":1,"icon":1,"modules":[{"id":"MOD-1756"},{"id":"x"},{"id":"MOD-9042"},{"id":"y"}]}')
        local fields = {}
        for name in pairs(problem.errors) do fields[#fields + 1] = name end
        table.sort(fields)
        assert.same({ "description", "icon", "modules[1].id", "modules[3].id", "name" }, fields)
      end)
    end)
  end

  it("the secret is in replies to everything; with secrets hidden, in the reply to POST alone", function()
    local _, made = peer:call("POST", TOKENS, { name = "x" })
    local path = TOKENS .. "/" .. made.id
    local calls = {
      { "GET", path }, { "GET", path .. "?select=token" }, { "PUT", path, '{"icon":"x"}' }, { "PUT", path, "{}" },
      { "POST", path .. "/disable" }, { "POST", path .. "/enable" }, { "GET", TOKENS .. "?select=+token&id=" .. made.id },
    }
    for _, hidden in ipairs({ false, true }) do
      peer.store.options = { hide_token = hidden }
      for _, call in ipairs(calls) do
        local status, body, reply = peer:call(table.unpack(call))
        assert.equal(200, status)
        local token = body.data and body.data[1] or body
        assert.same({ made.id, not hidden and made.token or nil }, { token.id, token.token })
        assert.equal(not hidden, reply.body:find(made.token, 1, true) ~= nil)
      end
    end
    _, made = peer:call("POST", TOKENS, { name = "x" })
    assert.equal(64, #made.token:match("%w+$"))
  end)

  describe("of a POST:", function()
    local cases = {
      { "a name alone", { name = "Made" }, {} },
      { "all of them", {
        name = "Made", description = "d", icon = "i", account = { id = "ACC-0000-0001" }, modules = { { id = "MOD-9042" } },
      }, { description = "d", icon = "i", modules = "MOD-9042" } },
      { "nulls", { name = "Made", description = NULL, icon = NULL, account = NULL, extensions = NULL }, {} },
      { "empty ones", { name = "Made", description = "", icon = "", modules = json.array({}) }, { description = "", icon = "" } },
      { "what is not to be given", {
        name = "Made", id = "TKN-7777-7777", status = "Disabled", token = "mine", revision = 9, audit = { created = { at = "x" } },
      }, {} },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local status, token, reply = peer:call("POST", TOKENS, case[2])
        assert.equal(201, status)
        local wanted = case[3]
        assert.same({ "Made", wanted.description, wanted.icon, wanted.modules or "" },
          { token.name, token.description, token.icon, fixture.modules_of(token) })
        assert.same({ "TKN-0000-0004", "Active", 1, "ACC-0000-0001", nil },
          { token.id, token.status, token.revision, token.account.id, token.lastAccessAt })
        assert.same({ created = { at = token.audit.created.at, by = { id = "TKN-0000-0001", name = "Billing export 0001" } } },
          token.audit)
        assert.equal(TOKENS .. "/TKN-0000-0004", reply.headers.Location)
        local _, stored = peer:call("GET", TOKENS .. "/TKN-0000-0004")
        assert.same(token, stored)
        assert.equal(200, (peer:call("GET", TOKENS, nil, { as = token.token })))
      end)
    end

    it("no name", function()
      local status, problem = peer:call("POST", TOKENS, { description = "x" })
      assert.same({ 400, { name = { "The name is required." } } }, { status, problem.errors })
    end)

    for what, account in pairs({ ["a string"] = "ACC-0000-0001", ["an object without an id"] = { name = "x" }, ["a number"] = 1,
      ["an object whose id is a number"] = { id = 1 }, ["a list"] = json.array({}) }) do
      it("an account that is " .. what, function()
        local status, problem = peer:call("POST", TOKENS, { name = "x", account = account })
        assert.same({ 400, { account = { "The account must be an object with an id." } } }, { status, problem.errors })
      end)
    end

    it("an account that does not exist", function()
      local status, problem = peer:call("POST", TOKENS, { name = "x", account = { id = "ACC-1" } })
      assert.same({ 400, { ["account.id"] = { "Account 'ACC-1' does not exist." } } }, { status, problem.errors })
    end)

    it("make tokens whose ids and secrets nobody else has", function()
      local ids, secrets = {}, {}
      for _ = 1, 50 do
        local _, token = peer:call("POST", TOKENS, { name = "Same" })
        local secret = token.token:match("^idt:" .. token.id:gsub("%-", "%%-") .. ":(%w+)$")
        assert.equal(64, #secret)
        assert.matches("^TKN%-%d%d%d%d%-%d%d%d%d$", token.id)
        assert.is_nil(ids[token.id] or secrets[secret])
        ids[token.id], secrets[secret] = true, true
      end
      assert.equal(53, peer.store:count())
    end)
  end)
end)
