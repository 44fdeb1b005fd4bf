-- What a store holds at first: a fixed number of made-up tokens, or the token objects of a file.
local clock = require "moonkey.emulator.clock"
local json = require "moonkey.json"

local M = {}

M.MAX = 1000000 -- tokens that can be asked for

local OPERATIONS = { id = "ACC-0000-0001", type = "Operations", status = "Active", name = "Operations" }
local EPOCH = 1704067200 -- 2024-01-01T00:00:00Z
local SYSTEM = json.encode({ id = "USR-0000-0001", name = "Emulator" })
local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
local EVENTS = { "created", "updated", "enabled", "disabled", "deleted" }

local MODULES = {
  { "MOD-1756", "Access Management", "Users and API tokens of an account", false, { "Client", "Operations", "Vendor" } },
  { "MOD-2204", "Catalog", "Products, price lists and listings", false, { "Operations", "Vendor" } },
  { "MOD-3381", "Procurement", "Orders, agreements and subscriptions", false, { "Client", "Operations", "Vendor" } },
  { "MOD-4710", "Helpdesk", "Cases and chats", false, { "Client", "Operations", "Vendor" } },
  { "MOD-6025", "Notifications", "Messages about events", false, { "Client", "Operations", "Vendor" } },
  { "MOD-9042", "Billing", "Statements, invoices and journals", true, { "Client", "Operations", "Vendor" } },
}

local SUBJECTS = { "Billing", "Catalog", "CRM", "Helpdesk", "Inventory", "Order", "Partner", "Reporting", "Subscription" }
local ROLES = { "export", "import", "robot", "sync", "watcher", "bridge", "feed" }
local GRANTS = { { "MOD-1756" }, { "MOD-1756", "MOD-9042" }, { "MOD-9042" }, { "MOD-3381", "MOD-9042" }, { "MOD-3381" } }

local function put_modules(store)
  for _, m in ipairs(MODULES) do
    store:put_module({
      id = m[1], name = m[2], description = m[3],
      settings = json.encode({ sharedAccount = false, configurable = true, default = false, paid = m[4], type = m[5] },
        { order = { "sharedAccount", "configurable", "default", "paid", "type" } }),
    })
  end
end

-- The same 64 letters and digits for the same number, always: xorshift64* with the number as its seed.
local function secret_for(id, number)
  local state = (number + 1) * 0x9E3779B97F4A7C15
  local letters = {}
  for i = 1, 64 do
    state = state ~ (state >> 12)
    state = state ~ (state << 25)
    state = state ~ (state >> 27)
    local index = ((state * 0x2545F4914F6CDD1D) >> 33) % #ALPHABET + 1
    letters[i] = ALPHABET:sub(index, index)
  end
  return "idt:" .. id .. ":" .. table.concat(letters)
end

local function pick(list, number)
  return list[number % #list + 1]
end

-- Add `count` tokens TKN-0000-0001 and so on, all Active, of the Operations account, within the caller's transaction.
function M.tokens(store, count)
  put_modules(store)
  store:put_account(OPERATIONS)
  for i = 1, count do
    local id = ("TKN-%04d-%04d"):format(i // 10000, i % 10000)
    local name = ("%s %s %04d"):format(pick(SUBJECTS, i - 1), pick(ROLES, i - 1), i)
    store:add({
      id = id, name = name, description = i % 4 ~= 0 and "Made by the emulator: " .. name or nil, status = "Active",
      secret = secret_for(id, i), account = OPERATIONS.id, revision = 1, modules = pick(GRANTS, i - 1),
      created_at = clock.format(EPOCH + i * 60), created_by = SYSTEM,
    })
  end
end

-- ---- token objects of a file ----

local function text(value, what)
  if value == nil or value == json.null then
    return nil
  elseif type(value) == "table" then
    error({ what .. " must be a string or null" })
  end
  return tostring(value)
end

local function object(value, what)
  if value == nil or value == json.null then
    return {}
  elseif type(value) ~= "table" or json.is_array(value) then
    error({ what .. " must be an object" })
  end
  return value
end

local function account_of(value)
  local account = type(value) == "string" and { id = value } or object(value, "account")
  local id = text(account.id, "account.id") or OPERATIONS.id
  return {
    id = id, type = text(account.type, "account.type"), status = text(account.status, "account.status"),
    name = text(account.name, "account.name"), icon = text(account.icon, "account.icon"),
  }
end

-- -> array of ids; what the file says about a module holds for the whole store
local function modules_of(store, list)
  local ids = {}
  if list == nil or list == json.null then
    return ids
  elseif type(list) ~= "table" then
    error({ "modules must be a list" })
  end
  for i, item in ipairs(list) do
    local what = ("modules[%d]"):format(i)
    local module = type(item) == "string" and { id = item } or object(item, what)
    local id = text(module.id, what .. ".id")
    if not id or id:find(";", 1, true) then
      error({ what .. " has no usable id" })
    end
    ids[i] = id
    store:put_module({
      id = id, name = text(module.name, what .. ".name"), description = text(module.description, what .. ".description"),
      settings = module.settings ~= nil and json.encode(object(module.settings, what .. ".settings")) or nil,
    })
  end
  return ids
end

local function add_object(store, value, number)
  local source = object(value, "the line")
  local id = text(source.id, "id")
  if not id then
    error({ "the token has no id" })
  elseif store:row("SELECT n FROM token WHERE id = ?", id) then
    error({ ("token %s is there already"):format(id) })
  end
  local account = account_of(source.account)
  store:put_account(account)
  local token = {
    id = id, name = text(source.name, "name"), description = text(source.description, "description"),
    icon = text(source.icon, "icon"), status = text(source.status, "status") or "Active",
    secret = text(source.token, "token") or secret_for(id, number),
    last_access_at = text(source.lastAccessAt, "lastAccessAt"), account = account.id,
    revision = math.tointeger(source.revision) or 1, modules = modules_of(store, source.modules),
  }
  local audit = object(source.audit, "audit")
  for _, name in ipairs(EVENTS) do
    local event = object(audit[name], "audit." .. name)
    token[name .. "_at"] = text(event.at, "audit." .. name .. ".at")
    token[name .. "_by"] = event.by ~= nil and event.by ~= json.null and json.encode(event.by) or nil
  end
  store:add(token)
end

local function add_line(store, line, number)
  local value, message = json.decode(line)
  if value == nil then
    error({ message })
  end
  add_object(store, value, number)
end

-- Add token objects in the API's own shape, one a line, within the caller's transaction.
-- -> true | nil, message with the number of the line
function M.file(store, path)
  local file, message = io.open(path, "r")
  if not file then
    return nil, "cannot read the seed: " .. message
  end
  put_modules(store)
  store:put_account(OPERATIONS)
  local number = 0
  for line in file:lines() do
    number = number + 1
    if line:find("%S") then
      local ok, err = pcall(add_line, store, line, number)
      if not ok then
        file:close()
        return nil, ("%s:%d: %s"):format(path, number, type(err) == "table" and err[1] or err)
      end
    end
  end
  file:close()
  return true
end

return M
