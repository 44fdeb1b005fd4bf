-- --fault and --rate-limit: their language, what they draw, and what they answer.
local answering = require "moonkey.emulator.answer"
local emulator = require "moonkey.emulator"
local faults = require "moonkey.emulator.faults"
local faults_reply = require "moonkey.emulator.faults_reply"
local json = require "moonkey.json"
local pace = require "moonkey.emulator.pace"
local parse = require("moonkey.emulator.faults_parse").parse

local TOKENS = "/public/v1/accounts/api-tokens"

describe("the language of --fault", function()
  local kinds = {
    ["503:0.05"] = { kind = "status", status = 503, share = 0.05 },
    ["503"] = { kind = "status", status = 503, share = 1 },
    ["429:.1,retry-after=2"] = { kind = "status", status = 429, share = 0.1, retry_after = 2 },
    ["429:10%,retry-after=0"] = { kind = "status", status = 429, share = 0.1, retry_after = 0 },
    ["599:1"] = { kind = "status", status = 599, share = 1 },
    ["400:0"] = { kind = "status", status = 400, share = 0 },
    ["504:0.1,applied,retry-after=1"] = { kind = "status", status = 504, share = 0.1, applied = true, retry_after = 1 },
    ["reset:0.01"] = { kind = "reset", share = 0.01 },
    ["timeout:0.5%,applied"] = { kind = "timeout", share = 0.005, applied = true },
    ["truncated"] = { kind = "truncated", share = 1 },
    ["garbled:1.0"] = { kind = "garbled", share = 1 },
    ["latency=50ms"] = { kind = "latency", share = 1, mean = 0.05, spread = 0 },
    ["latency=50ms±20ms"] = { kind = "latency", share = 1, mean = 0.05, spread = 0.02 },
    ["latency=50ms+-20ms"] = { kind = "latency", share = 1, mean = 0.05, spread = 0.02 },
    ["latency=50ms+/-20ms"] = { kind = "latency", share = 1, mean = 0.05, spread = 0.02 },
    ["latency=1.5s:0.25"] = { kind = "latency", share = 0.25, mean = 1.5, spread = 0 },
    ["503:0.5@PUT"] = { kind = "status", status = 503, share = 0.5, methods = { PUT = true } },
    ["503:0.5@PUT+POST"] = { kind = "status", status = 503, share = 0.5, methods = { PUT = true, POST = true } },
    ["reset@/accounts/modules"] = { kind = "reset", share = 1, path = "/accounts/modules" },
    ["reset@GET/accounts/modules"] = { kind = "reset", share = 1, methods = { GET = true }, path = "/accounts/modules" },
    ["503:0.5@PUT /accounts/api-tokens/*"] =
      { kind = "status", status = 503, share = 0.5, methods = { PUT = true }, path = "/accounts/api-tokens/*" },
    ["503@/public/v1/accounts/api-tokens/"] = { kind = "status", status = 503, share = 1, path = "/accounts/api-tokens" },
    ["429@PUT,retry-after=3"] = { kind = "status", status = 429, share = 1, methods = { PUT = true }, retry_after = 3 },
  }
  for text, expected in pairs(kinds) do
    it("reads " .. text, function()
      local list = assert(parse(text))
      assert.equal(1, #list)
      for _, name in ipairs{ "kind", "status", "share", "retry_after", "applied", "mean", "spread", "methods", "path" } do
        assert.same(expected[name], list[1][name], name)
      end
      assert.same(list[1].kind, assert(parse(list[1].text))[1].kind) -- what is shown can be given again
      assert.equal(list[1].text, parse(list[1].text)[1].text)
    end)
  end

  it("reads several, with spaces or commas between them", function()
    for _, text in ipairs{ "429:0.1,retry-after=2 503:0.2@PUT /a/* reset", "429:0.1,retry-after=2,503:0.2@PUT /a/*,reset",
      "  429:0.1 ,retry-after=2 ,, 503:0.2@PUT /a/* , reset," } do
      local list = assert(parse(text))
      assert.same({ 429, 503 }, { list[1].status, list[2].status })
      assert.same({ 2, nil }, { list[1].retry_after, list[2].retry_after })
      assert.equal("/a/*", list[2].path)
      assert.equal("reset", list[3].kind)
    end
  end)

  -- text → { where, what, an example }
  local refused = {
    [""] = { "", "names no fault", "503:0.1" },
    [" , "] = { "", "names no fault", "503:0.1" },
    ["503:2"] = { "'503:2' (character 1)", "the share '2'", "503:0.1 or 503:10%" },
    ["503:"] = { "'503:'", "the share ''", "503:0.1" },
    ["503:-1"] = { "'503:-1'", "the share '-1'", "503:0.1" },
    ["503:nan"] = { "'503:nan'", "the share 'nan'", "503:0.1" },
    ["503:0x1"] = { "'503:0x1'", "the share '0x1'", "503:0.1" },
    ["503:101%"] = { "'503:101%'", "the share '101%'", "503:10%" },
    ["latency=5ms:9"] = { "'latency=5ms:9'", "the share '9'", "latency=2s:0.1" },
    ["200"] = { "'200'", "400 to 599", "503:0.1" },
    ["600:0.1"] = { "'600:0.1'", "400 to 599", "503:0.1" },
    ["0503"] = { "'0503'", "400 to 599", "503:0.1" },
    ["99999999999999999999"] = { "'9999", "400 to 599", "503:0.1" },
    ["reset:0.1 rest:0.1"] = { "'rest:0.1' (character 11)", "did you mean 'reset'?", "reset:0.01" },
    ["latency=5ms±1ms rset"] = { "'rset' (character 17)", "did you mean 'reset'?", "reset:0.01" },
    [":0.1"] = { "':0.1'", "there is no fault ''", "503:0.1" },
    ["latency"] = { "'latency'", "says how long", "latency=50ms" },
    ["latency=5"] = { "'latency=5'", "'5' is no duration", "latency=50ms" },
    ["latency=5h"] = { "'latency=5h'", "'5h' is no duration", "latency=50ms" },
    ["latency=5ms±"] = { "'latency=5ms±'", "'' is no duration", "latency=50ms" },
    ["latency=5ms±6ms"] = { "'latency=5ms±6ms'", "spread is larger", "latency=50ms" },
    ["latency=61m"] = { "'latency=61m'", "an hour at most", "timeout:0.01" },
    ["latency=5ms,applied"] = { "'applied'", "carried out anyhow", "latency" },
    ["retry-after=1"] = { "'retry-after=1'", "belongs to a fault", "429:0.1,retry-after=2" },
    ["reset,retry-after=1"] = { "'retry-after=1' (character 7)", "only a status", "429:0.1,retry-after=2" },
    ["429,retry-after=soon"] = { "'retry-after=soon'", "whole number of seconds", "429:0.1,retry-after=2" },
    ["429,retry-after"] = { "'retry-after'", "whole number of seconds", "429:0.1,retry-after=2" },
    ["429,retry-after=86401"] = { "'retry-after=86401'", "up to a day", "429:0.1,retry-after=2" },
    ["504,applied=1"] = { "'applied=1'", "takes no value", "504:0.1,applied" },
    ["503@"] = { "'503@'", "a method, a path, or both", "503:0.5@PUT /accounts/api-tokens/*" },
    ["503@PIT"] = { "'503@PIT'", "did you mean PUT?", "503:0.5@PUT" },
    ["503@put"] = { "'503@put'", "did you mean PUT?", "503:0.5@PUT" },
    ["@PUT"] = { "'@PUT'", "follows the fault", "503:0.5@PUT" },
    ["503@PUT@GET"] = { "'@GET'", "follows the fault", "503:0.5@PUT" },
    ["x=y"] = { "'x=y'", "there is no fault", "503:0.1" },
    ["\27[2J"] = { "", "there is no fault", "503:0.1" },
  }
  for text, expected in pairs(refused) do
    it(("refuses '%s'"):format(text), function()
      local list, message = parse(text)
      assert.is_nil(list)
      for _, part in ipairs(expected) do assert.matches(part, message, 1, true) end
    end)
  end
end)

describe("faults", function()
  local function struck(text, seed, count, method, path)
    local set, numbers = faults.new(assert(parse(text)), seed), {}
    for number = 1, count do
      local verdict = set:strike(number, method or "GET", path or TOKENS)
      if verdict then numbers[#numbers + 1] = number end
    end
    return numbers, set
  end

  it("strike the same requests for the same seed, and others for another", function()
    assert.same(struck("503:0.1", 1, 1000), (struck("503:0.1", 1, 1000)))
    assert.not_same(struck("503:0.1", 1, 1000), (struck("503:0.1", 2, 1000)))
    assert.same({ 3, 5, 8 }, (struck("503:0.3", 1, 8))) -- across versions, too: users note such numbers
  end)

  it("strike as many as they say", function()
    for _, share in ipairs{ 0.01, 0.1, 0.5, 0.9 } do
      for seed = 1, 5 do
        local numbers, set = struck("503:" .. share, seed, 20000)
        local deviation = 5 * math.sqrt(20000 * share * (1 - share))
        assert.is_true(math.abs(#numbers - 20000 * share) < deviation, ("%s: %d"):format(share, #numbers))
        assert.equal(#numbers, set.list[1].struck)
      end
    end
    assert.equal(0, #struck("503:0", 1, 1000))
    assert.equal(1000, #struck("503", 1, 1000))
  end)

  it("are drawn apart from each other, and the first is it", function()
    local _, set = struck("503:0.5 429:0.5", 1, 20000)
    assert.is_true(math.abs(set.list[1].struck - 10000) < 400)
    assert.is_true(math.abs(set.list[2].struck - 5000) < 400)
  end)

  it("strike only what they are limited to", function()
    local cases = {
      { "503@PUT", "PUT", TOKENS, true }, { "503@PUT", "GET", TOKENS, false }, { "503@PUT+GET", "GET", TOKENS, true },
      { "503@/accounts/api-tokens", "GET", TOKENS, true }, { "503@/accounts/api-tokens", "GET", TOKENS .. "/", true },
      { "503@/accounts/api-tokens", "GET", TOKENS .. "/TKN-1", false },
      { "503@/public/v1/accounts/api-tokens/*", "GET", TOKENS .. "/TKN-1", true },
      { "503@/accounts/api-tokens/*", "GET", TOKENS .. "/TKN-1/enable", false },
      { "503@/accounts/api-tokens/**", "GET", TOKENS .. "/TKN-1/enable", true },
      { "503@/accounts/api-tokens/*/enable", "POST", TOKENS .. "/TKN-1/enable", true },
      { "503@/accounts/api.tokens", "GET", TOKENS, false }, { "503@PUT /accounts/*", "PUT", TOKENS, true },
      { "503@PUT /accounts/*", "POST", TOKENS, false }, { "503@/**", "GET", "/elsewhere", true },
      { "503@/**", "GET", "/" .. ("x"):rep(30000), false },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[4], #struck(case[1], 1, 1, case[2], case[3]) == 1, table.concat(case, " ", 1, 3))
    end
  end)

  it("add up their latencies, and keep them within the spread", function()
    local set = faults.new(assert(parse("latency=50ms±20ms latency=1s 503")), 1)
    local least, most = 10, 0
    for number = 1, 2000 do
      local verdict = set:strike(number, "GET", TOKENS)
      assert.equal("status", verdict.kind)
      least, most = math.min(least, verdict.delay), math.max(most, verdict.delay)
    end
    assert.is_true(least >= 1.03 and least < 1.032, least)
    assert.is_true(most <= 1.07 and most > 1.068, most)
  end)

  it("speak in the shapes of the platform and its gateway", function()
    local shapes = {}
    for status = 400, 599 do
      for luck = 0, 0.9, 0.3 do
        local reply = faults_reply.status(status, 7, luck)
        assert.equal(status, reply.status)
        assert.equal("7", reply.headers["Retry-After"])
        if reply.headers["Content-Type"] == "text/html" then
          shapes.html = true
          assert.matches("<h1>" .. status, reply.body, 1, true)
        else
          local body = assert(json.decode(reply.body))
          assert.equal(status, body.status or body.statusCode)
          shapes[body.statusCode and "gateway" or not body.errors and "problem" or json.is_array(body.errors) and "list" or "map"] = true
        end
      end
    end
    assert.same({ html = true, gateway = true, problem = true, list = true, map = true }, shapes)
    assert.is_nil(faults_reply.status(503, nil, 0.9).headers["Retry-After"])
    assert.equal("Authentication Failed", json.decode(faults_reply.status(401, nil, 0).body).title)
  end)

  it("garble into what is as long and is no JSON", function()
    for _, text in ipairs{ '{"a":1}', "[]", "1", "" } do
      local garbled = faults_reply.garble(text)
      assert.equal(#text, #garbled)
      assert.is_true(#text < 2 or json.decode(garbled) == nil)
    end
  end)
end)

describe("a request that is struck", function()
  -- What a request was answered with: { status, body, headers }, or the name of what was done instead.
  local function waiting(credential, method, path, body)
    local r = { method = method, path = TOKENS .. path, body = body, answers = {},
      headers = { authorization = "Bearer " .. credential, ["content-type"] = "application/json" } }
    local function note(name)
      return function(_, ...) r.answers[#r.answers + 1] = { name, ... } end
    end
    r.reply, r.reply_part, r.reset, r.hold = note "reply", note "reply_part", note "reset", note "hold"
    return r
  end

  local function name_after(spec)
    local st, credential = assert(emulator.open({}))
    local front = answering.new({ store = st, faults = faults.new(assert(parse(spec)), 1) })
    local put = waiting(credential, "PUT", "/TKN-0000-0002", '{"name":"Changed"}')
    front:answer({ put })
    assert.equal(1, #put.answers)
    local name = st:row("SELECT name FROM token WHERE id = 'TKN-0000-0002'")
    st:close()
    return name, put.answers[1], front
  end

  for spec, expected in pairs{ ["503"] = "reply", reset = "reset", timeout = "hold" } do
    it(spec .. " is not carried out, unless it says so", function()
      local name, answer = name_after(spec)
      assert.not_equal("Changed", name)
      assert.equal(expected, answer[1])
      name, answer = name_after(spec .. ",applied")
      assert.equal("Changed", name)
      assert.equal(expected, answer[1])
    end)
  end

  it("truncated or garbled is carried out", function()
    local name, answer = name_after("truncated")
    assert.equal("Changed", name)
    assert.same({ "reply_part", #answer[4] // 2, 200 }, { answer[1], answer[2], answer[3] })
    name, answer = name_after("garbled")
    assert.equal("Changed", name)
    assert.is_nil((json.decode(answer[3])))
  end)

  it("late is answered when it is time, and others before it", function()
    local task = require "moonkey.task"
    local st, credential = assert(emulator.open({}))
    local front = answering.new({ store = st, faults = faults.new(assert(parse("latency=60ms@PUT")), 1) })
    local put = waiting(credential, "PUT", "/TKN-0000-0002", '{"name":"Late"}')
    local get = waiting(credential, "GET", "/TKN-0000-0002")
    front:answer({ put, get })
    assert.same({ 0, 1 }, { #put.answers, #get.answers })
    assert.matches('"name":"Late"', get.answers[1][3], 1, true)
    task.sleep(0.02)
    assert.equal(0, #put.answers)
    front:finish()
    assert.equal(200, put.answers[1][2])
    st:close()
  end)

  it("is struck once, also when its batch has to be done again", function()
    local routes, log = require "moonkey.emulator.routes", require "moonkey.log"
    local handle, log_error = routes.handle, log.error
    finally(function() routes.handle, log.error = handle, log_error end)
    function log.error() end
    function routes.handle(st, r)
      return r.path:find("0003") and error("broken on purpose") or handle(st, r)
    end
    local st, credential = assert(emulator.open({}))
    local front = answering.new({ store = st, faults = faults.new(assert(parse("503@PUT")), 1) })
    local put, get = waiting(credential, "PUT", "/TKN-0000-0002", "{}"), waiting(credential, "GET", "/TKN-0000-0003")
    front:answer({ put, get })
    assert.same({ 503, 500 }, { put.answers[1][2], get.answers[1][2] })
    assert.same({ 1, 1 }, { #put.answers, #get.answers })
    assert.equal(1, front.faults.list[1].struck)
    assert.equal(2, front.requests)
    st:close()
  end)
end)

describe("--rate-limit", function()
  local function wait_of(reply)
    return reply and tonumber(reply.headers["Retry-After"])
  end

  it("permits what a period allows at once, and then one after the other", function()
    local p = pace.new({ count = 3, period = 60, text = "3/m" })
    for _ = 1, 3 do assert.is_nil(p:refuse("a", 100)) end
    local reply = p:refuse("a", 100)
    assert.equal(429, reply.status)
    assert.same({ statusCode = 429, message = "Rate limit is exceeded. Try again in 20 seconds." }, json.decode(reply.body))
    assert.equal(20, wait_of(reply))
    assert.equal(20, wait_of(p:refuse("a", 100.9)))
    assert.equal(1, wait_of(p:refuse("a", 119.5)))
    assert.is_nil(p:refuse("a", 120.1)) -- whoever waits as long as was asked gets through
    assert.equal(20, wait_of(p:refuse("a", 120.2)))
    assert.equal(4, p.refused)
  end)

  it("keeps no more than that for later", function()
    local p, passed = pace.new({ count = 3, period = 1, text = "3/s" }), 0
    p:refuse("a", 5)
    for _ = 1, 10 do passed = passed + (p:refuse("a", 3600) and 0 or 1) end
    assert.equal(3, passed)
  end)

  it("does not let more through in any period than it says, but for the first", function()
    local p, passed = pace.new({ count = 10, period = 1, text = "10/s" }), 0
    for i = 0, 9999 do passed = passed + (p:refuse("a", 5 + i / 1000) and 0 or 1) end
    assert.is_true(passed >= 108 and passed <= 110, passed)
  end)

  it("is for each credential by itself", function()
    local p = pace.new({ count = 1, period = 1, text = "1/s" })
    assert.is_nil(p:refuse("a", 5))
    assert.is_nil(p:refuse("b", 5))
    assert.is_nil(p:refuse(nil, 5))
    for _, caller in ipairs{ "a", "b", false } do assert.equal(1, wait_of(p:refuse(caller or nil, 5.5))) end
  end)

  it("permits less than one a period", function()
    local p = pace.new({ count = 0.5, period = 1, text = "0.5/s" })
    assert.is_nil(p:refuse("a", 5))
    assert.equal(2, wait_of(p:refuse("a", 5)))
  end)

  it("does not grow with the credentials that are tried", function()
    local p = pace.new({ count = 2, period = 1, text = "2/s" })
    for i = 1, 5000 do p:refuse("x" .. i, 5 + i / 1000) end
    local count = 0
    for _ in pairs(p.buckets) do count = count + 1 end
    assert.equal(count, p.callers)
    assert.is_true(count <= 1000, count)
  end)
end)
