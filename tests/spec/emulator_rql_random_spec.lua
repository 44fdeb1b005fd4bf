-- Filters that chance makes, against an evaluator that goes through the tokens one by one; then hostile text, which only ever finds
-- tokens or is refused. The same in each run; RQL_SEED=number tries others, RQL_ROUNDS=number more of them.
local fixture = require "rql_fixture"
local json = require "moonkey.json"
local rql = require "moonkey.rql"
local time = require "moonkey.time"

local SEED = math.tointeger(tonumber(os.getenv("RQL_SEED"))) or 1
local ROUNDS = math.tointeger(tonumber(os.getenv("RQL_ROUNDS"))) or 500
local random = math.random

local function pick(list) return list[random(#list)] end

-- ---- expressions, each with what it means: { text, function(item) -> boolean } ----

local function read(item, path)
  for name in path:gmatch("[^.]+") do
    if type(item) ~= "table" then return nil end
    item = item[name]
  end
  if item ~= json.null then return item end
end

local TEXTS = { "Active", "Disabled", "CRM robot", "crm ROBOT", "drives CRM", "a, b", "x=y", "*star*", "O'Neil bot", "", "Client", "ACC-0001-0001", "zzz" }
local PATTERNS = { "crm*", "*robot", "*o*", "*", "CRM robot", "\\*star\\*", "x=y", "a*", "*_*", "*%*", "", "**" }
local DATES = { "2024-03-15T10:00:00.000Z", "2024-06-01", "2023-12-31T23:59:59.999Z", "2024-02-01", "2030-01-01T01:00:00+01:00" }

local TOKEN = {
  text = { "id", "name", "description", "status", "account.id", "account.type", "account.name", "audit.created.by.id", "icon" },
  integer = { "revision" }, date = { "lastAccessAt", "audit.created.at", "audit.updated.at" }, boolean = {},
}
local MODULE = { text = { "id", "name" }, integer = {}, date = {}, boolean = { "settings.paid", "settings.default" } }

local VALUES = {
  text = function() return pick(TEXTS) end,
  integer = function() return random(0, 4) end,
  date = function() return pick(DATES) end,
  boolean = function() return random(2) == 1 end,
}

local COMPARE = {
  eq = function(a, b) return a == b end, ne = function(a, b) return a ~= b end, gt = function(a, b) return a > b end,
  ge = function(a, b) return a >= b end, lt = function(a, b) return a < b end, le = function(a, b) return a <= b end,
}

-- A value as it is compared.
local function comparable(kind, value)
  if value == nil then return nil end
  if kind == "date" then return assert(time.parse(#value == 10 and value .. "T00:00:00Z" or value)) end
  return value
end

-- By the contract's words, and not by the emulator's way: the text between wildcards, and where it has to be.
local function matches(text, pattern, fold)
  if fold then text, pattern = text:lower(), pattern:lower() end
  local before, after = false, false
  if pattern:sub(1, 1) == "*" then before, pattern = true, pattern:sub(2) elseif pattern:sub(1, 2) == "\\*" then pattern = "\1" .. pattern:sub(3) end
  if before and pattern == "" then after = true end
  if pattern:sub(-2) == "\\*" then pattern = pattern:sub(1, -3) .. "\1" elseif pattern:sub(-1) == "*" then after, pattern = true, pattern:sub(1, -2) end
  pattern = pattern:gsub("\1", "*")
  if before and after then return text:find(pattern, 1, true) ~= nil end
  if before then return text:sub(-#pattern) == pattern or pattern == "" end
  if after then return text:sub(1, #pattern) == pattern end
  return text == pattern
end

local function leaf(properties)
  local kinds = {}
  for kind, list in pairs(properties) do if #list > 0 then kinds[#kinds + 1] = kind end end
  table.sort(kinds)
  local kind = pick(kinds)
  local path = pick(properties[kind])
  local function value_of(item) return comparable(kind, read(item, path)) end
  local choice = random(5)
  if choice == 1 then
    local op = pick({ "eq", "ne" })
    if path == "revision" then return rql.eq(path, 1), function(item) return item.revision == 1 end end
    return rql[op](path, rql.null), function(item) return (value_of(item) == nil) == (op == "eq") end
  elseif choice == 2 then
    local list, set = {}, {}
    for i = 1, random(3) do
      list[i] = VALUES[kind]()
      set[comparable(kind, list[i])] = true
    end
    local inside = random(2) == 1
    return rql[inside and "in_" or "out"](path, list), function(item) return (set[value_of(item)] or false) == inside end
  elseif choice == 3 and kind == "text" then
    local op, pattern = pick({ "like", "ilike" }), pick(PATTERNS)
    return rql[op](path, pattern), function(item)
      local text = value_of(item)
      return text ~= nil and matches(text, pattern, op == "ilike")
    end
  end
  local op = kind == "boolean" and pick({ "eq", "ne" }) or pick({ "eq", "ne", "gt", "ge", "lt", "le" })
  local value = VALUES[kind]()
  return rql[op](path, value), function(item)
    local own = value_of(item)
    return own ~= nil and COMPARE[op](own, comparable(kind, value))
  end
end

local expression

local function composed(op, properties, depth)
  local parts, tests = {}, {}
  for i = 1, random(2, 4) do parts[i], tests[i] = expression(properties, depth - 1) end
  return rql[op](table.unpack(parts)), function(item)
    for _, test in ipairs(tests) do
      if test(item) == (op == "or_") then return op == "or_" end
    end
    return op ~= "or_"
  end
end

local function collection(depth)
  local every = random(2) == 1
  local inner, test = expression(MODULE, depth - 1)
  return rql[every and "all" or "any"]("modules", inner), function(item)
    for _, module in ipairs(item.modules) do
      if test(module) ~= every then return not every end
    end
    return every
  end
end

function expression(properties, depth)
  local choice = depth > 0 and random(6) or 6
  if choice == 1 then return composed("and_", properties, depth) end
  if choice == 2 then return composed("or_", properties, depth) end
  if choice == 3 then
    local inner, test = expression(properties, depth - 1)
    return ~inner, function(item) return not test(item) end
  end
  if choice == 4 and properties == TOKEN then return collection(depth) end
  return leaf(properties)
end

local function expected(test)
  local numbers = {}
  for i = 1, 5 do
    if test(fixture.TOKENS[i]) then numbers[#numbers + 1] = i end
  end
  return table.concat(numbers, ",")
end

describe(("filters, with seed %d,"):format(SEED), function()
  local store
  setup(function()
    math.randomseed(SEED)
    store = fixture.open()
  end)
  teardown(function() store:close() end)

  it("find what they mean", function()
    local found_some = 0
    for _ = 1, ROUNDS do
      local filter, test = expression(TOKEN, random(0, 5))
      local query = "select=audit&" .. tostring(filter)
      local found, errors = fixture.find(store, query)
      local right = expected(test)
      assert.equal(right, found or json.encode(errors), query)
      if right ~= "" and right ~= "1,2,3,4,5" then found_some = found_some + 1 end
    end
    assert.is_true(found_some > ROUNDS // 4, ("only %d of %d filters tell tokens apart"):format(found_some, ROUNDS))
  end)

  local PIECES = {
    "'", '"', "%", "%27", "%22", "%26", "%28", "%FF", "%00", "&", "+", "(", ")", ",", "*", "\\", "|", ";", "=", " ", "--", "/*", "null()", "empty()",
    "and(", "or(", "not(", "eq(", "in(", "any(modules,", "all(modules,", "ilike(", "name", "status", "lastAccessAt", "revision", "account.type", "modules",
    "audit.created.at", "settings.paid", "token", "select=", "order=", "limit=", "offset=", "query=", "rql=", "'); DROP TABLE token;--", "' OR '1'='1",
    "1", "true", "2024-01-01", "é", "\xff", "?1", ":a", "@b", "$c", "x'00'", "json_extract", "-", ".", "t.n", "secret",
  }

  local function hostile()
    local parts = {}
    for i = 1, random(1, 14) do parts[i] = pick(PIECES) end
    return table.concat(parts)
  end

  it("that are hostile find tokens or are refused, and change nothing", function()
    local statuses = {}
    for _ = 1, ROUNDS do
      local query = hostile()
      local ok, status, body = pcall(fixture.get, store, pick({ "api-tokens", "api-tokens", "modules", "api-tokens/TKN-0000-0001" }), query)
      assert.is_true(ok, ("%q: %s"):format(query, status))
      assert.is_true(status == 200 or status == 400, ("%q: %d"):format(query, status))
      if status == 400 then assert.is_true(next(body.errors) ~= nil, query) end
      statuses[status] = (statuses[status] or 0) + 1
    end
    assert.is_true(statuses[200] > 20 and statuses[400] > 20)
    assert.equal("1,2,3,4,5", (fixture.find(store, "order=id")))
  end)

  -- As deep and as long as can be: refused or carried out, but neither slow nor too much for the database.
  local CHAINS = { "and(status=Active,", "or(status=Active,", "not(", "(status=Active|", "(status=Active&" }
  it("that are deep and long are carried out or refused quickly", function()
    local carried_out = 0
    for _ = 1, 200 do
      local open, close, deepest = {}, 0, random(1, 26)
      for i = 1, deepest do open[i], close = pick(CHAINS), close + 1 end
      local inner = pick({ "status=Active", "in(id,('a','b'))", "any(modules,id=x)", "account.name=x", "ilike(name,*a*)", "all(modules,settings.paid=true)" })
      if random(3) == 1 then
        for i = 1, deepest do open[i] = open[i]:gsub("status=Active", "id=x") end
        open[1], inner = "all(modules,", "in(id,(a,b))"
      end
      local status, body = fixture.get(store, "api-tokens", table.concat(open) .. inner .. (")"):rep(close))
      assert.is_true(status == 200 or body.errors.rql_validation ~= nil, json.encode(body))
      if status == 200 then carried_out = carried_out + 1 end
    end
    assert.is_true(carried_out > 50)
  end)

  local LONG = {
    ["comparisons"] = ("name=x|"):rep(500), ["too many comparisons"] = { ("name=x|"):rep(501), "at most 500 comparisons" },
    ["negations of them"] = "not((" .. ("name=x|"):rep(499) .. "))", ["a list"] = "in(id,(" .. ("x,"):rep(15000) .. "x))",
    ["a value"] = "ilike(name,*" .. ("%25"):rep(9000) .. "*)", ["too much text"] = { "name=" .. ("x"):rep(70000), "too long" },
    ["an order"] = { "order=" .. ("name,"):rep(1000), "at most 20 properties" }, ["a selection"] = "select=" .. ("name,-id,"):rep(3000),
    ["parameters"] = ("limit=1&"):rep(4000), ["wrong bytes"] = "name=" .. ("%FF"):rep(10000), ["queries"] = ("query=name=x&"):rep(400),
    ["parentheses"] = { ("("):rep(30000), "nested too deeply" }, ["paths"] = { "a" .. (".a"):rep(15000) .. "=1", nil },
  }
  for name, case in pairs(LONG) do
    it("that are long: " .. name, function()
      local query, refused = case, nil
      if type(case) == "table" then query, refused = case[1], case[2] end
      local start = os.clock()
      local status, body = fixture.get(store, "api-tokens", query)
      assert.equal(type(case) == "table" and 400 or 200, status)
      if refused then assert.truthy(json.encode(body.errors):find(refused, 1, true)) end
      assert.is_true(os.clock() - start < 5, ("took %.2f s"):format(os.clock() - start))
    end)
  end

  it("leave few statements behind", function()
    for i = 1, 300 do fixture.get(store, "api-tokens", "name=x" .. ("|name=x"):rep(i % 150)) end
    assert.is_true(store.queries.count <= 64)
  end)
end)
