-- What the emulator's page is answered with: to whom, and without secrets.
local answering = require "moonkey.emulator.answer"
local emulator = require "moonkey.emulator"
local faults = require "moonkey.emulator.faults"
local json = require "moonkey.json"
local pace = require "moonkey.emulator.pace"
local page = require "moonkey.emulator.page"
local parse = require("moonkey.emulator.faults_parse").parse
local recent = require "moonkey.emulator.recent"
local shown = require "moonkey.emulator.page.shown"

local STATE = "/_emulator/state.json"
local SECRET = ("s3cretS3CRET"):rep(6):sub(1, 64)

describe("the emulator's page", function()
  local st, front, credential

  before_each(function()
    st, credential = assert(emulator.open({ seed = 3 }))
    front = answering.new({ store = st, faults = faults.new(assert(parse("503:0@PUT")), 7),
      pace = pace.new({ count = 100, period = 1, text = "100/s" }) })
  end)

  after_each(function()
    st:close()
  end)

  local function ask(path, options)
    options = options or {}
    local request = { method = options.method or "GET", path = path, query = options.query, body = options.body,
      headers = options.headers or { host = "127.0.0.1:8080" } }
    function request.reply(self, status, body, headers) self.status, self.answer, self.sent = status, body, headers end
    front:answer({ request })
    return request
  end

  local function state(query)
    return assert(json.decode(ask(STATE, { query = query }).answer))
  end

  local function call(path, query)
    return ask("/public/v1/accounts/api-tokens" .. path, { query = query, headers = { authorization = "Bearer " .. credential } })
  end

  local files = { ["/"] = "text/html; charset=utf-8", ["/_emulator/page.css"] = "text/css; charset=utf-8",
    ["/_emulator/page.js"] = "text/javascript; charset=utf-8", [STATE] = "application/json" }

  for path, media in pairs(files) do
    it("serves " .. path .. " to nobody but itself", function()
      for _, host in ipairs{ "127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "127.8.9.1" } do
        local reply = ask(path, { headers = { host = host } })
        assert.equal(200, reply.status)
        assert.equal(media, reply.sent["Content-Type"])
        assert.equal("nosniff", reply.sent["X-Content-Type-Options"])
        assert.equal("same-origin", reply.sent["Cross-Origin-Resource-Policy"])
        assert.equal("no-store", reply.sent["Cache-Control"])
        assert.matches("^default%-src 'none'; .*frame%-ancestors 'none'$", reply.sent["Content-Security-Policy"])
        assert.is_nil(reply.sent["Access-Control-Allow-Origin"])
      end
      for _, host in ipairs{ "example.com", "127.0.0.1.example.com", "localhost.example.com:80", "127.0.0.1@example.com",
        "[::1].example.com", "10.0.0.1", "", "localhost:80:80", "xlocalhost" } do
        assert.equal(421, ask(path, { headers = { host = host } }).status, host)
      end
      assert.equal(421, ask(path, { headers = {} }).status)
    end)

    it("has methods for " .. path, function()
      assert.equal(200, ask(path, { method = "HEAD" }).status)
      local options = ask(path, { method = "OPTIONS" })
      assert.same({ 204, "GET, HEAD, OPTIONS" }, { options.status, options.sent.Allow })
      for _, method in ipairs{ "POST", "PUT", "DELETE", "PATCH", "TRACE", "get" } do
        local reply = ask(path, { method = method })
        assert.same({ 405, "GET, HEAD, OPTIONS" }, { reply.status, reply.sent.Allow })
      end
    end)

    it("tells other sites nothing from " .. path, function()
      for site, status in pairs{ ["same-origin"] = 200, none = 200, ["same-site"] = path == "/" and 200 or 403,
        ["cross-site"] = path == "/" and 200 or 403 } do
        assert.equal(status, ask(path, { headers = { host = "localhost", ["sec-fetch-site"] = site } }).status, site)
      end
    end)
  end

  it("takes nothing of the API's away", function()
    for _, path in ipairs{ "/public/v1/accounts/api-tokens", "/_emulatorx", "/index.html", "//", "/_emulator" } do
      assert.is_false(page.is_for(path), path)
    end
    assert.equal(404, ask("/_emulator/nosuch").status)
    assert.equal(404, ask("/_emulator/../public").status)
    assert.equal(404, ask("/favicon.ico").status)
  end)

  it("counts neither itself nor what it fetches", function()
    for path in pairs(files) do ask(path) end
    local now = state()
    assert.same({ 0, 0, 0 }, { now.emulator.requests, #now.requests, front.recent.count })
  end)

  it("tells of requests, those after a number alone", function()
    call("/TKN-0000-0002")
    call("/TKN-9999-9999")
    call("", "limit=1")
    local all = state().requests
    assert.same({ 1, 2, 3 }, { all[1].number, all[2].number, all[3].number })
    assert.same({ 200, 404, 200 }, { all[1].status, all[2].status, all[3].status })
    assert.equal("/public/v1/accounts/api-tokens?limit=1", all[3].target)
    assert.equal("GET", all[1].method)
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT", all[1].at)
    assert.is_true(all[1].ms >= 0 and all[1].ms < 10000)
    assert.same({ 3 }, { state("after=2").requests[1].number })
    assert.same(json.array({}), state("after=3").requests)
    for _, odd in ipairs{ "after=-5", "after=x", "after=1e300", "after=", "after=9223372036854775807" } do state(odd) end
  end)

  it("tells of faults and of the rate limit", function()
    local now = state()
    assert.equal(7, now.emulator.seed)
    assert.same({ { text = "503:0@PUT", struck = 0 }, { text = "rate limit of 100/s for each credential", struck = 0 } },
      { { text = now.faults[1].text, struck = now.faults[1].struck }, { text = now.faults[2].text, struck = now.faults[2].struck } })
  end)

  it("finds and sorts tokens", function()
    local function ids(query)
      local found = {}
      for i, token in ipairs(state(query).tokens.rows) do found[i] = token.id:sub(-1) end
      return table.concat(found)
    end
    st:run("UPDATE token SET name = 'ZEBRA 100%_' WHERE id = 'TKN-0000-0001'")
    st:run("UPDATE token SET status = 'Disabled' WHERE id = 'TKN-0000-0003'")
    assert.same({ Active = 2, Disabled = 1 }, { Active = state().counts.Active, Disabled = state().counts.Disabled })
    assert.equal(3, state().total)
    assert.equal("123", ids())
    assert.equal("321", ids "sort=id&down=1")
    assert.equal("231", ids "sort=name")
    assert.equal("3", ids "status=Disabled")
    assert.equal("1", ids "find=zebra")
    assert.equal("1", ids "find=100%25_")
    assert.equal("", ids "find=100__")
    assert.equal("2", ids "find=0002&status=Active&sort=lastAccessAt")
    assert.equal("123", ids "sort=secret") -- as if it had not been said
    assert.equal("", ids "find=%27%20OR%201%3D1--")
  end)

  it("looks again once there was a request, and not before", function()
    local prepared, statement = 0, st.statement
    function st.statement(...)
      prepared = prepared + 1
      return statement(...)
    end
    state()
    local first = prepared
    state()
    assert.is_true(prepared - first < first) -- begin and commit
    local idle = prepared - first
    ask("/public/v1/accounts/api-tokens/TKN-0000-0003/disable", { method = "POST",
      headers = { authorization = "Bearer " .. credential } })
    assert.equal(1, state().counts.Disabled)
    prepared = 0
    state("find=x")
    assert.is_true(prepared > idle)
  end)

  it("shows fifty of many, and says how many there are", function()
    st:close()
    st = assert(emulator.open({ seed = 1234 }))
    front = answering.new({ store = st })
    assert.same({ 50, 1234 }, { #state().tokens.rows, state().tokens.matched })
    assert.same({ 50, 234 + 1 }, { #state("find=0000-1").tokens.rows, state("find=0000-1").tokens.matched })
    assert.same({ 1, 1 }, { #state("find=0000-1234").tokens.rows, state("find=0000-1234").tokens.matched })
  end)

  it("holds no secret", function()
    st:run("UPDATE token SET name = ? WHERE id = 'TKN-0000-0002'", "named " .. credential)
    st:run("UPDATE token SET secret = 'odd-secret', name = '<script>' WHERE id = 'TKN-0000-0003'")
    local bare = credential:match(":(%w+)$")
    for _, query in ipairs{ "token=" .. credential, "token=" .. credential:gsub(":", "%%3A"), "x=" .. bare, "x=odd-secret",
      "x=" .. credential:gsub(":", "%%253a"), "eq(name,'" .. credential .. "')", "like(token,'*" .. bare:sub(1, 12) .. "*')",
      "a=1&TOKEN='" .. bare:sub(5, 20) .. "'", "access_token=" .. bare:sub(1, 9), "x=" .. bare:gsub("^.", function(c)
        return ("%%%02x"):format(c:byte()) end), "IDT%3Atkn-1:" .. bare:sub(1, 10), "or(eq(token," .. bare:sub(1, 8) .. "),a=1)" } do
      call("/TKN-0000-0001", query)
      call("/" .. query)
    end
    call("/" .. credential)
    call("/odd-secret/" .. bare)
    local text = ask(STATE).answer
    for from = 1, #bare - 7 do
      assert.is_nil(text:find(bare:sub(from, from + 7), 1, true), bare:sub(from, from + 7))
    end
    assert.is_nil(text:find("odd%-secret"))
    assert.matches("TKN-0000-0001", text, 1, true) -- which token it was is no secret
  end)
end)

describe("the last requests", function()
  it("are a ring", function()
    local ring = recent.new()
    local function numbers(after)
      local list = {}
      for place in ring:since(after) do list[#list + 1] = place.number end
      return list
    end
    assert.same({}, numbers(0))
    for i = 1, 450 do ring:add(0, i, "GET", "/", nil, 200, 0, nil) end
    local all = numbers(0)
    assert.same({ 200, 251, 450 }, { #all, all[1], all[200] })
    assert.same({ 449, 450 }, numbers(448))
    assert.same({}, numbers(450))
    assert.same({}, numbers(1e9))
  end)
end)

describe("what a request asked for", function()
  local store = { row = function(_, _, word) return word == "hunter22" and 1 or nil end }
  local cases = {
    { "/public/v1/accounts/api-tokens/TKN-0000-0001", nil, "/public/v1/accounts/api-tokens/TKN-0000-0001" },
    { "/a", "limit=10&offset=5&status=Active", "/a?limit=10&offset=5&status=Active" },
    { "/a", "select=-token", "/a?select=-token" },
    { "/a", "select=audit&token=" .. SECRET .. "&limit=1", "/a?select=audit&token=[redacted]" },
    { "/a", "in(token,('x','y'))", "/a?in(token,[redacted]" },
    { "/a", "x=hunter22", "/a?x=[redacted]" },
    { "/hunter22/b", nil, "/[redacted]/b" },
    { "/idt:TKN-1:" .. SECRET, nil, "/idt:TKN-1:[redacted]" },
    { "/idt%3ATKN-1%3A" .. SECRET, nil, "/idt:TKN-1:[redacted]" },
    { "/a", "name=tokens%20of%20mine", "/a?name=tokens of mine" },
    { "/%1b%5b2J", nil, "/\\u001b[2J" },
    { "/%ff", nil, "/?" },
    { "/%e2%80%ae", nil, "/\\u202e" },
  }
  for _, case in ipairs(cases) do
    it("is shown as " .. case[3], function()
      assert.equal(case[3], shown.target(case[1], case[2], store))
    end)
  end

  it("is cut where it is long, between letters", function()
    local text = shown.target("/" .. ("ż-"):rep(10000), nil, store)
    assert.is_true(#text <= 305)
    assert.is_truthy(utf8.len(text))
    assert.matches("…$", text)
  end)
end)
