-- The emulator's routes, called directly: each case is a request and what the platform would answer.
local emulator = require "moonkey.emulator"
local json = require "moonkey.json"
local routes = require "moonkey.emulator.routes"

local TOKENS = "/public/v1/accounts/api-tokens"
local MODULES = "/public/v1/accounts/modules"
local T2 = TOKENS .. "/TKN-0000-0002"

describe("the emulator's routes:", function()
  local store, credential

  before_each(function()
    store, credential = emulator.open({ seed = 25 })
    assert(store, credential)
  end)

  after_each(function()
    store:close()
  end)

  -- One request in a transaction of its own; the status, the decoded body (or nil), the whole reply.
  local function call(method, path, body, headers)
    local request = {
      method = method, path = path:match("^[^?]*"), query = path:match("%?(.*)$"),
      headers = { authorization = "Bearer " .. credential, ["content-type"] = body and "application/json" or nil },
      body = type(body) == "table" and json.encode(body) or body,
    }
    for name, value in pairs(headers or {}) do
      request.headers[name] = value or nil
    end
    store:begin()
    local reply = routes.handle(store, request)
    store:commit()
    local decoded = reply.body and assert(json.decode(reply.body))
    return reply.status, decoded, reply
  end

  local function put(body, path)
    return call("PUT", path or T2, body)
  end

  it("GET gives the token in the API's shape", function()
    local status, token = call("GET", T2)
    assert.equal(200, status)
    assert.same({
      ["$meta"] = { omitted = json.array({}) },
      id = "TKN-0000-0002", revision = 1, status = "Active", name = "Catalog import 0002",
      description = "Made by the emulator: Catalog import 0002", icon = json.null, lastAccessAt = json.null,
      token = token.token,
      account = { id = "ACC-0000-0001", icon = json.null, type = "Operations", status = "Active", name = "Operations" },
      modules = {
        {
          id = "MOD-1756", name = "Access Management", description = "Users and API tokens of an account",
          filters = { ["group.buyers"] = json.array({}) },
          settings = {
            sharedAccount = false, configurable = true, default = false, paid = false,
            type = { "Client", "Operations", "Vendor" },
          },
        },
        {
          id = "MOD-9042", name = "Billing", description = "Statements, invoices and journals",
          filters = { ["group.buyers"] = json.array({}) },
          settings = {
            sharedAccount = false, configurable = true, default = false, paid = true,
            type = { "Client", "Operations", "Vendor" },
          },
        },
      },
      audit = { created = { at = "2024-01-01T00:02:00.000Z", by = { id = "USR-0000-0001", name = "Emulator" } } },
    }, token)
    assert.matches("^idt:TKN%-0000%-0002:" .. ("%w"):rep(64) .. "$", token.token)
  end)

  it("PUT changes what is given, and leaves the rest", function()
    local _, before = call("GET", T2)
    local status, after = put({ name = "New name" })
    assert.equal(200, status)
    assert.equal("New name", after.name)
    assert.equal(2, after.revision)
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$", after.audit.updated.at)
    assert.same({ id = "TKN-0000-0001", name = "Billing export 0001" }, after.audit.updated.by)
    after.audit.updated, after.name, after.revision = nil, before.name, 1
    assert.same(before, after)
    local _, again = call("GET", T2)
    assert.equal("New name", again.name)
  end)

  describe("a field of a PUT", function()
    local cases = {
      { "description to null", { description = json.null }, "description", json.null },
      { "description to an empty string", { description = "" }, "description", "" },
      { "description of the greatest length", { description = ("ż"):rep(2000) }, "description", ("ż"):rep(2000) },
      { "icon to a string", { icon = "data:," }, "icon", "data:," },
      { "icon to an empty string", { icon = "" }, "icon", "" },
      { "icon to null", { icon = json.null }, "icon", json.null },
      { "name with every sign that is allowed", { name = [[Aa0 -.'"]] }, "name", [[Aa0 -.'"]] },
      { "name with letters of other alphabets", { name = "Zażółć Ωλ 東京" }, "name", "Zażółć Ωλ 東京" },
      { "name of the greatest length", { name = ("ż"):rep(200) }, "name", ("ż"):rep(200) },
      { "account is ignored", { account = { id = "ACC-9999-9999" }, icon = "x" }, "icon", "x" },
      { "id is ignored", { id = "TKN-9999-9999" }, "id", "TKN-0000-0002" },
      { "status is ignored", { status = "Deleted" }, "status", "Active" },
      { "revision is ignored", { revision = 77, icon = "x" }, "revision", 2 },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local status, token = put(case[2])
        assert.equal(200, status)
        assert.same(case[4], token[case[3]])
        local _, stored = call("GET", T2)
        assert.same(case[4], stored[case[3]])
      end)
    end

    it("modules become the whole set, in order, each once", function()
      local function ids(token)
        local list = {}
        for i, module in ipairs(token.modules) do
          list[i] = module.id
        end
        return table.concat(list, " ")
      end
      local _, token = put({ modules = { { id = "MOD-9042" }, { id = "MOD-3381", name = "ignored" }, { id = "MOD-9042" } } })
      assert.equal("MOD-9042 MOD-3381", ids(token))
      _, token = put({ name = "Other" })
      assert.equal("MOD-9042 MOD-3381", ids(token))
      _, token = put({ modules = json.array({}) })
      assert.equal("", ids(token))
      assert.is_true(json.is_array(token.modules))
      _, token = call("GET", T2)
      assert.equal("", ids(token))
    end)
  end)

  it("PUT of nothing changes nothing", function()
    for _, body in ipairs({ "{}", '{"account":{"id":"x"},"audit":{},"unknown":1}' }) do
      local status, token = put(body)
      assert.equal(200, status)
      assert.equal(1, token.revision)
      assert.is_nil(token.audit.updated)
    end
  end)

  describe("PUT refuses with 400", function()
    local cases = {
      { "a null name", { name = json.null }, "name", "cannot be null" },
      { "an empty name", { name = "" }, "name", "cannot be empty" },
      { "a name of spaces", { name = "  " }, "name", "cannot be empty" },
      { "a long name", { name = ("a"):rep(201) }, "name", "at most 200" },
      { "a name with a sign", { name = "a&b" }, "name", "may contain only" },
      { "a name with a line break", { name = "a\nb" }, "name", "may contain only" },
      { "a name with a picture", { name = "a 🐒" }, "name", "may contain only" },
      { "a name that is a number", { name = 5 }, "name", "must be a string" },
      { "a long description", { description = ("a"):rep(2001) }, "description", "at most 2000" },
      { "a description that is a list", { description = json.array({}) }, "description", "must be a string or null" },
      { "an icon that is a boolean", { icon = true }, "icon", "must be a string or null" },
      { "modules that are null", { modules = json.null }, "modules", "must be a list" },
      { "modules that are an object", '{"modules":{"id":"MOD-1756"}}', "modules", "must be a list" },
      { "modules that are strings", { modules = { "MOD-1756" } }, "modules[0].id", "must be an object with an id" },
      { "a module without an id", { modules = { { name = "Billing" } } }, "modules[0].id", "must be an object with an id" },
      { "a module that does not exist", { modules = { { id = "MOD-9042" }, { id = "MOD-0000" } } }, "modules[1].id", "'MOD-0000' does not exist" },
      { "no body", nil, "$", "request body is required" },
      { "what is not JSON", "{", "$", "not valid JSON" },
      { "what is not an object", "[]", "$", "must be a JSON object" },
      { "null", "null", "$", "must be a JSON object" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local status, problem, reply = put(case[2])
        assert.equal(400, status)
        assert.equal("application/problem+json", reply.headers["Content-Type"])
        assert.equal("Bad Request", problem.title)
        assert.equal(400, problem.status)
        assert.equal("https://tools.ietf.org/html/rfc9110#section-15.5.1", problem.type)
        assert.equal("One or more validation errors occurred.", problem.detail)
        assert.matches("^00%-" .. ("%x"):rep(32) .. "%-" .. ("%x"):rep(16) .. "%-00$", problem.traceId)
        assert.matches(case[4], problem.errors[case[3]][1], 1, true)
        local _, token = call("GET", T2)
        assert.equal(1, token.revision)
      end)
    end

    it("all that is wrong at once", function()
      local _, problem = put({ name = "", description = 1, icon = 1, modules = 1 })
      local fields = {}
      for name in pairs(problem.errors) do
        fields[#fields + 1] = name
      end
      table.sort(fields)
      assert.same({ "description", "icon", "modules", "name" }, fields)
    end)
  end)

  describe("the media type of a body:", function()
    local cases = {
      { "application/json", 200 }, { "application/json; charset=utf-8", 200 }, { "Application/JSON", 200 },
      { "text/json", 200 }, { "application/merge-patch+json", 200 }, { "text/plain", 415 },
      { "application/x-www-form-urlencoded", 415 }, { false, 415 },
    }
    for _, case in ipairs(cases) do
      it(tostring(case[1]), function()
        local status, body = call("PUT", T2, { icon = "x" }, { ["content-type"] = case[1] })
        assert.equal(case[2], status)
        if status == 415 then
          assert.equal("Unsupported Media Type", body.title)
        end
      end)
    end
  end)

  describe("paths and methods:", function()
    local cases = {
      { "GET", TOKENS .. "/TKN-9999-9999", 404, "title", "Not Found" },
      { "PUT", TOKENS .. "/TKN-9999-9999", 404, "title", "Not Found" },
      { "GET", TOKENS .. "/TKN%2D0000-0002", 200, "id", "TKN-0000-0002" },
      { "GET", TOKENS .. "/TKN-0000-0002/", 200, "id", "TKN-0000-0002" },
      { "HEAD", T2, 200, "id", "TKN-0000-0002" },
      { "GET", "/", 404, "message", "Resource not found" },
      { "GET", "/public/v1/accounts", 404, "message", "Resource not found" },
      { "GET", "/public/v1/accounts/api-token", 404, "message", "Resource not found" },
      { "GET", "/api-tokens/TKN-0000-0002", 404, "message", "Resource not found" },
      { "POST", T2 .. "/item", 404, "message", "Resource not found" },
      { "POST", T2 .. "/enable/more", 404, "message", "Resource not found" },
      { "POST", MODULES .. "/MOD-1756/enable", 404, "message", "Resource not found" },
      { "PATCH", T2, 405, "message", "Method not allowed" },
      { "GET", T2 .. "/enable", 405, "message", "Method not allowed" },
      { "DELETE", MODULES .. "/MOD-1756", 405, "message", "Method not allowed" },
      { "GET", MODULES .. "/MOD-9042", 200, "name", "Billing" },
      { "GET", MODULES .. "/MOD-0000", 404, "title", "Not Found" },
    }
    for _, case in ipairs(cases) do
      it(case[1] .. " " .. case[2], function()
        local status, body, reply = call(case[1], case[2], case[1] == "PUT" and "{}" or nil)
        assert.equal(case[3], status)
        assert.equal(case[5], body[case[4]])
        if status == 404 or status == 405 then
          assert.equal(404, body.statusCode and 404 or body.status)
        end
        if status == 405 then
          assert.truthy(reply.headers.Allow)
        end
      end)
    end

    it("405 names the methods that there are", function()
      local _, _, reply = call("PATCH", T2)
      assert.equal("DELETE, GET, HEAD, OPTIONS, PUT", reply.headers.Allow)
    end)
  end)

  describe("the credential:", function()
    local cases = {
      { "none", false }, { "an unknown one", "Bearer idt:TKN-0000-0001:" .. ("x"):rep(64) }, { "an empty one", "Bearer " },
      { "another scheme", "Basic YTpi" }, { "no scheme", "idt:TKN-0000-0001:x" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local status, problem, reply = call("GET", T2, nil, { authorization = case[2] })
        assert.equal(401, status)
        assert.equal("Authentication Failed", problem.title)
        assert.equal("Bearer", reply.headers["WWW-Authenticate"])
      end)
    end

    it("is taken with the scheme in any case", function()
      assert.equal(200, (call("GET", T2, nil, { authorization = "bearer " .. credential })))
    end)

    it("of a disabled token no longer holds, and of an enabled one holds again", function()
      local _, token = call("GET", T2)
      local other = { authorization = "Bearer " .. token.token }
      assert.equal(200, (call("GET", T2, nil, other)))
      call("POST", T2 .. "/disable")
      assert.equal(401, (call("GET", T2, nil, other)))
      call("POST", T2 .. "/enable")
      assert.equal(200, (call("GET", T2, nil, other)))
    end)

    it("leaves the time of the last call at its token", function()
      local _, token = call("GET", TOKENS .. "/TKN-0000-0001")
      assert.matches("Z$", token.lastAccessAt)
      local _, page = call("GET", TOKENS .. "?limit=2")
      assert.matches("Z$", page.data[1].lastAccessAt)
      assert.equal(json.null, page.data[2].lastAccessAt)
    end)

    it("names its token, by its present name, as who did it", function()
      put({ name = "Renamed" }, TOKENS .. "/TKN-0000-0001")
      local _, token = put({ icon = "x" })
      assert.equal("Renamed", token.audit.updated.by.name)
    end)
  end)

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
        local status, page = call("GET", TOKENS .. case[1])
        assert.equal(200, status)
        assert.same({ offset = case[2], limit = case[3], total = 25 }, page["$meta"].pagination)
        assert.equal(case[4], #page.data)
        assert.is_true(json.is_array(page.data))
        assert.equal(case[5], page.data[1] and page.data[1].id)
      end)
    end

    it("leaves out modules and audit, and says so", function()
      local _, page = call("GET", TOKENS .. "?limit=1")
      assert.same({ "audit", "modules" }, page["$meta"].omitted)
      assert.same({ "audit", "modules" }, page.data[1]["$meta"].omitted)
      assert.is_nil(page.data[1].modules)
      assert.is_nil(page.data[1].audit)
    end)

    it("adds and leaves out what select says", function()
      local _, page = call("GET", TOKENS .. "?limit=2&select=modules,-token")
      local _, token = call("GET", T2)
      assert.same({ "audit", "token" }, page["$meta"].omitted)
      assert.same({ "audit", "token" }, page.data[2]["$meta"].omitted)
      assert.same(token.modules, page.data[2].modules)
      assert.is_true(#token.modules > 0)
      assert.is_nil(page.data[2].token)
      _, page = call("GET", TOKENS .. "?limit=2&select=%2Baudit")
      assert.same(token.audit, page.data[2].audit)
      assert.is_nil(page.data[2].modules)
      assert.equal(token.token, page.data[2].token)
    end)

    it("refuses what it does not understand", function()
      for query, field in pairs({ ["limit=x"] = "limit", ["limit=-1"] = "limit", ["offset=1.5"] = "offset",
        ["status=Active"] = "rql_validation", ["eq(id,1)"] = "rql_validation", ["order=id"] = "rql_validation" }) do
        local status, problem = call("GET", TOKENS .. "?" .. query)
        assert.equal(400, status)
        assert.truthy(problem.errors[field])
      end
    end)

    it("of modules", function()
      local _, page = call("GET", MODULES .. "?limit=2&offset=1")
      assert.same({ offset = 1, limit = 2, total = 6 }, page["$meta"].pagination)
      assert.same({ "MOD-2204", "MOD-3381" }, { page.data[1].id, page.data[2].id })
    end)
  end)

  describe("POST", function()
    it("creates a token that can be used at once", function()
      local status, token = call("POST", TOKENS,
        { name = "Made", account = { id = "ACC-0000-0001" }, modules = { { id = "MOD-9042" } } })
      assert.equal(201, status)
      assert.equal("TKN-0000-0026", token.id)
      assert.equal("Active", token.status)
      assert.equal(1, token.revision)
      assert.equal("TKN-0000-0001", token.audit.created.by.id)
      assert.is_nil(token.audit.updated)
      assert.equal("MOD-9042", token.modules[1].id)
      assert.equal(200, (call("GET", TOKENS, nil, { authorization = "Bearer " .. token.token })))
      local _, other = call("POST", TOKENS, { name = "Made" })
      assert.equal("TKN-0000-0027", other.id)
      assert.not_equal(token.token:match("[^:]*$"), other.token:match("[^:]*$"))
    end)

    local cases = {
      { "without a name", { description = "x" }, "name" },
      { "for an account that does not exist", { name = "x", account = { id = "ACC-1" } }, "account.id" },
      { "for an account that is no object", { name = "x", account = "ACC-0000-0001" }, "account" },
      { "with a module that does not exist", { name = "x", modules = { { id = "MOD-1" } } }, "modules[0].id" },
    }
    for _, case in ipairs(cases) do
      it(case[1] .. " is refused", function()
        local status, problem = call("POST", TOKENS, case[2])
        assert.equal(400, status)
        assert.truthy(problem.errors[case[3]])
        assert.equal(25, store:count())
      end)
    end
  end)

  -- The table of section 6 of the contract: rows are actions, columns the status of the token before.
  describe("in status", function()
    local bring = { Active = {}, Disabled = { "disable" }, Deleted = { "delete" } }
    local cases = {
      { "Active", "enable", 400 }, { "Disabled", "enable", 200, "Active" }, { "Deleted", "enable", 404 },
      { "Active", "disable", 200, "Disabled" }, { "Disabled", "disable", 400 }, { "Deleted", "disable", 404 },
      { "Active", "PUT", 200, "Active" }, { "Disabled", "PUT", 200, "Disabled" }, { "Deleted", "PUT", 404 },
      { "Active", "delete", 204 }, { "Disabled", "delete", 204 }, { "Deleted", "delete", 404 },
    }
    local function act(action)
      if action == "PUT" then
        return put({ icon = "x" })
      elseif action == "delete" then
        return call("DELETE", T2)
      end
      return call("POST", T2 .. "/" .. action)
    end
    for _, case in ipairs(cases) do
      it(case[1] .. ", " .. case[2] .. " gives " .. case[3], function()
        for _, action in ipairs(bring[case[1]]) do
          act(action)
        end
        local status, token, reply = act(case[2])
        assert.equal(case[3], status)
        if status == 200 then
          assert.equal(case[4], token.status)
        elseif status == 204 then
          assert.is_nil(reply.body)
        end
      end)
    end

    it("every change leaves its event and raises the revision", function()
      call("POST", T2 .. "/disable")
      call("POST", T2 .. "/enable")
      call("DELETE", T2)
      local _, token = call("GET", T2)
      assert.equal("Deleted", token.status)
      assert.equal(4, token.revision)
      for _, event in ipairs({ "created", "disabled", "enabled", "deleted" }) do
        assert.truthy(token.audit[event].at)
      end
    end)
  end)
end)

describe("the emulator's accounts:", function()
  local store

  before_each(function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    for _, line in ipairs({
      '{"id":"TKN-1","name":"ops","token":"idt:ops","account":{"id":"ACC-1","type":"Operations"}}',
      '{"id":"TKN-2","name":"vendor","token":"idt:vendor","account":{"id":"ACC-2","type":"Vendor"}}',
      '{"id":"TKN-3","name":"client","token":"idt:client","account":{"id":"ACC-3","type":"Client"}}',
      '{"id":"TKN-4","name":"gone","token":"idt:gone","status":"Deleted","account":{"id":"ACC-2","type":"Vendor"}}',
    }) do
      file:write(line, "\n")
    end
    file:close()
    store = assert(emulator.open({ seed = path }))
    os.remove(path)
  end)

  after_each(function()
    store:close()
  end)

  local function call(who, method, path, body)
    store:begin()
    local reply = routes.handle(store, {
      method = method, path = path, body = body,
      headers = { authorization = "Bearer idt:" .. who, ["content-type"] = "text/json" },
    })
    store:commit()
    return reply.status, reply.body and json.decode(reply.body)
  end

  local cases = {
    { "ops", "GET", TOKENS .. "/TKN-2", 200 }, { "ops", "GET", TOKENS .. "/TKN-4", 200 },
    { "ops", "PUT", TOKENS .. "/TKN-4", 404 }, { "vendor", "GET", TOKENS .. "/TKN-2", 200 },
    { "vendor", "GET", TOKENS .. "/TKN-3", 404 }, { "vendor", "PUT", TOKENS .. "/TKN-1", 404 },
    { "vendor", "GET", TOKENS .. "/TKN-4", 404 }, { "client", "GET", TOKENS .. "/TKN-2", 404 },
    { "gone", "GET", TOKENS .. "/TKN-2", 401 }, { "ops", "GET", MODULES, 200 }, { "vendor", "GET", MODULES, 403 },
    { "client", "GET", MODULES .. "/MOD-1756", 403 },
  }
  for _, case in ipairs(cases) do
    it(("%s: %s %s gives %d"):format(table.unpack(case)), function()
      assert.equal(case[4], (call(case[1], case[2], case[3], case[2] == "PUT" and '{"icon":"x"}' or nil)))
    end)
  end

  it("a list shows what the account may see", function()
    for who, total in pairs({ ops = 4, vendor = 1, client = 1 }) do
      local _, page = call(who, "GET", TOKENS)
      assert.equal(total, page["$meta"].pagination.total)
      assert.equal(total, #page.data)
    end
  end)

  it("only Operations creates tokens for others", function()
    local body = '{"name":"x","account":{"id":"ACC-3"}}'
    assert.equal(403, (call("vendor", "POST", TOKENS, body)))
    assert.equal(201, (call("client", "POST", TOKENS, body)))
    assert.equal(201, (call("ops", "POST", TOKENS, body)))
    local _, token = call("vendor", "POST", TOKENS, '{"name":"x"}')
    assert.equal("ACC-2", token.account.id)
  end)

  it("a module is for the types of account that it names", function()
    assert.equal(400, (call("client", "PUT", TOKENS .. "/TKN-3", '{"modules":[{"id":"MOD-2204"}]}')))
    assert.equal(200, (call("vendor", "PUT", TOKENS .. "/TKN-2", '{"modules":[{"id":"MOD-2204"}]}')))
  end)
end)
