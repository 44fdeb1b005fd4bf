-- What token.list and modules.list ask for, and what they refuse to.
local lists = require "list_server"
local modules = require "moonkey.modules"
local rql = require "moonkey.rql"

-- options as Lua text → the query, but for the paging at its end
local QUERIES = {
  { "nil", "order=id" },
  { "{}", "order=id" },
  { "{ where = '' }", "order=id" },
  { "{ where = { status = 'Active' } }", "eq(status,'Active')&order=id" },
  { "{ where = { status = 'Active', ['account.id'] = 'ACC-0001-0001', revision = 3 } }",
    "and(eq(account.id,'ACC-0001-0001'),eq(revision,'3'),eq(status,'Active'))&order=id" },
  { "{ where = { name = \"O'Neil & Co\" } }", "eq(name,%22O%27Neil%20%26%20Co%22)&order=id" },
  { "{ where = { description = json.null } }", "eq(description,null())&order=id" },
  { "{ where = {} }", "order=id" },
  { "{ where = rql.eq('status', 'Active') & rql.contains('name', 'a&b') }",
    "and(eq(status,'Active'),ilike(name,'*a%26b*'))&order=id" },
  { "{ where = 'status=Active&account.id=ACC-0001-0001|name=x' }", "or(and(eq(status,Active),eq(account.id,ACC-0001-0001)),eq(name,x))&order=id" },
  { "{ where = [[name='A & B +1']] }", "eq(name,'A%20%26%20B%20%201')&order=id" },
  { "{ where = [[eq(name,'żółw \"x\" #1')]] }", "eq(name,'%C5%BC%C3%B3%C5%82w%20%22x%22%20%231')&order=id" },
  { "{ where = 'not RQL at all(' }", "not%20RQL%20at%20all(&order=id" },
  { "{ order = '-lastAccessAt,name' }", "order=-lastAccessAt,name,id" },
  { "{ order = { '-lastAccessAt', 'name' } }", "order=-lastAccessAt,name,id" },
  { "{ order = '+name, -ID' }", "order=%2Bname,-ID" },
  { "{ order = 'account.id' }", "order=account.id,id" },
  { "{ select = 'modules,-token' }", "select=modules,-token&order=id" },
  { "{ select = { '-*', '+id', 'modules.id' } }", "select=-*,%2Bid,modules.id&order=id" },
  { "{ select = '' , order = {} }", "order=id" },
  -- what is filtered or sorted by has to be selected
  { "{ where = rql.gt('audit.created.at', 0) }", "gt(audit.created.at,'1970-01-01T00:00:00.000Z')&select=audit&order=id" },
  { "{ where = 'gt(Audit.created.at,1)' }", "gt(Audit.created.at,1)&select=audit&order=id" },
  { "{ where = { ['audit.created.by.id'] = 'USR-1' } }", "eq(audit.created.by.id,'USR-1')&select=audit&order=id" },
  { "{ order = '-audit.updated.at', select = 'modules' }", "select=modules,audit&order=-audit.updated.at,id" },
  { "{ order = 'audit.updated.at', select = '+audit,-token' }", "select=-token,audit&order=audit.updated.at,id" },
  { "{ order = 'audit.updated.at', select = '-audit' }", "select=audit&order=audit.updated.at,id" },
  { [[{ where = "name='a&limit=1'" }]], "eq(name,'a%26limit%3D1')&order=id" },
  { "{ where = rql.eq('name', 'audit') }", "eq(name,'audit')&order=id" },
  { "{ where = { auditor = 'x' }, order = 'auditor' }", "eq(auditor,'x')&order=auditor,id" },
}

describe("the query of a list", function()
  local asked

  setup(function()
    local code = { 'local json, rql = require "moonkey.json", require "moonkey.rql"' }
    for _, case in ipairs(QUERIES) do code[#code + 1] = ("for _ in token.list(%s) do end"):format(case[1]) end
    local lines
    lines, asked = lists.run(function(offset, limit) return lists.page(lists.tokens(1, 0), offset, limit) end,
      table.concat(code, "\n"))
    assert.same({}, lines)
  end)

  for i, case in ipairs(QUERIES) do
    it("for " .. case[1], function()
      assert.equal(("GET /api-tokens?%s&limit=100&offset=0"):format(case[2]), asked[i])
    end)
  end

  it("of modules is made the same way", function()
    local lines, seen = lists.run(function(offset, limit)
      local page = lists.page(lists.tokens(1, 3), offset, limit)
      for i, row in ipairs(page.data) do row.id = ("MOD-%04d"):format(offset + i) end
      return page
    end, [[
      for module in require("moonkey.modules").list{ where = { name = "Billing" }, page_size = 2 } do print(module.id) end
    ]])
    assert.same({ "MOD-0001", "MOD-0002", "MOD-0003" }, lines)
    assert.same({ "GET /modules?eq(name,'Billing')&order=id&limit=2&offset=0",
      "GET /modules?eq(name,'Billing')&order=id&limit=2&offset=2" }, seen)
  end)
end)

local MISUSE = {
  { { wher = 1 }, "token%.list: unknown option 'wher'; did you mean 'where'%?" },
  { { filter = 1 }, "unknown option 'filter'; there are where, select, order, limit, page_size" },
  { { offset = 3 }, "unknown option 'offset'; there are where" },
  { { "status=Active" }, "expected options such as where=, got a number key" },
  { "status=Active", "expected a table of options, such as { where = … }, got a string" },
  { { where = 7 }, "where: expected an expression of moonkey%.rql, RQL as text, or a table .*, got a number" },
  { { where = { "status=Active" } }, "where: expected properties such as status=, got a number key" },
  { { where = { ["a b"] = 1 } }, 'where: rql%.eq: expected the name of a property, .* got "a b"' },
  { { where = { name = "'\"" } }, "where: rql%.eq: a value with both ' and \" cannot be written" },
  { { where = { id = { "TKN-0000-0001" } } }, "where: rql%.eq: the value for id must be a string, a number or a boolean, got table" },
  { { where = "status=Active&limit=5" }, "where: 'limit=5' is no condition; give it as limit = …" },
  { { where = "Order=-name" }, "where: 'Order=%-name' is no condition; give it as order = …" },
  { { where = "status=Active&offset=5" }, "where: 'offset=5' is no condition; a list begins at its beginning" },
  { { where = ("x"):rep(60001) }, "where: too long for one request %(%d+ bytes; 60000 are the most%)" },
  { { select = 7 }, 'select: expected names such as "%-name,id", in a string or a list, got a number' },
  { { select = { a = true } }, "select: .*got a table with gaps or named fields" },
  { { select = "a&limit=1" }, 'select: expected a name such as "name", got "a&limit=1"' },
  { { select = { "a", 7 } }, 'select: expected a name such as "name", got a number' },
  { { select = "a,,b,-" }, 'select: expected a name such as "name", got "%-"' },
  { { order = "name desc" }, 'order: expected a name such as "name", got "name desc"' },
  { { order = { "name", "" } }, 'order: expected a name such as "name", got ""' },
  { { limit = -1 }, "limit: expected a whole number, 0 or more, got %-1" },
  { { limit = 1.5 }, "limit: expected a whole number, 0 or more, got 1%.5" },
  { { limit = "5" }, "limit: expected a whole number, 0 or more, got a string" },
  { { page_size = 0 }, "page_size: expected a whole number, 1 to 100, got 0" },
  { { page_size = 101 }, "page_size: expected a whole number, 1 to 100, got 101" },
}

describe("token.list", function()
  for _, case in ipairs(MISUSE) do
    it("refuses: " .. case[2], function()
      local ok, message = pcall(function() local _ = token.list(case[1]) end)
      assert.is_false(ok)
      assert.matches(case[2], message)
      assert.matches("token_list_options_spec%.lua:%d+: token%.list: ", message) -- the caller's line
    end)
  end

  it("names modules.list where that was called", function()
    local ok, message = pcall(function() local _ = modules.list{ wher = 1 } end)
    assert.is_false(ok)
    assert.matches("token_list_options_spec%.lua:%d+: modules%.list: unknown option 'wher'", message)
  end)

  it("takes no notice of what happens to its options afterwards", function()
    local options = { where = { status = "Active" }, limit = 0 }
    local rows = token.list(options)
    options.limit, options.where = 5, "mistake("
    assert.is_nil(rows())
    assert.is_true(rql.is(rql.eq("a", 1)))
  end)
end)
