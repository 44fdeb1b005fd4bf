-- moonkey.errors: error bodies of any shape become one (api-contract, section 3).
local errors = require "moonkey.errors"
local json = require "moonkey.json"

local function from(body, facts)
  local all = { kind = "api", status = 400, message = "", body = body, method = "PUT", path = "/p", host = "h", attempts = 1, retryable = false }
  for k, v in pairs(facts or {}) do all[k] = v end
  return errors.from_result(all)
end

describe("moonkey.errors", function()
  it("survives anything", function()
    for _, body in ipairs{ "", "null", "true", "7", '"text"', "[]", "{}", "[[[]]]", '{"errors":null}', '{"errors":7}', '{"errors":"x"}',
      '{"errors":{"a":null}}', '{"errors":{"a":{"b":{"c":1}}}}', '{"errors":[null,1,[],{}]}', '{"title":{},"detail":[],"traceId":7,"status":"x"}',
      '{"statusCode":"400"}', "<html>", "<title></title>", "\xff\xfe", "\0", ("x"):rep(100000), "é" .. ("é"):rep(1000), "{", '{"a":' } do
      local err = from(body)
      assert.is_table(err.errors)
      assert.is_string(tostring(err))
      assert.is_true(#tostring(err) < 2000)
      assert.is_truthy(utf8.len(tostring(err)))
      assert.equal(400, err.status)
      for _, e in ipairs(err.errors) do
        assert.is_string(e.message)
        assert.is_true(e.field == nil or type(e.field) == "string")
      end
      assert.is_string(json.encode{ title = err.title, detail = err.detail })
    end
  end)

  it("shows at most five of many errors", function()
    local many = {}
    for i = 1, 8 do many[i] = { message = "m" .. i } end
    assert.matches("m5; and 3 more", tostring(from(json.encode{ errors = many })))
    assert.equal(8, #from(json.encode{ errors = many }).errors)
  end)

  it("keeps no more than a part of what has no end, cut between characters", function()
    local long, many = ("é"):rep(5000), {}
    for i = 1, 1000 do many[i] = ("m%d"):format(i) end
    local err = from(json.encode{ title = long, detail = "x" .. long, traceId = long, errors = { [long] = many } })
    assert.equal(("é"):rep(1000) .. "…", err.title)
    assert.equal("x" .. ("é"):rep(999) .. "…", err.detail)
    assert.equal(2003, #err.trace_id)
    assert.same({ 101, 2003, "m100" }, { #err.errors, #err.errors[1].field, err.errors[100].message })
    assert.same({ message = "and 900 more", more = 900 }, err.errors[101])
    assert.matches("m5; and 995 more", tostring(err))
    err = from(json.encode(many))
    assert.same({ 101, 900 }, { #err.errors, err.errors[101].more })
    assert.equal(2003, #from(json.encode{ errors = { { properties = many } } }).errors[1].field)
    assert.is_nil(from(json.encode{ errors = { table.unpack(many, 1, 100) } }).errors[101])
  end)

  it("cuts only what is redacted already", function()
    for before = 1950, 2000 do
      local err = from(json.encode{ title = ("x"):rep(before) .. " idt:TKN-0000-0001:SecretOfATokenThatMustNotBeShown" })
      assert.is_nil(err.title:find("Secret", 1, true))
    end
  end)

  it("takes a moment for any page", function()
    local began = os.clock()
    for _, page in ipairs{ "<title>" .. (" "):rep(1 << 20), ("<title"):rep(1 << 17), ("<title>"):rep(1 << 17), ("<"):rep(1 << 20),
      ("<title> "):rep(1 << 17), (" "):rep(1 << 20) .. "x" } do
      assert.is_true(#tostring(from(page)) < 500)
    end
    assert.is_true(os.clock() - began < 10)
    assert.equal('a web page, "Bad gateway"', from("<html><TITLE a='b'>\n Bad   gateway </title>").detail)
  end)

  it("says what to do, by status and kind", function()
    for status, advice in pairs{ [401] = "check that the credential", [403] = "permission", [404] = "check the id", [302] = "base URL" } do
      assert.matches(advice, tostring(from("", { status = status })))
    end
    assert.matches("no reply from h: .*base URL", tostring(from("", { kind = "transport", status = false, message = "refused" })))
    assert.matches("safe to repeat", tostring(from("", { kind = "timeout", status = false, message = "slow" })))
    assert.matches("gave up after 4 attempts", tostring(from("", { attempts = 4 })))
  end)

  it("masks secrets that an escape had hidden until the body was decoded", function()
    local secret = "SecretOfATokenThatMustNotBeShown"
    local hidden = "idt\\u003aTKN-0000-0001\\u003a" .. secret
    for _, body in ipairs{ '{"title":"%s"}', '{"detail":"%s"}', '{"traceId":"%s"}', '{"errors":{"%s":["%s"]}}', '{"errors":["%s",{"a":"%s"}]}',
      '["%s"]', '"%s"', '{"errors":[{"message":"%s","properties":["%s"]}]}', '{"errors":"%s"}', '{"message":"{\\"token\\":\\"%s\\"}"}' } do
      local err = from((body:gsub("%%s", (hidden:gsub("%%", "%%%%")))))
      assert.matches("[redacted]", tostring(err), 1, true)
      assert.is_nil(tostring(err):find(secret, 1, true))
      assert.is_nil(json.encode{ title = err.title, detail = err.detail, errors = err.errors, trace = err.trace_id }:find(secret, 1, true))
    end
  end)

  it("says that an unclear request is neither done nor failed", function()
    local err = from("", { kind = "transport", status = false, message = "cut off", method = "POST", unknown = true })
    assert.matches("whether it was carried out is unknown", tostring(err))
  end)

  it("speaks of a write only where one may have been sent", function()
    for _, kind in ipairs{ "timeout", "invalid_response" } do
      for _, case in ipairs{ { "PUT", 1, true }, { "DELETE", 2, true }, { "GET", 1, false }, { "PUT", 0, false } } do
        local said = tostring(from("", { kind = kind, status = false, message = "slow", method = case[1], attempts = case[2] }))
        assert.equal(case[3], said:find("a write", 1, true) ~= nil, said)
      end
    end
  end)
  it("does not blame the network for a refused certificate, whose message has its own advice", function()
    assert.equal("PUT /p: no reply from h: self-signed",
      tostring(from("", { kind = "transport", status = false, message = "self-signed", certificate = true })))
  end)

  it("shows what is not UTF-8 all the same", function()
    local err = from("", { status = 302, message = "redirect to caf\xe9.example not followed" })
    assert.equal("redirect to caf?.example not followed", err.detail)
    assert.is_truthy(utf8.len(tostring(err)))
  end)

  it("survives names with zero bytes", function()
    assert.equal([[{"a\u0000b":1}]], from([[{"errors":[{"a\u0000b":1}]}]]).errors[1].message)
  end)

  it("tells its own from other tables", function()
    assert.is_true(errors.is(from("")))
    assert.is_false(errors.is({ kind = "api" }))
    assert.is_false(errors.is("text"))
  end)
end)
