-- The emulator's lists: every row of the contract's vectors, and more for each operator and each kind of property.
local fixture = require "rql_fixture"

local KEY = "rql_validation"
local UNKNOWN = "Invalid property path."

-- { query, "numbers of the tokens" } or { query, key of the error, message }
local VECTORS = {
  { "status=Active", "1,3,4" }, { 'eq(status,"Active")', "1,3,4" }, { "EQ(Status,'Active')", "1,3,4" },
  { "eq(status,active)", "" },
  { "ne(status,'Active')", "2,5" }, { "out(status,(Active))", "2,5" },
  { "status=Active&account.id=ACC-0001-0001", "1" }, { "status=Active,account.id=ACC-0001-0001", "1" },
  { "status=Disabled|name='CRM robot'", "1,2,5" }, { "status=Disabled;name='CRM robot'", "1,2,5" },
  { "(status=Active|status=Disabled)&account.id=ACC-0002-0002", "3,4" },
  { "and(eq(status,Active),or(eq(revision,2),eq(name,'CRM robot')))", "1,3" },
  { "not(or(status=Active,revision=3))", "5" },
  { "in(id,('TKN-0000-0001','TKN-0000-0005'))", "1,5" },
  { "in(status,())", KEY, "Value has to be a non empty array." },
  { "out(description,('drives CRM'))", "2,3,4,5" },
  { "description=null()", "2" },
  { "not(eq(description,null()))", "1,3,4,5" },
  { "ne(description,'drives CRM')", "3,4,5" },
  { "name=CRM%20robot", "1" }, { "name=CRM+robot", "1" },
  { 'name="Billing %26 Sync"', "3" },
  { "name='Billing & Sync'", "" },
  { [[eq(name,"O'Neil bot")]], "4" },
  { "eq(description,'x=y')", "5" },
  { "description=x=y", KEY, "Invalid equals shortcut expression" },
  { "ilike(name,crm*)", "1,2" }, { "ilike(name,*ROBOT)", "1,2" },
  { "ilike(name,bot)", "" },
  { "like(name,CRM*)", "1" },
  { "ilike(name,*)", "1,2,3,4,5" },
  { [[like(name,'\*star\*')]], "5" }, { [[ilike(name,'\**')]], "5" },
  { "gt(lastAccessAt,2024-01-01T00:00:00.000Z)", "1,3,5" },
  { 'lt(lastAccessAt,"2024-01-01T00:00:00.000Z")', "4" },
  { "gt(lastAccessAt,notadate)", KEY, "Cannot convert value: 'notadate'." },
  { 'select=audit&and(gt(audit.created.at,"2024-02-01T00:00:00.000Z"),lt(audit.created.at,"2024-05-01T00:00:00.000Z"))', "3,4" },
  { "any(modules,id=MOD-9042)", "2,3,5" },
  { "any(modules)", "1,2,3,5" }, { "not(any(modules))", "4" },
  { "all(modules)", KEY, "all() function must have 2 arguments" },
  { "bogus=1", "bogus", UNKNOWN },
  { "mistake(name,'x')", "mistake", "Unknown expression group." },
  { "name", KEY, "Expression expected." }, { "name=", KEY, "Expression expected." },
  { "eq(name)", KEY, "Binary expression must have 2 arguments" },
  { "not(a=1,b=2)", KEY, "Unary expression must have 1 argument" },
  { "rql=eq(status,Active)", KEY, "Invalid equals shortcut expression" },
  { "query=eq(status,Active)", "1,3,4" },
  { "order=lastAccessAt,id", "2,4,1,3,5" },
  { "status=Active&order=-revision,id", "3,1,4" },
  { "order=bogus", "bogus", UNKNOWN },
}

local STRINGS = {
  { "gt(name,'CRM robot')", "2,4" }, { "ge(name,'CRM robot')", "1,2,4" }, { "lt(name,'CRM robot')", "3,5" }, { "le(name,'CRM robot')", "1,3,5" },
  { "name=crm+robot", "" }, { "eq(name,'CRM%20robot')", "1" }, { "NAME='CRM robot'", "1" }, { "name='CRM robot '", "" },
  { "description=empty()", "3" }, { "ne(description,empty())", "1,4,5" }, { "description=''", "3" }, { "ne(description,null())", "1,3,4,5" },
  { "gt(description,null())", "" }, { "not(gt(description,null()))", "1,2,3,4,5" }, { "not(description='drives CRM')", "2,3,4,5" },
  { "not(ne(description,'drives CRM'))", "1,2" }, { "not(not(description='drives CRM'))", "1" }, { "not(ilike(description,*s*))", "2,3,4,5" },
  { "not(out(description,('drives CRM')))", "1" }, { "not(in(description,('drives CRM')))", "2,3,4,5" },
  { "in(description,('','a, b'))", "3,4" }, { "in(description,(empty()))", KEY, "Value has to be a non empty array." },
  { "in(description,(empty(),x))", "3" }, { "in(id,TKN-0000-0001)", "1" }, { "in(status,(Active|Disabled))", "1,2,3,4,5" },
  { "in(status,(Active,null()))", KEY, "Null values are not supported." }, { "like(name,null())", KEY, "Null values are not supported." },
  { "like(name,*robot)", "1" }, { "like(name,*R*)", "1,2" }, { "like(name,*x*)", "" }, { "like(name,'CRM robot')", "1" },
  { "ilike(name,'crm robot')", "1,2" }, { "ilike(name,*_*)", "" }, { "ilike(name,*%25*)", "" }, { "like(name,*%3F*)", "" }, { "like(name,C*t)", "" },
  { [[like(name,'\*st*')]], "5" }, { [[like(name,*ar\*)]], "5" }, { [[ilike(name,'\*')]], "" }, { "like(name,**)", "1,2,3,4,5" },
  { "ilike(name,'**star**')", "5" }, { "like(name,'[Cc]*')", "" }, { [[ilike(name,'*\*')]], "5" }, { "like(description,*)", "1,3,4,5" },
  { "like(description,'')", "3" }, { "like(name,'*Billing & Sync*')", "" }, { "in(name,('Billing & Sync'))", "" },
  { "eq(name,(a,b))", KEY, "Unsupported argument type." },
  { "token=idt:TKN-0000-0003:" .. ("secret3"):rep(9):sub(1, 64), "3" }, { "token=idt:TKN-0000-0003:x", "" }, { "icon=null()", "1,2,3,4,5" },
  { "name=%00", "" }, { "ilike(name,*%00*)", "" }, { "name=%FF%FE", "" }, { "name='Billing %26 Sync'&status=Active", "3" },
}

local ENUMS = {
  { "account.type=Client", "1,2,5" }, { "account.type=client", "" }, { "ne(account.type,Client)", "3,4" },
  { "in(account.type,(Client,Vendor))", "1,2,3,4,5" },
  { "out(account.type,(Client))", "3,4" }, { "account.status=Active", "1,2,3,4,5" }, { "ilike(account.type,v*)", "3,4" },
  { "account.name=Bolt", "3,4" },
  { "account.icon=null()", "1,2,5" }, { "not(account.icon='/bolt.png')", "1,2,5" }, { "Account.Id='ACC-0002-0002'", "3,4" }, { "status=null()", "" },
  { "account=null()", "" }, { "ne(account,null())", "1,2,3,4,5" }, { "account=x", KEY, "Cannot convert value: 'x'." },
  { "account.bogus=1", "account.bogus", UNKNOWN }, { "account.id.x=1", "account.id.x", UNKNOWN }, { "account.bogus.x=1", "account.bogus", UNKNOWN },
  { "status.x=1", "status.x", UNKNOWN }, { "account.=1", "account.", UNKNOWN }, { "modules.id=MOD-9042", "modules.id", UNKNOWN },
}

local INTEGERS = {
  { "revision=1", "1,4,5" }, { "revision='1'", "1,4,5" }, { "ne(revision,1)", "2,3" }, { "gt(revision,1)", "2,3" }, { "ge(revision,2)", "2,3" },
  { "lt(revision,2)", "1,4,5" }, { "le(revision,2)", "1,3,4,5" }, { "in(revision,(2,3))", "2,3" }, { "out(revision,(2,3))", "1,4,5" },
  { "gt(revision,-5)", "1,2,3,4,5" }, { "revision=1.5", KEY, "Cannot convert value: '1.5'." }, { "revision=x", KEY, "Cannot convert value: 'x'." },
  { "revision=empty()", KEY, "Cannot convert value: ''." }, { "revision=99999999999", KEY, "Cannot convert value: '99999999999'." },
  { "in(revision,(1,x))", KEY, "Cannot convert value: 'x'." }, { "revision=null()", KEY, "Cannot compare non nullable property with null" },
  { "ilike(revision,*1*)", KEY, "Operator 'Contains' is not permitted" }, { "like(revision,1*)", KEY, "Operator 'StartsWith' is not permitted" },
}

local DATES = {
  { "lastAccessAt=2024-06-01", "3" }, { "lastAccessAt=2024-06-01T00:00:00Z", "3" }, { "lastAccessAt=2024-06-01T00:00", "3" },
  { "lastAccessAt='2024-06-01T00:00:00.0000000Z'", "3" }, { "lastAccessAt='2024-06-01T02:00:00%2B02:00'", "3" },
  { "lastAccessAt=2024-06-01T02:00:00+02:00", "3" },
  { "lastAccessAt='2024-05-31T19:00:00.000-05:00'", "3" }, { "lastAccessAt='2024-06-01 00:00:00'", "3" }, { "ne(lastAccessAt,2024-06-01)", "1,4,5" },
  { "ge(lastAccessAt,2024-06-01)", "3,5" }, { "le(lastAccessAt,2024-06-01)", "1,3,4" }, { "lastAccessAt=null()", "2" },
  { "lastAccessAt=empty()", "2" },
  { "ne(lastAccessAt,null())", "1,3,4,5" }, { "not(gt(lastAccessAt,2024-01-01))", "2,4" }, { "in(lastAccessAt,(2024-06-01,2025-01-01))", "3,5" },
  { "out(lastAccessAt,(2024-06-01))", "1,2,4,5" }, { "gt(lastAccessAt,2023-12-31T23:59:59.998Z)&lt(lastAccessAt,2024-01-01)", "4" },
  { "lastAccessAt=2024-02-30", KEY, "Cannot convert value: '2024-02-30'." },
  { "lastAccessAt=2024-13-01", KEY, "Cannot convert value: '2024-13-01'." },
  { "ilike(lastAccessAt,2024*)", KEY, "Operator 'StartsWith' is not permitted" },
  { "select=audit&audit.created.at=2024-02-01", "2" }, { "select=audit&order=-audit.created.at&status=Active", "4,3,1" },
  { "select=audit&audit.created.by.id=USR-0004", "4" }, { "select=audit.created&ilike(audit.created.by.name,*5)", "5" },
  { "select=audit&audit.deleted.at=null()&order=id", "1,2,3,4,5" }, { "select=audit&order=audit.created.by.id", "1,2,3,4,5" },
  { "select=audit&audit.created=null()", "" }, { "select=audit&audit.bogus.at=1", "audit.bogus", UNKNOWN },
  { "audit.created.at=2024-02-01", "audit.created.at", "Filtering is not permitted without select=audit." },
  { "select=-audit&audit.created.at=2024-02-01", "audit.created.at", "Filtering is not permitted without select=audit." },
  { "order=-audit.created.at", "1,2,3,4,5" }, { "order=-audit.created.at,-id", "5,4,3,2,1" },
}

local COLLECTIONS = {
  { "any(modules,settings.paid=true)", "2,3,5" }, { "any(modules,settings.paid=false)", "1,2,5" }, { "any(modules,settings.paid='True')", "2,3,5" },
  { "any(modules,ne(settings.paid,true))", "1,2,5" }, { "any(modules,in(settings.paid,(true)))", "2,3,5" },
  { "all(modules,settings.paid=true)", "3,4" }, { "all(modules,not(settings.paid=true))", "1,4" }, { "not(all(modules,id=MOD-1756))", "2,3,5" },
  { "any(modules,name=Billing)", "2,3,5" }, { "any(modules,and(id=MOD-9042,name=Billing))", "2,3,5" }, { "any(modules,id=MOD-9042&name=x)", "" },
  { "any(modules,id=MOD-9042|name='Access Management')", "1,2,3,5" }, { "any(modules,not(id=MOD-9042))", "1,2,5" },
  { "any(modules,description=null())", "" }, { "any(modules,description=*users*)", "" }, { "any(modules,ilike(description,*users*))", "1,2,5" },
  { "any(modules,ilike(name,*acc*))", "1,2,5" }, { "and(any(modules,id=MOD-9042),any(modules,id=MOD-1756))", "2,5" },
  { "any(modules,id='MOD-0000')", "" },
  { "all(modules,id='MOD-0000')", "4" }, { "any(Modules,ID=MOD-9042)&status=Active", "3" }, { "any(modules,id=name)", "" },
  { "any(modules,settings.paid=x)", KEY, "Cannot convert value: 'x'." }, { "any(modules,bogus=1)", "modules.bogus", UNKNOWN },
  { "any(modules,settings.bogus=1)", "modules.settings.bogus", UNKNOWN },
  { "any(modules,gt(settings.paid,true))", KEY, "Operator 'Gt' is not permitted" },
  { "any(name)", "name", "Collection property has incompatible type" }, { "any(modules,x)", KEY, "Expression expected." },
  { "any(bogus)", "bogus", UNKNOWN },
  { "modules=x", KEY, "Cannot convert value: 'x'." }, { "order=modules", "modules", "Ordering is not permitted." },
  { "order=account", "account", "Ordering is not permitted." },
}

local PROPERTIES = { -- unquoted values that name a property
  { "name=name", "1,2,3,4,5" }, { "name=Name", "1,2,3,4,5" }, { "name='name'", "" }, { "name=description", "" },
  { "ne(name,description)", "1,3,4,5" },
  { "gt(name,description)", "3" }, { "revision=revision", "1,2,3,4,5" }, { "not(name=description)", "1,2,3,4,5" },
  { "lastAccessAt=name", KEY, "Cannot convert value: 'name'." }, { "name=revision", "" }, { "name=account.name", "" }, { "in(name,(name))", "" },
  { "like(name,name)", "" },
  { "name=audit.created.by.name", "audit.created.by.name", "Filtering is not permitted without select=audit." },
}

local PARAMETERS = {
  { "LIMIT=100&Order=-ID", "5,4,3,2,1" }, { "order=+name", "5,3,1,4,2" }, { "order=%2Bname", "5,3,1,4,2" }, { "order= name", "5,3,1,4,2" },
  { "order=-name", "2,4,1,3,5" }, { "order=status,-lastAccessAt", "3,1,4,5,2" }, { "order=status&order=-lastAccessAt", "3,1,4,5,2" },
  { "order=", "1,2,3,4,5" },
  { "order=-account.id,+id", "3,4,1,2,5" }, { "order=account.name,-id", "5,2,1,4,3" }, { "order=description", "2,3,4,1,5" },
  { "order=-description", "5,1,4,3,2" },
  { "order=Status,ID", "1,3,4,2,5" }, { "order=,", KEY, "No valid ordering properties were detected" },
  { "order=-", KEY, "No valid ordering properties were detected" },
  { "order=account.bogus", "account.bogus", UNKNOWN }, { "query=status=Active&query=revision=1", "1,4" },
  { "query=status=Active|revision=3&account.type=Client", "1,2" },
  { "query=", "1,2,3,4,5" }, { "", "1,2,3,4,5" }, { "&&", "1,2,3,4,5" }, { "limit=-1", "limit", "Cannot convert value: '-1'." },
  { "limit=x", "limit", "Cannot convert value: 'x'." }, { "limit=", "limit", "Cannot convert value: ''." },
  { "limit=99999999999", "limit", "Cannot convert value: '99999999999'." },
  { "offset=-1", "offset", "Cannot convert value: '-1'." }, { "offset=1.5", "offset", "Cannot convert value: '1.5'." },
  { "limit=2&limit=3&order=id", "1,2" },
  { "offset=4&order=id", "5" }, { "offset=100", "" }, { "select=nothing,-such", "1,2,3,4,5" }, { "select=(", KEY, "Closing parenthesis expected." },
  { "status%3DActive", "1,3,4" }, { "eq%28status%2C%27Active%27%29", "1,3,4" }, { "status=Active%26revision=2", "3" },
}

local store

describe("the emulator's lists:", function()
  setup(function() store = fixture.open() end)
  teardown(function() store:close() end)

  local function table_of(name, cases)
    describe(name, function()
      for _, case in ipairs(cases) do
        it(case[1] .. (case[3] and " is refused" or " finds " .. case[2]), function()
          local found, errors, status = fixture.find(store, case[1])
          if not case[3] then
            assert.equal(case[2], found or require("moonkey.json").encode(errors))
          else
            assert.is_nil(found)
            assert.equal(400, status)
            assert.same({ [case[2]] = { case[3] } }, errors)
          end
        end)
      end
    end)
  end

  table_of("the contract's vectors,", VECTORS)
  table_of("strings,", STRINGS)
  table_of("enumerations and accounts,", ENUMS)
  table_of("integers,", INTEGERS)
  table_of("dates,", DATES)
  table_of("collections,", COLLECTIONS)
  table_of("properties as values,", PROPERTIES)
  table_of("parameters,", PARAMETERS)

  it("pages", function()
    local found, pagination = fixture.find(store, "order=id&limit=2&offset=1")
    assert.equal("2,3", found)
    assert.same({ offset = 1, limit = 2, total = 6 }, pagination)
    found, pagination = fixture.find(store, "limit=0")
    assert.equal("", found)
    assert.same({ offset = 0, limit = 0, total = 6 }, pagination)
    assert.equal(100, select(2, fixture.find(store, "limit=500")).limit)
    assert.equal(10, select(2, fixture.find(store, "")).limit)
    assert.equal(3, select(2, fixture.find(store, "status=Active&ne(name,Caller)&limit=1")).total)
  end)

  it("tells all that is wrong with a query at once", function()
    local _, errors = fixture.find(store, "and(bogus=1,mistake(a),or(revision=x,account.x=1))&order=nope&limit=x")
    assert.same({
      bogus = { UNKNOWN }, mistake = { "Unknown expression group." }, [KEY] = { "Cannot convert value: 'x'." }, ["account.x"] = { UNKNOWN },
      nope = { UNKNOWN }, limit = { "Cannot convert value: 'x'." },
    }, errors)
  end)

  it("sees the access that is asking", function()
    assert.equal(1, select(2, fixture.find(store, "gt(lastAccessAt,2026-01-01)")).total)
  end)
end)

it("the emulator shows each credential what is its account's", function()
  local own = fixture.open()
  local client, vendor = fixture.TOKENS[1].token, fixture.TOKENS[3].token
  assert.equal("1,2,5", (fixture.find(own, "", client)))
  assert.equal("3,4", (fixture.find(own, "any(modules)|not(any(modules))", vendor)))
  assert.equal("", (fixture.find(own, "id='TKN-0000-0003'", client)))
  local found, pagination = fixture.find(own, "account.id='ACC-0002-0002'|revision=3", client)
  assert.equal("2", found)
  assert.equal(1, pagination.total)
  own:close()
end)

describe("the emulator's list of modules:", function()
  setup(function() store = fixture.open() end)
  teardown(function() store:close() end)

  local CASES = {
    { "id=MOD-9042", "MOD-9042" }, { "name=Billing", "MOD-9042" }, { "in(id,(MOD-1756,MOD-9042))&settings.paid=true", "MOD-9042" },
    { "in(id,(MOD-1756,MOD-9042))&order=-name", "MOD-9042,MOD-1756" }, { "in(id,(MOD-1756,MOD-9042))&order=settings.paid", "MOD-1756,MOD-9042" },
    { "ilike(name,*LL*)&settings.paid=true&in(id,(MOD-9042))", "MOD-9042" },
    { "bogus=1", "bogus", UNKNOWN }, { "status=Active", "status", UNKNOWN }, { "order=lastAccessAt", "lastAccessAt", UNKNOWN },
    { "limit=x", "limit", "Cannot convert value: 'x'." }, { "settings.type=Client", KEY, "Cannot convert value: 'Client'." },
  }
  for _, case in ipairs(CASES) do
    it(case[1], function()
      local status, body = fixture.get(store, "modules", case[1])
      if case[3] then
        assert.equal(400, status)
        return assert.same({ [case[2]] = { case[3] } }, body.errors)
      end
      local ids = {}
      for i, module in ipairs(body.data) do ids[i] = module.id end
      assert.equal(case[2], table.concat(ids, ","))
    end)
  end

  it("pages and selects", function()
    local _, body = fixture.get(store, "modules", "in(id,(MOD-1756,MOD-9042))&select=-settings,-description&limit=1&offset=1")
    assert.same({ { id = "MOD-9042", name = "Billing" } }, body.data)
    assert.same({ pagination = { offset = 1, limit = 1, total = 2 }, omitted = { "accountTypes", "description", "settings" } }, body["$meta"])
    local _, one = fixture.get(store, "modules/MOD-9042", "select=-*,id,settings.paid")
    assert.same({ id = "MOD-9042", settings = { paid = true } }, one)
  end)
end)
