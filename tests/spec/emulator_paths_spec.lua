-- Sections 1 to 3 of what is known of the API, seen from outside: paths, methods, headers, credentials, and the shapes of errors.
local fixture = require "emulator_fixture"

local TOKENS, MODULES = fixture.TOKENS, fixture.MODULES
local T2 = TOKENS .. "/TKN-0000-0002"

describe("the emulator's", function()
  local peer

  before_each(function() peer = fixture.open(3) end)
  after_each(function() peer:close() end)

  describe("endpoints:", function()
    -- method, path, body, status
    local cases = {
      { "POST", TOKENS, '{"name":"x"}', 201 }, { "GET", TOKENS, nil, 200 }, { "GET", T2, nil, 200 },
      { "PUT", T2, '{"icon":"x"}', 200 }, { "DELETE", T2, nil, 204 }, { "POST", T2 .. "/disable", nil, 200 },
      { "POST", T2 .. "/enable", nil, 400 }, { "GET", MODULES, nil, 200 }, { "GET", MODULES .. "/MOD-9042", nil, 200 },
      { "GET", TOKENS .. "/TKN-9999-9999", nil, 404 }, { "PUT", TOKENS .. "/TKN-9999-9999", '{"icon":"x"}', 404 },
      { "DELETE", TOKENS .. "/TKN-9999-9999", nil, 404 }, { "POST", TOKENS .. "/TKN-9999-9999/enable", nil, 404 },
      { "POST", TOKENS .. "/TKN-9999-9999/disable", nil, 404 }, { "GET", MODULES .. "/MOD-0000", nil, 404 },
      { "GET", TOKENS .. "/TKN-0000-0000", nil, 404 }, { "POST", TOKENS .. "/TKN-0000%2D0002/disable/", nil, 200 },
    }
    for _, case in ipairs(cases) do
      it(("%s %s gives %d"):format(case[1], case[2], case[4]), function()
        local status, body = peer:call(case[1], case[2], case[3])
        assert.equal(case[4], status)
        if status == 404 then
          assert.equal("Not Found", body.title)
        elseif status == 204 then
          assert.is_nil(body)
        end
      end)
    end
  end)

  describe("ids in a path:", function()
    local cases = {
      { "percent-encoded", "TKN%2D0000%2d0002", 200 }, { "with a slash at the end", "TKN-0000-0002/", 200 },
      { "in lower case", "tkn-0000-0002", 404 }, { "with a space", "TKN-0000-0002%20", 404 }, { "with a plus", "TKN+0000-0002", 404 },
      { "with a slash in it", "TKN-0000-0002%2Fenable", 404 }, { "that are no UTF-8", "%FF%FE", 404 }, { "of NULs", "%00", 404 },
      { "that are endless", ("T"):rep(9000), 404 }, { "that are half encoded", "TKN%2", 404 },
      { "with quotes", "'%20OR%20''='", 404 }, { "of dots", "..", 404 },
    }
    for _, case in ipairs(cases) do
      for name, path in pairs({ token = TOKENS, module = MODULES }) do
        it(name .. ", " .. case[1], function()
          local wanted = name == "module" and case[2]:gsub("TKN%-0000%-0002", "MOD-9042"):gsub("TKN%%2D0000%%2d0002", "MOD%%2D9042")
            or case[2]
          local status, body, reply = peer:call("GET", path .. "/" .. wanted)
          assert.equal(case[3], status)
          assert.equal(case[3] == 404 and "Not Found" or nil, body.title)
          assert.is_true(#reply.body < 2000)
        end)
      end
    end
  end)

  describe("paths that there are not:", function()
    local cases = {
      "/", "", "/public", "/public/v1", "/public/v1/accounts", "/public/v1/accounts/", "/public/v1/accounts/api-token",
      "/public/v1/accounts/API-TOKENS", "/v1/accounts/api-tokens", "/api-tokens", "/public/v2/accounts/api-tokens",
      "//public/v1/accounts/api-tokens", "/public/v1/accounts//api-tokens", TOKENS .. "//", TOKENS .. "//TKN-0000-0002",
      T2 .. "/item", T2 .. "/enable/more", T2 .. "/ENABLE", T2 .. "//enable", TOKENS .. "//TKN-0000-0002/enable",
      MODULES .. "/MOD-1756/enable",
      "/public/v1/accounts/actions", "/public/v1/accounts/accounts/ACC-0000-0001", "/public/v1/accounts/api-tokens%2FTKN-0000-0002",
    }
    for _, path in ipairs(cases) do
      it(path, function()
        for _, method in ipairs({ "GET", "POST", "PUT", "DELETE", "OPTIONS", "FOO" }) do
          local status, body, reply = peer:call(method, path, nil, { authorization = false })
          assert.equal(404, status)
          assert.same({ statusCode = 404, message = "Resource not found" }, body)
          assert.equal("application/json", reply.headers["Content-Type"])
        end
      end)
    end
  end)

  describe("methods:", function()
    local cases = {
      { TOKENS, "GET, HEAD, OPTIONS, POST", { "PUT", "DELETE", "PATCH", "FOO" } },
      { T2, "DELETE, GET, HEAD, OPTIONS, PUT", { "POST", "PATCH", "FOO", "get" } },
      { T2 .. "/enable", "OPTIONS, POST", { "GET", "HEAD", "PUT", "DELETE" } },
      { T2 .. "/disable", "OPTIONS, POST", { "GET", "PATCH" } },
      { MODULES, "GET, HEAD, OPTIONS", { "POST", "DELETE" } },
      { MODULES .. "/MOD-1756", "GET, HEAD, OPTIONS", { "PUT", "DELETE" } },
    }
    for _, case in ipairs(cases) do
      it("of " .. case[1], function()
        local status, body, reply = peer:call("OPTIONS", case[1], nil, { authorization = false })
        assert.same({ 204, nil, case[2] }, { status, body, reply.headers.Allow })
        for _, method in ipairs(case[3]) do
          status, body, reply = peer:call(method, case[1])
          assert.same({ 405, { statusCode = 405, message = "Method not allowed" } }, { status, body })
          assert.equal(case[2], reply.headers.Allow)
        end
      end)
    end

    it("HEAD says what GET says", function()
      for _, path in ipairs({ TOKENS, T2, MODULES, TOKENS .. "/TKN-9999-9999" }) do
        local status, _, reply = peer:call("HEAD", path)
        local same, _, got = peer:call("GET", path)
        assert.equal(same, status)
        assert.same(got.headers, reply.headers)
      end
    end)
  end)

  describe("media types of a body:", function()
    local cases = {
      { "application/json", 200 }, { "application/json; charset=utf-8", 200 }, { "application/json;charset=UTF-8", 200 },
      { 'application/json; charset="utf-8"', 200 }, { "Application/JSON", 200 }, { "text/json", 200 },
      { "application/merge-patch+json", 200 }, { "application/problem+json; charset=utf-8", 200 },
      { "application/json; odata=verbose", 200 }, { "text/plain", 415 }, { "application/x-www-form-urlencoded", 415 },
      { "multipart/form-data; boundary=x", 415 }, { "application/jsonl", 415 }, { "json", 415 }, { "application/json2", 415 },
      { "application/+json", 415 }, { "application/json; charset=utf-16", 415 }, { "application/json; charset=iso-8859-1", 415 },
      { "application/json, text/plain", 415 }, { "", 415 }, { ("x"):rep(5000), 415 }, { false, 415 },
    }
    for _, case in ipairs(cases) do
      it(tostring(case[1]):sub(1, 60), function()
        for _ = 1, 2 do -- what is known of a media type is kept
          local status, body = peer:call("PUT", T2, { icon = "x" }, { ["content-type"] = case[1] })
          assert.equal(case[2], status)
          assert.equal(status == 415 and "Unsupported Media Type" or nil, body.title)
        end
      end)
    end

    it("are looked at before the token is", function()
      assert.equal(415, (peer:call("PUT", TOKENS .. "/TKN-9999-9999", "{}", { ["content-type"] = "text/plain" })))
      assert.equal(400, (peer:call("PUT", TOKENS .. "/TKN-9999-9999", "{")))
    end)
  end)

  it("replies are JSON, whatever Accept asks for", function()
    for _, accept in ipairs({ "application/json", "*/*", "text/html", "application/xml;q=0.9", "", "application/jsonl" }) do
      local status, _, reply = peer:call("GET", T2, nil, { accept = accept })
      assert.same({ 200, "application/json" }, { status, reply.headers["Content-Type"] })
    end
  end)

  it("GET, DELETE and actions take no notice of a body", function()
    for _, case in ipairs({ { "GET", T2 }, { "POST", T2 .. "/disable" }, { "POST", T2 .. "/enable" }, { "DELETE", T2 } }) do
      assert.is_true((peer:call(case[1], case[2], "{not JSON", { ["content-type"] = "text/plain" })) < 300)
    end
  end)

  describe("credentials:", function()
    local unknown = "idt:TKN-0000-0001:" .. ("x"):rep(64)
    local cases = {
      { "none", false }, { "an unknown one", "Bearer " .. unknown }, { "an empty one", "Bearer " }, { "no text", "" },
      { "another scheme", "Basic YTpi" }, { "no scheme", unknown }, { "the id of a token", "Bearer TKN-0000-0001" },
      { "two", "Bearer a, Bearer b" }, { "what is no UTF-8", "Bearer \xFF" }, { "SQL", "Bearer '" .. "OR''='" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        for _, request in ipairs({ { "GET", T2 }, { "PUT", T2, "{}" }, { "GET", TOKENS }, { "POST", TOKENS, "{" }, { "GET", MODULES } }) do
          local status, problem, reply = peer:call(request[1], request[2], request[3], { authorization = case[2] })
          assert.equal(401, status)
          assert.equal("Authentication Failed", problem.title)
          assert.equal(401, problem.status)
          assert.equal("Bearer", reply.headers["WWW-Authenticate"])
          assert.is_nil(reply.body:find(unknown, 1, true))
        end
      end)
    end

    it("are taken with the scheme in any case", function()
      for _, scheme in ipairs({ "Bearer", "bearer", "BEARER", "Bearer " }) do
        assert.equal(200, (peer:call("GET", T2, nil, { authorization = scheme .. " " .. peer.credential .. " " })))
      end
    end)

    it("leave the time of their last call at their token, and at no other", function()
      local _, first = peer:call("GET", TOKENS .. "/TKN-0000-0001")
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$", first.lastAccessAt)
      local _, second = peer:call("GET", T2)
      assert.is_nil(second.lastAccessAt)
    end)

    it("that are refused leave no time", function()
      peer:call("GET", T2, nil, { as = unknown })
      peer:call("POST", TOKENS .. "/TKN-0000-0003/disable")
      local _, third = peer:call("GET", TOKENS .. "/TKN-0000-0003")
      peer:call("GET", T2, nil, { as = third.token })
      _, third = peer:call("GET", TOKENS .. "/TKN-0000-0003")
      assert.is_nil(third.lastAccessAt)
    end)
  end)

  describe("errors", function()
    -- request, status, title, section of RFC 9110
    local cases = {
      { { "PUT", T2, "{" }, 400, "Bad Request", "15.5.1" }, { { "GET", T2, nil, { as = "x" } }, 401, "Authentication Failed", "15.5.2" },
      { { "GET", TOKENS .. "/TKN-9999-9999" }, 404, "Not Found", "15.5.5" },
      { { "PUT", T2, "{}", { ["content-type"] = "text/plain" } }, 415, "Unsupported Media Type", "15.5.16" },
    }
    for _, case in ipairs(cases) do
      it("of status " .. case[2] .. " are problems", function()
        local status, problem, reply = peer:call(table.unpack(case[1]))
        assert.equal(case[2], status)
        assert.equal("application/problem+json", reply.headers["Content-Type"])
        assert.same({ case[2], case[3], "https://tools.ietf.org/html/rfc9110#section-" .. case[4] },
          { problem.status, problem.title, problem.type })
        assert.matches("^00%-" .. ("%x"):rep(32) .. "%-" .. ("%x"):rep(16) .. "%-00$", problem.traceId)
        assert.equal("string", type(problem.detail))
      end)
    end

    it("say in the documented order what they are", function()
      local _, _, reply = peer:call("PUT", T2, { name = "" })
      assert.matches('^{"type":".-","title":"Bad Request","status":400,"detail":"One or more validation errors occurred.",'
        .. '"traceId":".-","errors":{"name":%["[^"]+"%]}}$', reply.body)
    end)

    it("each have a trace of their own", function()
      local _, one = peer:call("PUT", T2, "{")
      local _, two = peer:call("PUT", T2, "{")
      assert.not_equal(one.traceId, two.traceId)
    end)
  end)
end)
