--[[
Requests of every kind, made up by chance: the emulator answers each, never with a 5xx, never with a secret of others, in the
shapes of the contract. MOONKEY_FUZZ_SECONDS=600 goes on for so long, MOONKEY_FUZZ_SEED=N begins elsewhere; a failure names the
seed of the request that it is about.
]]
local answering = require "moonkey.emulator.answer"
local emulator = require "moonkey.emulator"
local faults = require "moonkey.emulator.faults"
local json = require "moonkey.json"
local parse = require("moonkey.emulator.faults_parse").parse
local sys = require "moonkey.sys"

local SECONDS = tonumber(os.getenv "MOONKEY_FUZZ_SECONDS") or 4
local FIRST = math.tointeger(tonumber(os.getenv "MOONKEY_FUZZ_SEED")) or 1
local BASE = "/public/v1/accounts/"

local random = math.random

local function one_of(list)
  return list[random(#list)]
end

local function bytes(most)
  local list = {}
  for i = 1, random(0, most) do list[i] = string.char(random(0, 255)) end
  return table.concat(list)
end

local ODD = { "", "\0", "%00", "%", "%zz", "%ff", "%c0%af", "..", "%2e%2e%2f", "'", '"', ";", "--", "' OR 1=1 --", "\xff\xfe",
  "\u{202e}", ("x"):rep(5000), "(", ")", "((((", ("("):rep(300), "*", "\\*", "null()", "empty()", "NaN", "1e999", "-0", "0x10",
  "99999999999999999999", "TKN-0000-0002", "MOD-1756", "true", "[]", "{}", "\r\n", "+", "&&", "||", ",,", "=" }
local PROPERTIES = { "id", "name", "status", "description", "icon", "revision", "account.id", "account.type", "modules", "modules.id",
  "audit.created.at", "lastAccessAt", "token", "bogus", "a.b.c.d", "ID", "", "'id'", "1" }
local OPERATORS = { "eq", "ne", "gt", "ge", "lt", "le", "like", "ilike", "in", "out", "any", "all", "and", "or", "not", "EQ", "mistake", "" }

local function text(depth)
  local kind = random(5)
  if kind == 1 then return one_of(ODD) end
  if kind == 2 then return bytes(12) end
  if kind == 3 and depth > 0 then return text(depth - 1) .. text(depth - 1) end
  return one_of{ "robot", "CRM*", "'CRM robot'", '"x"', "2024-01-01T00:00:00.000Z", "Active", "TKN-0000-0003", "3" }
end

local function expression(depth)
  local kind = random(8)
  if depth == 0 or kind == 1 then return one_of(PROPERTIES) .. "=" .. text(1) end
  if kind == 2 then return text(1) end
  local parts = {}
  for i = 1, random(0, 3) do parts[i] = random(2) == 1 and expression(depth - 1) or one_of{ one_of(PROPERTIES), text(1) } end
  local inner = table.concat(parts, one_of{ ",", ",", "&", "|", ";" })
  return kind == 3 and "(" .. inner .. ")" or one_of(OPERATORS) .. "(" .. inner .. ")"
end

local function query()
  if random(4) == 1 then return nil end
  local parts = {}
  for i = 1, random(4) do
    parts[i] = one_of{ expression(random(0, 3)), "limit=" .. text(0), "offset=" .. text(0), "limit=" .. random(-5, 200),
      "select=" .. one_of{ "", "-", "+" } .. one_of(PROPERTIES) .. "," .. text(0), "order=" .. one_of{ "", "-", "+" } .. one_of(PROPERTIES),
      "query=" .. expression(1), "rql=" .. expression(1) }
  end
  return table.concat(parts, one_of{ "&", "&", ",", "|" })
end

local function path()
  local kind = random(10)
  if kind == 1 then return text(2) end
  if kind == 2 then return one_of{ "/", "/_emulator/state.json", "/_emulator/" .. text(1), "/public", "//", "/public/v1/" } end
  local found = BASE .. one_of{ "api-tokens", "api-tokens", "api-tokens", "modules", "bogus" }
  if random(3) > 1 then found = found .. "/" .. one_of{ ("TKN-0000-%04d"):format(random(0, 25)), "MOD-1756", text(1) } end
  if random(4) == 1 then found = found .. "/" .. one_of{ "enable", "disable", "collection", text(0) } end
  return found .. (random(8) == 1 and "/" or "")
end

local function value(depth)
  local kind = random(depth > 0 and 9 or 6)
  if kind == 1 then return json.null end
  if kind == 2 then return random(2) == 1 end
  if kind == 3 then return one_of{ 0, -1, 1.5, 1e300, math.maxinteger, math.mininteger } end
  if kind <= 6 then return (text(1):gsub("[\x80-\xff]", "ż")) end
  if kind == 7 then return json.array{ value(depth - 1), value(depth - 1) } end
  return { [one_of{ "id", "name", "x" }] = value(depth - 1) }
end

local function body()
  local kind = random(8)
  if kind == 1 then return nil end
  if kind == 2 then return bytes(200) end
  if kind == 3 then return one_of{ "[]", "null", "1", "{", '{"name":', ("["):rep(2000), '{"a":' .. ("1"):rep(400) .. "}" } end
  local fields = {}
  for _ = 1, random(0, 4) do
    local name = one_of{ "name", "description", "icon", "modules", "account", "id", "status", "token", "audit", "bogus" }
    fields[name] = value(2)
    if random(2) == 1 then fields.name = one_of{ "A name", "O'Neil", ("n"):rep(300) } end
    if random(3) == 1 then fields.modules = json.array{ { id = one_of{ "MOD-1756", "MOD-9042", "MOD-0" } }, random(9) == 1 and value(1) or nil } end
  end
  local encoded = json.encode(fields)
  return random(10) == 1 and encoded:sub(1, random(#encoded)) or encoded
end

local function header(name)
  return ({ authorization = function(secrets)
    return one_of{ "Bearer " .. one_of(secrets), "Bearer " .. one_of(secrets), "Bearer " .. one_of(secrets), "Bearer  x", "", text(1),
      "Basic eA==", "bearer " .. one_of(secrets) }
  end, ["content-type"] = function()
    return one_of{ "application/json", "application/json", "application/json; charset=utf-8", "text/plain", "application/x+json", text(1) }
  end, host = function() return one_of{ "127.0.0.1", "localhost:1", text(1) } end,
    accept = function() return one_of{ "*/*", "application/jsonl", text(1) } end,
    ["mpt-streaming"] = function() return one_of{ "true", text(0) } end })[name]
end

local function request(secrets)
  local made = { method = one_of{ "GET", "GET", "GET", "PUT", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW", bytes(6) },
    path = path(), query = query(), headers = {} }
  for _, name in ipairs{ "authorization", "content-type", "host", "accept", "mpt-streaming" } do
    if random(8) > 1 then made.headers[name] = header(name)(secrets) end
  end
  if made.method ~= "GET" then made.body = body() end
  if random(40) == 1 then -- one that is right, or the rest would never get far
    made = { method = "POST", path = BASE .. "api-tokens", body = '{"name":"Right","modules":[{"id":"MOD-1756"}]}',
      headers = { authorization = "Bearer " .. one_of(secrets), ["content-type"] = "application/json" } }
  end
  return made
end

-- What is wrong with the answer, or nil.
local function fault_of(made, status, sent, headers)
  if not status then return "no answer" end
  if status >= 500 or status < 200 then return "status " .. status end
  if status == 204 then return sent and #sent > 0 and "204 with a body" or nil end
  for name, content in pairs(headers or {}) do
    if tostring(content):find("[\r\n]") then return "a header that breaks out: " .. name end
  end
  local media = headers and headers["Content-Type"] or ""
  if media:find("jsonl", 1, true) then
    for line in sent:gmatch("[^\n]+") do
      if json.decode(line) == nil then return "a line that is no JSON" end
    end
  elseif media:find("json", 1, true) then
    local decoded, message = json.decode(sent)
    if decoded == nil then return "no JSON: " .. message end
    if status >= 400 and (decoded.status or decoded.statusCode) ~= status then return "a body that says otherwise" end
  elseif status >= 400 then
    return "an error that is no JSON"
  end
  return (made.path == "/" or made.path:find("^/_emulator")) and sent and sent:find("idt:[^\"]+:%w%w%w%w%w%w%w%w")
    and "a secret on the page" or nil
end

describe("the emulator, asked anything,", function()
  local function new_front(spec)
    local st = assert(emulator.open({ seed = 20 }))
    st:begin()
    st:run("INSERT INTO account (id, type, status, name) VALUES ('ACC-0009-0009', 'Client', 'Active', 'Nine')")
    st:run("UPDATE token SET account = 'ACC-0009-0009' WHERE n BETWEEN 11 AND 20")
    st:commit()
    local secrets = {}
    for secret in st:statement("SELECT secret FROM token"):rows() do secrets[#secrets + 1] = secret end
    return answering.new({ store = st, faults = spec and faults.new(assert(parse(spec)), 1) }), secrets
  end

  local function run(seconds, spec)
    local log = require "moonkey.log"
    local log_error = log.error
    local failure
    finally(function() log.error = log_error end)
    function log.error(...) failure = string.format(...) end
    local front, secrets = new_front(spec)
    local stop, seed, counts = sys.now() + seconds, FIRST, {}
    while sys.now() < stop or seed < FIRST + 200 do
      math.randomseed(seed)
      local made = request(secrets)
      local status, sent, headers
      function made.reply(_, ...) status, sent, headers = ... end
      front:answer({ made })
      local wrong = failure or not spec and fault_of(made, status, sent, headers)
      if wrong then
        local asked = ("%s %s?%s\n%s"):format(made.method, made.path, made.query or "", made.body or "")
        error(("MOONKEY_FUZZ_SEED=%d: %s\n%s"):format(seed, wrong:sub(1, 300), asked:sub(1, 1000)), 0)
      end
      counts[status or 0] = (counts[status or 0] or 0) + 1
      seed = seed + 1
      if seed % 5000 == 0 then -- most tokens are gone by then
        front.store:close()
        front, secrets = new_front(spec)
      end
    end
    front.store:close()
    return counts, seed - FIRST
  end

  it("answers what is no UTF-8", function()
    local front, secrets = new_front()
    local targets = { "api-tokens?limit=\xff", "api-tokens?order=\xff", "api-tokens?\xff=1", "api-tokens?name=%ff",
      "api-tokens?select=\xc3", "api-tokens/\xff", "modules?\xff(id,1)" }
    for i = 1, 2 * #targets do
      local status, sent
      local where, asked = (BASE .. targets[(i + 1) // 2]):match("^([^?]*)%??(.*)$")
      front:answer({ { method = "GET", path = where, query = asked ~= "" and asked or nil,
        headers = { authorization = "Bearer " .. secrets[1], ["mpt-streaming"] = i % 2 == 0 and "true" or nil },
        reply = function(_, ...) status, sent = ... end } })
      assert.is_true(status < 500, where .. "?" .. asked)
      assert.is_truthy(sent == "" or json.decode(sent))
    end
    front.store:close()
  end)

  it("answers", function()
    local counts, total = run(SECONDS * 0.8)
    for _, status in ipairs{ 200, 201, 204, 400, 401, 404, 405 } do -- it has been everywhere
      assert.is_true((counts[status] or 0) > 0, ("no %d among %d"):format(status, total))
    end
  end)

  it("answers while it fails on purpose", function()
    local counts = run(SECONDS * 0.2, "503:0.2 429:0.2,applied 400:0.1@PUT /accounts/**")
    assert.is_true(counts[503] > 0 and counts[429] > 0)
  end)
end)
