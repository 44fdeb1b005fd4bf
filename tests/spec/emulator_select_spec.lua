-- What `select=` shows of tokens, in lists and of one, and what `$meta.omitted` says of it.
local fixture = require "rql_fixture"
local json = require "moonkey.json"

local store

-- The names of all that is in a value, as "account(id,name),id"; of a list, of its first item.
local function shape(value)
  if json.is_array(value) then return type(value[1]) == "table" and shape(value[1]) or "" end
  local names = {}
  for name, inner in pairs(value) do
    if name ~= "$meta" then
      local below = type(inner) == "table" and inner ~= json.null and shape(inner)
      names[#names + 1] = below and below ~= "" and name .. "(" .. below .. ")" or name
    end
  end
  table.sort(names)
  return table.concat(names, ",")
end

local SETTINGS = "settings(configurable,default,paid,sharedAccount,type)"
local PLAIN = "description,icon,id,lastAccessAt,name,revision,status,token"
local ACCOUNT = "account(icon,id,name,status,type)"
local AUDIT = "audit(created(at,by(id,name)))"
local MODULES = "modules(description,filters(group.buyers),id,name," .. SETTINGS .. ")"

-- The first token is in the answer with exactly these parts.
local function parts(...)
  local list = { ... }
  table.sort(list)
  return table.concat(list, ",")
end

local function sorted(text)
  local names, depth, from = {}, 0, 1
  for at, sign in (text .. ","):gmatch("()([(),])") do
    if sign == "(" then depth = depth + 1 elseif sign == ")" then depth = depth - 1 end
    if sign == "," and depth == 0 then
      names[#names + 1] = text:sub(from, at - 1)
      from = at + 1
    end
  end
  table.sort(names)
  return table.concat(names, ",")
end

local LIST = { -- query, shape of the token, omitted
  { "", parts(ACCOUNT, PLAIN), { "audit", "modules" } },
  { "select=", parts(ACCOUNT, PLAIN), { "audit", "modules" } },
  { "select=audit,modules", parts(ACCOUNT, AUDIT, PLAIN, MODULES), {} },
  { "select=Audit&select=%2BMODULES", parts(ACCOUNT, AUDIT, PLAIN, MODULES), {} },
  { "select=*", parts(ACCOUNT, AUDIT, PLAIN, MODULES), {} },
  { "SELECT=name,bogus,-such.thing", parts(ACCOUNT, PLAIN), { "audit", "modules" } },
  { "select=-token", parts(ACCOUNT, (PLAIN:gsub(",token", ""))), { "audit", "modules", "token" } },
  { "select=-*,+id", "id", { "account", "audit", "description", "extensions", "icon", "lastAccessAt", "modules", "name", "revision", "status", "token" } },
  { "select=%2Bid,-*", "id", { "account", "audit", "description", "extensions", "icon", "lastAccessAt", "modules", "name", "revision", "status", "token" } },
  { "select=-*,id, name", "id,name", { "account", "audit", "description", "extensions", "icon", "lastAccessAt", "modules", "revision", "status", "token" } },
  { "select=+modules.id", parts(ACCOUNT, PLAIN, "modules(id)"), { "audit" } },
  { "select=modules.id,modules.settings.paid", parts(ACCOUNT, PLAIN, "modules(id,settings(paid))"), { "audit" } },
  { "select=modules,-modules.settings", parts(ACCOUNT, PLAIN, "modules(description,filters(group.buyers),id,name)"), { "audit", "modules.settings" } },
  { "select=modules(id,name)", parts(ACCOUNT, PLAIN, MODULES), { "audit" } },
  { "select=account.name", parts(ACCOUNT, PLAIN), { "audit", "modules" } },
  { "select=-account.icon", parts("account(id,name,status,type)", PLAIN), { "account.icon", "audit", "modules" } },
  { "select=-account", PLAIN, { "account", "audit", "modules" } },
  { "select=-account,account.name", parts("account(name)", PLAIN), { "audit", "modules" } },
  { "select=audit.created.at", parts(ACCOUNT, "audit(created(at))", PLAIN), { "modules" } },
  { "select=audit,-audit.created.by.name", parts(ACCOUNT, "audit(created(at,by(id)))", PLAIN), { "audit.created.by.name", "modules" } },
  -- what a filter or an order uses is there
  { "any(modules,id=MOD-1756)", parts(ACCOUNT, PLAIN, "modules(id)"), { "audit" } },
  { "any(modules)", parts(ACCOUNT, PLAIN, "modules(id)"), { "audit" } },
  { "any(modules,settings.paid=false)&select=-*", "id,modules(settings(paid))", nil },
  { "select=-*,id&account.type=Client&order=name", "account(type),id,name", nil },
  { "select=-name&order=name,id&name='CRM robot'", parts(ACCOUNT, PLAIN), { "audit", "modules" } },
}

local ONE = {
  { "", parts(ACCOUNT, AUDIT, PLAIN, MODULES), {} },
  { "select=-*,+id", "id", { "account", "audit", "description", "extensions", "icon", "lastAccessAt", "modules", "name", "revision", "status", "token" } },
  { "select=+modules.id", parts(ACCOUNT, AUDIT, PLAIN, "modules(id)"), {} },
  { "select=audit", parts(ACCOUNT, AUDIT, PLAIN, MODULES), {} },
  { "select=-modules,-token", parts(ACCOUNT, AUDIT, (PLAIN:gsub(",token", ""))), { "modules", "token" } },
  { "other=1", parts(ACCOUNT, AUDIT, PLAIN, MODULES), {} },
}

-- The fixture's tokens, but the first has all that a token can have.
local function tokens()
  local all = { table.unpack(fixture.TOKENS) }
  all[1] = {}
  for name, value in pairs(fixture.TOKENS[1]) do all[1][name] = value end
  all[1].icon = "/robot.png"
  all[1].account = { id = "ACC-0001-0001", type = "Client", status = "Active", name = "Acme", icon = "/acme.png" }
  return all
end

describe("select=", function()
  setup(function() store = fixture.open(tokens()) end)
  teardown(function() store:close() end)

  for _, case in ipairs(LIST) do
    it("in a list: " .. case[1], function()
      local query = case[1]:find("MOD%-") and case[1] or case[1] .. "&id='TKN-0000-0001'"
      if case[1]:find("select=%-%*") then query = query .. "&order=id" end
      local status, body = fixture.get(store, "api-tokens", query)
      assert.equal(200, status)
      assert.equal(sorted(case[2]), shape(body.data[1]))
      if case[3] then assert.same(case[3], body["$meta"].omitted) end
      assert.same(body["$meta"].omitted, body.data[1]["$meta"].omitted)
    end)
  end

  for _, case in ipairs(ONE) do
    it("of one: " .. case[1], function()
      local status, token = fixture.get(store, "api-tokens/TKN-0000-0001", case[1])
      assert.equal(200, status)
      assert.equal(sorted(case[2]), shape(token))
      assert.same(case[3], token["$meta"].omitted)
    end)
  end

  it("is refused where it cannot be read", function()
    local status, body = fixture.get(store, "api-tokens/TKN-0000-0001", "select=modules(id")
    assert.equal(400, status)
    assert.same({ rql_validation = { "Closing parenthesis expected." } }, body.errors)
  end)

  it("never shows secrets that the store hides", function()
    store.options = { hide_token = true }
    for _, query in ipairs({ "", "select=token", "select=*", "token=x|order=1|id='TKN-0000-0001'" }) do
      local _, one = fixture.get(store, "api-tokens/TKN-0000-0001", query)
      local _, list = fixture.get(store, "api-tokens", query .. "&limit=1")
      assert.is_nil(one.token)
      assert.is_nil(list.data and list.data[1].token)
    end
    store.options = nil
  end)
end)
