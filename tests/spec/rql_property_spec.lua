-- What holds for all expressions and all texts, tried with many that chance makes. The same in each run; RQL_SEED=number tries
-- others, RQL_ROUNDS=number more of them.
local rql = require "moonkey.rql"
local wire = require "moonkey.rql.wire"

local SEED = math.tointeger(tonumber(os.getenv("RQL_SEED"))) or 1
local ROUNDS = math.tointeger(tonumber(os.getenv("RQL_ROUNDS"))) or 1000
local random = math.random

local PROPERTIES = { "id", "name", "status", "description", "lastAccessAt", "revision", "account.id", "audit.created.by.name", "a1.b2" }
local PIECES = {
  "'", '"', "%", "&", "+", "(", ")", ",", "*", "\\", "|", ";", "=", " ", "\t", "\n", "\0", "\127", "\1", "#", "?", "/", ":", "@", "~",
  "%20", "%26", "null()", "empty()", "and(", "eq(name,'x')", "status", "name", "account.id", "limit=1", "order=id", "é", "日本", "🌙", "\xff",
  "\xc3", "a", "B", "0", "-", ".", "idt:TKN-0000-0001:x", "2024-01-01T00:00:00+00:00",
}

local function pick(list) return list[random(#list)] end

local function text(most)
  local parts = {}
  for i = 1, random(0, most) do parts[i] = random(8) == 1 and string.char(random(0, 255)) or pick(PIECES) end
  return table.concat(parts)
end

local function value()
  local chosen = text(5)
  return wire.quotable(chosen) and chosen or (chosen:gsub('"', ""))
end

local function values()
  local list = {}
  for i = 1, random(1, 4) do list[i] = value() end
  return list
end

local COMPARISONS = { "eq", "ne", "gt", "ge", "lt", "le", "like", "ilike" }

local function leaf()
  local kind = random(10)
  if kind == 1 then return rql.in_(pick(PROPERTIES), values()) end
  if kind == 2 then return rql.out(pick(PROPERTIES), values()) end
  if kind == 3 then return rql[pick({ "eq", "ne" })](pick(PROPERTIES), pick({ rql.null, rql.empty })) end
  if kind == 4 then return rql.eq("revision", pick({ 1, -2.5, math.mininteger, 1e300, true, false, 0 })) end
  if kind == 5 then return rql.any("modules") end
  return rql[pick(COMPARISONS)](pick(PROPERTIES), value())
end

local function tree(depth)
  local kind = depth > 0 and random(7) or 0
  if kind == 1 then return tree(depth - 1) & tree(depth - 1) end
  if kind == 2 then return tree(depth - 1) | tree(depth - 1) end
  if kind == 3 then return ~tree(depth - 1) end
  if kind == 4 then return rql.and_(tree(depth - 1), tree(depth - 1), tree(depth - 1)) end
  if kind == 5 then return rql.any("modules", tree(depth - 1)) end
  if kind == 6 then return rql.all("a.b", tree(depth - 1)) end
  return leaf()
end

describe(("with seed %d,"):format(SEED), function()
  setup(function() math.randomseed(SEED) end)

  it("what is built and printed is parsed to the same tree", function()
    for _ = 1, ROUNDS do
      local expression = tree(random(0, 6))
      local printed = tostring(expression)
      local parsed, err = rql.parse(printed)
      assert.is_truthy(parsed, ("%s\n%s"):format(printed, err))
      assert.is_true(parsed == expression, printed)
      assert.equal(printed, tostring(parsed))
    end
  end)

  it("what is printed is a query string: ASCII without blanks, & or #, and every value stands in quotes", function()
    for _ = 1, ROUNDS do
      local chosen = value()
      local printed = tostring(rql.eq("name", chosen))
      assert.is_nil(printed:find("[^%w%-._~:*@/%%'(),]"), printed)
      assert.equal(chosen, wire.decode(printed):match("^eq%(name,(['\"])(.*)%1%)$") and wire.decode(printed):sub(10, -3))
    end
  end)

  it("two values give two texts", function()
    local seen = {}
    for _ = 1, ROUNDS do
      local chosen = value()
      local printed = rql.quote(chosen)
      assert.is_true(seen[printed] == nil or seen[printed] == chosen, printed)
      seen[printed] = chosen
    end
  end)

  it("no text makes rql.parse raise, and what it takes is printed to the same", function()
    local taken = 0
    for round = 1, ROUNDS do
      local source = text(12)
      if round % 2 == 0 then source = tostring(tree(3)):gsub("[%w'(),]", function(c) return random(12) == 1 and text(1) or c end) end
      local parsed, err = rql.parse(source)
      if parsed then
        taken = taken + 1
        assert.is_true(rql.parse(tostring(parsed)) == parsed, source)
      else
        assert.is_string(err.message)
        assert.is_string(err.key)
        assert.is_true(err.position >= 1 and err.position <= #source + 1, source)
        assert.is_string(tostring(err))
      end
    end
    assert.is_true(taken > ROUNDS // 50, ("only %d texts of %d were taken"):format(taken, ROUNDS))
  end)
end)

describe("rql.parse is quick with", function()
  local n = 65536
  local HOSTILE = {
    ["open parentheses"] = ("("):rep(n), ["closed ones"] = (")"):rep(n), ["nested calls"] = ("not("):rep(n // 4),
    ["quotes"] = ("'"):rep(n), ["alternating quotes"] = ("'\""):rep(n // 2), ["equal signs"] = ("="):rep(n),
    ["commas"] = (","):rep(n), ["separators"] = (",|;&"):rep(n // 4), ["blanks"] = (" "):rep(n), ["percent signs"] = ("%"):rep(n),
    ["encoded percent signs"] = ("%25"):rep(n // 3), ["a word"] = ("a"):rep(n), ["comparisons"] = ("a=1,"):rep(n // 4),
    ["alternatives"] = ("a=1|b=2&"):rep(n // 8), ["a list"] = "in(a,(" .. ("b,"):rep(n // 2 - 5) .. "))",
    ["NUL"] = ("\0"):rep(n), ["and without end"] = ("and(a=1,"):rep(n // 8), ["pairs"] = ("()"):rep(n // 2),
    ["blanks before a quote"] = "a=" .. ((" "):rep(200) .. "x="):rep(n // 203),
  }
  for name, source in pairs(HOSTILE) do
    it(name, function()
      local start = os.clock()
      local ok, parsed, err = pcall(rql.parse, source)
      assert.is_true(ok, parsed)
      assert.is_true(parsed ~= nil or #tostring(err) < 1000)
      assert.is_true(os.clock() - start < 5, ("took %.1f s"):format(os.clock() - start))
    end)
  end
end)
