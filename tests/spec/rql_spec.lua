-- moonkey.rql: what is built, how it goes on the wire, what is parsed, and what is refused.
local json = require "moonkey.json"
local rql = require "moonkey.rql"

local eq = rql.eq

describe("rql on the wire:", function()
  local CASES = {
    { eq("status", "Active"), "eq(status,'Active')" },
    { rql.ne("status", "Active"), "ne(status,'Active')" },
    { rql.gt("revision", 3), "gt(revision,'3')" },
    { rql.ge("revision", 1.5), "ge(revision,'1.5')" },
    { rql.lt("revision", -7), "lt(revision,'-7')" },
    { rql.le("revision", math.maxinteger), "le(revision,'9223372036854775807')" },
    { eq("settings.paid", true), "eq(settings.paid,'true')" },
    { eq("description", rql.null), "eq(description,null())" },
    { eq("description", json.null), "eq(description,null())" },
    { rql.ne("description", rql.empty), "ne(description,empty())" },
    { eq("description", ""), "eq(description,'')" },
    { eq("name", "Billing & Sync"), "eq(name,'Billing%20%26%20Sync')" },
    { eq("name", "100% + (a, b)"), "eq(name,'100%25%20%2B%20%28a%2C%20b%29')" },
    { eq("name", "O'Neil"), "eq(name,%22O%27Neil%22)" },
    { eq("name", 'the "robot"'), "eq(name,'the%20%22robot%22')" },
    { eq("name", "Zoë\n\0\127"), "eq(name,'Zo%C3%AB%0A%00%7F')" },
    { eq("name", "status"), "eq(name,'status')" },
    { rql.like("name", "CRM*"), "like(name,'CRM*')" },
    { rql.ilike("name", "*x*"), "ilike(name,'*x*')" },
    { rql.in_("id", { "TKN-1", "TKN-2" }), "in(id,('TKN-1','TKN-2'))" },
    { rql["in"]("revision", { 1 }), "in(revision,('1'))" },
    { rql.out("id", { "a,b" }), "out(id,('a%2Cb'))" },
    { rql.any("modules"), "any(modules)" },
    { rql.any("modules", eq("id", "MOD-1")), "any(modules,eq(id,'MOD-1'))" },
    { rql.all("modules", rql.ne("id", "MOD-1")), "all(modules,ne(id,'MOD-1'))" },
    { eq("a", 1) & eq("b", 2) & eq("c", 3), "and(eq(a,'1'),eq(b,'2'),eq(c,'3'))" },
    { eq("a", 1) | eq("b", 2) & eq("c", 3), "or(eq(a,'1'),and(eq(b,'2'),eq(c,'3')))" },
    { ~eq("a", 1), "not(eq(a,'1'))" },
    { rql["and"](eq("a", 1)), "eq(a,'1')" },
    { rql.or_(eq("a", 1), eq("b", 2)), "or(eq(a,'1'),eq(b,'2'))" },
    { rql["not"](eq("a", 1)), "not(eq(a,'1'))" },
    { rql.lt("lastAccessAt", 1704067200), "lt(lastAccessAt,'2024-01-01T00:00:00.000Z')" },
    { rql.gt("audit.created.at", 1704067200.5), "gt(audit.created.at,'2024-01-01T00:00:00.500Z')" },
    { rql.in_("lastAccessAt", { 0 }), "in(lastAccessAt,('1970-01-01T00:00:00.000Z'))" },
    { eq("name", rql.date(0)), "eq(name,'1970-01-01T00:00:00.000Z')" },
    { rql.contains("name", "50*"), "ilike(name,'*50**')" },
    { rql.contains("name", "x", { case = true }), "like(name,'*x*')" },
    { rql.starts_with("name", "*x"), "ilike(name,'%5C*x*')" },
    { rql.ends_with("name", "x*"), "ilike(name,'*x%5C*')" },
  }
  for _, case in ipairs(CASES) do
    it(case[2], function()
      assert.equal(case[2], tostring(case[1]))
      assert.is_true(rql.parse(case[2]) == case[1])
    end)
  end

  it("quotes single values", function()
    assert.equal("'a%20b'", rql.quote("a b"))
    assert.equal("%22it%27s%22", rql.quote("it's"))
    assert.equal("'3'", rql.quote(3))
  end)
end)

describe("rql refuses, at the caller's line,", function()
  local here = debug.getinfo(1, "S").short_src
  local CASES = {
    ["both kinds of quote"] = { function() return (eq("name", [[a'b"c]])) end, "both ' and \"" },
    ["both in a list"] = { function() return (rql.in_("name", { "a", [['"]] })) end, "both ' and \"" },
    ["both in a pattern"] = { function() return (rql.like("name", [['"]])) end, "both ' and \"" },
    ["both in rql.quote"] = { function() return (rql.quote([['"]])) end, "both ' and \"" },
    ["nil"] = { function() return (eq("name", nil)) end, "rql.null" },
    ["a table"] = { function() return (eq("name", {})) end, "got table" },
    ["NaN"] = { function() return (eq("revision", 0 / 0)) end, "cannot be compared" },
    ["infinity"] = { function() return (eq("revision", math.huge)) end, "cannot be compared" },
    ["the year 10000"] = { function() return (eq("lastAccessAt", 1e12)) end, "year from 0 to 9999" },
    ["a property with an operator in it"] = { function() return (eq("name)|eq(a", "x")) end, "name of a property" },
    ["an empty property"] = { function() return (eq("", "x")) end, "name of a property" },
    ["a property that ends in a dot"] = { function() return (eq("account.", "x")) end, "name of a property" },
    ["a property that is no string"] = { function() return (eq(nil, "x")) end, "name of a property" },
    ["an empty list"] = { function() return (rql.in_("id", {})) end, "empty" },
    ["null in a list"] = { function() return (rql.out("id", { rql.null })) end, "got table" },
    ["a list that is none"] = { function() return (rql.in_("id", "x")) end, "list of values" },
    ["an expression for a list"] = { function() return (rql.in_("id", eq("a", 1))) end, "list of values" },
    ["a pattern that is none"] = { function() return (rql.like("name", 3)) end, "pattern" },
    ["text beside &"] = { function() return (eq("a", 1) & "status=Active") end, "rql.parse" },
    ["text before |"] = { function() return ("status=Active" | eq("a", 1)) end, "rql.parse" },
    ["and of nothing"] = { function() return (rql.and_()) end, "at least one" },
    ["or of a string"] = { function() return (rql.or_(eq("a", 1), "b")) end, "expected an expression" },
    ["all without an expression"] = { function() return (rql.all("modules")) end, "expected an expression" },
    ["a text that ends in a backslash"] = { function() return (rql.contains("name", "a\\")) end, "backslash" },
    ["a text that begins with one and a star"] = { function() return (rql.starts_with("name", "\\*")) end, "backslash" },
    ["options that are none"] = { function() return (rql.contains("name", "a", true)) end, "case = true" },
    ["an option that there is not"] = { function() return (rql.ends_with("name", "a", { Case = true })) end, "no option Case" },
    ["a change"] = { function() eq("a", 1).op = "ne" end, "cannot be changed" },
    ["to parse a number"] = { function() return (rql.parse(3)) end, "expected a text" },
    ["a date that is none"] = { function() return (rql.date("now")) end, "seconds since 1970" },
  }
  for name, case in pairs(CASES) do
    it(name, function()
      local ok, message = pcall(case[1])
      assert.is_false(ok)
      assert.truthy(message:find(("%s:%d: "):format(here, debug.getinfo(case[1], "S").linedefined), 1, true), message)
      assert.truthy(message:find(case[2], 1, true), message)
    end)
  end
end)

describe("rql.parse", function()
  -- What is written in another way, and what it is the same as.
  local SAME = {
    ["status=Active"] = "eq(status,Active)",
    ["EQ(Status,'Active')"] = "eq(status,'Active')",
    ["a=1&b=2|c=3&d=4"] = "or(and(eq(a,1),eq(b,2)),and(eq(c,3),eq(d,4)))",
    ["a=1,b=2;c=3"] = "or(and(eq(a,1),eq(b,2)),eq(c,3))",
    ["a=1|b=2&c=3|d=4"] = "or(eq(a,1),and(eq(b,2),eq(c,3)),eq(d,4))",
    ["(a=1|b=2)&(c=3|d=4)"] = "and(or(eq(a,1),eq(b,2)),or(eq(c,3),eq(d,4)))",
    ["((a=1))"] = "eq(a,1)",
    ["(a)=1"] = "eq(a,1)",
    ["a=(1)"] = "eq(a,1)",
    ["a=null(),b=EMPTY()"] = "and(eq(a,null()),eq(b,empty()))",
    ["in(id,a)"] = "in(id,(a))",
    ["out(id,(a|b))"] = "out(id,(a,b))",
    ["in(id,(''))"] = "in(id,(''))",
    ["a=1&&b=2,"] = "and(eq(a,1),eq(b,2))",
    ["and(and(a=1,b=2),c=3)"] = "and(eq(a,1),eq(b,2),eq(c,3))",
    ["any(modules,id=1&name=2)"] = "any(modules,and(eq(id,1),eq(name,2)))",
    ["any(modules,id=1|name=2)"] = "any(modules,or(eq(id,1),eq(name,2)))",
    ["name=CRM+robot"] = "eq(name,CRM%20robot)",
    ["eq%28name%2C%27a%27%29"] = "eq(name,'a')",
    ["name=%27a%26b%27"] = "eq(name,'a%26b')",
    ['name="a&b"'] = "eq(name,'a%26b')",
    ["eq(name, 'a' )"] = "eq(name,'a')",
    ["a='=()|;'"] = "eq(a,'%3D%28%29%7C%3B')",
    ["gt(audit.created.at,2020-01-01T00:00:00%2B00:00)"] = "gt(audit.created.at,2020-01-01T00:00:00%2B00:00)",
    ["token=idt:TKN-0000-0001:abc"] = "eq(token,idt:TKN-0000-0001:abc)",
    ["name=50%"] = "eq(name,50%25)",
  }
  for text, same in pairs(SAME) do
    it("takes " .. text, function()
      local parsed = assert(rql.parse(text))
      assert.equal(same, (tostring(parsed):gsub("Status", "status")))
      assert.is_true(parsed == rql.parse(same))
    end)
  end

  local REFUSED = { -- text = { message, key, position }
    ["name"] = { "Expression expected.", "rql_validation", 1 },
    [""] = { "Expression expected.", "rql_validation", 1 },
    ["name="] = { "Expression expected.", "rql_validation", 5 },
    ["a=1&name"] = { "Expression expected.", "rql_validation", 5 },
    ["()"] = { "Expression expected.", "rql_validation", 1 },
    ["and()"] = { "Expression expected.", "rql_validation", 1 },
    ["null()"] = { "Expression expected.", "rql_validation", 1 },
    ["description=x=y"] = { "Invalid equals shortcut expression", "rql_validation", 14 },
    ["rql=eq(status,Active)"] = { "Invalid equals shortcut expression", "rql_validation", 5 },
    ["a=(1,2)"] = { "Invalid equals shortcut expression", "rql_validation", 3 },
    ["mistake(name,'x')"] = { "Unknown expression group.", "mistake", 1 },
    ["a=1&(b=2|Mistake(c))"] = { "Unknown expression group.", "mistake", 10 },
    ["eq(name)"] = { "Binary expression must have 2 arguments", "rql_validation", 1 },
    ["in(a,b,c)"] = { "Binary expression must have 2 arguments", "rql_validation", 1 },
    ["not(a=1,b=2)"] = { "Unary expression must have 1 argument", "rql_validation", 1 },
    ["not()"] = { "Unary expression must have 1 argument", "rql_validation", 1 },
    ["any()"] = { "Collection expression must have at least 1 argument", "rql_validation", 1 },
    ["all(modules)"] = { "all() function must have 2 arguments", "rql_validation", 1 },
    ["in(status,())"] = { "Value has to be a non empty array.", "rql_validation", 11 },
    ["in(status,null())"] = { "Value has to be a non empty array.", "rql_validation", 11 },
    ["out(status,(a,null()))"] = { "Null values are not supported.", "rql_validation", 15 },
    ["ilike(name,null())"] = { "Null values are not supported.", "rql_validation", 12 },
    ["eq(name,(a,b))"] = { "Unsupported argument type.", "rql_validation", 9 },
    ["eq(name,eq(a,b))"] = { "Unsupported argument type.", "rql_validation", 9 },
    ["eq(and(a),b)"] = { "Unsupported property node.", "rql_validation", 4 },
    ["a=null(x)"] = { "Constant functions cannot have arguments", "rql_validation", 3 },
    ["name='abc"] = { "Closing quote expected.", "rql_validation", 6 },
    ["name='abc'd"] = { "Quotes have to enclose the whole value.", "rql_validation", 11 },
    ["name=O'Neil"] = { "Quotes have to enclose the whole value.", "rql_validation", 7 },
    ["name=%20%20'a'b"] = { "Quotes have to enclose the whole value.", "rql_validation", 15 },
    ["eq(a,b"] = { "Closing parenthesis expected.", "rql_validation", 3 },
    ["a=1)"] = { "Unexpected closing parenthesis.", "rql_validation", 4 },
    ["eq(a,b)c"] = { "Separator expected.", "rql_validation", 8 },
    ["=1"] = { "Invalid property path.", "rql_validation", 1 },
    ["a=1& b=2"] = { "Invalid property path.", " b", 5 },
  }
  for text, case in pairs(REFUSED) do
    it("refuses " .. text, function()
      local parsed, err = rql.parse(text)
      assert.is_nil(parsed)
      assert.same(case, { err.message, err.key, err.position })
      assert.truthy(tostring(err):find(case[1], 1, true))
    end)
  end

  it("limits depth and length, and says so", function()
    local _, deep = rql.parse(("not("):rep(1000) .. "a=1" .. (")"):rep(1000))
    assert.truthy(deep.message:find("nested too deeply", 1, true))
    local _, open = rql.parse(("("):rep(60000))
    assert.truthy(open.message:find("nested too deeply", 1, true))
    local _, long = rql.parse("a=" .. ("b"):rep(100000))
    assert.truthy(long.message:find("too long", 1, true))
    assert.is_true(#tostring(long) < 500)
  end)
end)

it("errors of rql.parse show no secret", function()
  local _, err = rql.parse("limit=2&token=idt:TKN-0000-0001:" .. ("s3cret"):rep(11):sub(1, 64) .. "&x")
  assert.is_nil(tostring(err):find("s3cret", 1, true))
  assert.truthy(tostring(err):find("Expression expected.", 1, true))
end)

describe("rql.uses", function()
  local CASES = {
    { eq("audit.created.at", 0), true }, { eq("Audit.created.at", 0), true }, { eq("name", "audit"), false },
    { eq("auditor", "x"), false }, { ~(eq("a", 1) | rql.any("audit.events", eq("at", 1))), true },
    { rql.any("modules", eq("audit", 1)), false }, { assert(rql.parse("name=audit.created.by.id")), true },
  }
  for _, case in ipairs(CASES) do
    it(tostring(case[1]), function() assert.equal(case[2], rql.uses(case[1], "audit")) end)
  end
end)

it("rql.is and rql.equal", function()
  assert.is_true(rql.is(eq("a", 1)))
  for _, other in ipairs({ "a", 1, true, {}, rql.null, rql.empty }) do assert.is_false(rql.is(other)) end
  assert.is_true(rql.equal(eq("Name", "x"), eq("name", "x")))
  assert.is_false(eq("name", "x") == eq("name", "X"))
  assert.is_false(eq("name", "x") == rql.ne("name", "x"))
  assert.is_false(eq("name", rql.null) == eq("name", rql.empty))
  assert.is_false(rql.any("a") == rql.any("a", eq("b", 1)))
  assert.is_false((eq("a", 1) & eq("b", 1)) == (eq("b", 1) & eq("a", 1)))
  assert.is_false(rql.parse("a=b") == eq("a", "b"))
  assert.is_false(rql.parse("a=b") == rql.parse("a=c"))
  assert.is_true(rql.parse("a=b") == rql.parse("eq(A,b)"))
end)
