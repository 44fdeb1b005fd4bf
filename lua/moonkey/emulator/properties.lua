--[[
The properties of tokens and of modules: which there are, what they are to a filter or an order, and where they stand in SQL.

A property is { name =, kind =, sql = }. kind: "text", "date", "integer", "boolean"; "object", with `list` and `by_name` of what
is below it; "collection", the same and `elements` = the scope of its elements; "list" and "hidden", which a filter cannot use.
In SQL `t` is the token and `m` the module; `required` ones are never null, `unique` ones never the same. Names are looked up in
lower case.
]]
local M = {}

local function scope(property)
  property.by_name = {}
  for _, child in ipairs(property.list) do
    property.by_name[child.name:lower()] = child
  end
  return property
end

local function object(name, list)
  return scope({ name = name, kind = "object", list = list })
end

local function of(kind, sql)
  return function(name, column)
    return { name = name, kind = kind, sql = sql:format(column or name) }
  end
end

local function unique(property)
  property.unique = true
  return property
end

-- ---- modules ----

local own, setting = of("text", "m.%s"), of("boolean", "json_extract(m.settings, '$.%s')")

local MODULE = {
  unique(own("id")), own("name"), own("description"),
  object("settings", {
    setting("sharedAccount"), setting("configurable"), setting("default"), setting("paid"), { name = "type", kind = "list" },
  }),
}

-- A list of modules says for which types of account they are only when asked for it.
M.module = object(nil, { { name = "accountTypes", kind = "list" }, table.unpack(MODULE) })

-- ---- tokens ----

local column, date = of("text", "t.%s"), of("date", "t.%s")
local account = of("text", "(SELECT %s FROM account WHERE id = t.account)")
local by = of("text", "json_extract(t.%s_by, '$.id')")
local by_name = of("text", "json_extract(t.%s_by, '$.name')")

local function event(name)
  return object(name, { date("at", name .. "_at"), object("by", { by("id", name), by_name("name", name) }) })
end

local modules = { name = "modules", kind = "collection", list = {}, elements = M.module }
for i, property in ipairs(MODULE) do
  modules.list[i] = property
end
table.insert(modules.list, { name = "filters", kind = "hidden" })

local revision = { name = "revision", kind = "integer", sql = "t.revision", required = true }

M.token = object(nil, {
  unique(column("id")), revision, column("status"), column("name"), column("description"), column("icon"),
  date("lastAccessAt", "last_access_at"), column("token", "secret"),
  object("account", { column("id", "account"), account("icon"), account("type"), account("status"), account("name") }),
  scope(modules), { name = "extensions", kind = "hidden" },
  object("audit", { event("created"), event("updated"), event("enabled"), event("disabled"), event("deleted") }),
})

-- ---- paths ----

-- "account.id" within a scope -> the property | nil, the part of the path up to the first name that is not there.
-- Nothing is below a collection here: any() and all() lead to its elements.
function M.find(within, path)
  local property = within
  for name, after in (path .. "."):gmatch("([^.]*)%.()") do
    property = property.kind == "object" and property.by_name[name:lower()]
    if not property or property.kind == "hidden" then
      return nil, path:sub(1, after - 2)
    end
  end
  return property
end

return M
