-- The five tokens that the contract's vectors are about, with a sixth that makes the calls; asked by query strings.
local emulator = require "moonkey.emulator"
local json = require "moonkey.json"
local routes = require "moonkey.emulator.routes"
local temporary = require "temporary"

local M = {}

local CALLER = "TKN-9999-9999"
local CLIENT = { id = "ACC-0001-0001", type = "Client", status = "Active", name = "Acme" }
local VENDOR = { id = "ACC-0002-0002", type = "Vendor", status = "Active", name = "Bolt", icon = "/bolt.png" }

local function module(id, name, paid)
  return { id = id, name = name, settings = { sharedAccount = false, configurable = true, default = false, paid = paid, type = { "Client" } } }
end

local ACCESS, BILLING = module("MOD-1756", "Access Management", false), module("MOD-9042", "Billing", true)
BILLING.settings.default = nil -- so that something of a module is null

local function token(number, name, description, status, seen, account, modules, created, revision)
  local id = ("TKN-0000-%04d"):format(number)
  return {
    id = id, name = name, description = description, status = status, lastAccessAt = seen, account = account, modules = modules,
    revision = revision, token = ("idt:%s:%s"):format(id, ("secret%d"):format(number):rep(9):sub(1, 64)),
    audit = { created = { at = created, by = { id = "USR-000" .. number, name = "User " .. number } } },
  }
end

M.TOKENS = {
  token(1, "CRM robot", "drives CRM", "Active", "2024-03-15T10:00:00.000Z", CLIENT, { ACCESS }, "2024-01-01", 1),
  token(2, "crm ROBOT", json.null, "Disabled", json.null, CLIENT, { ACCESS, BILLING }, "2024-02-01", 3),
  token(3, "Billing & Sync", "", "Active", "2024-06-01T00:00:00.000Z", VENDOR, { BILLING }, "2024-03-01", 2),
  token(4, "O'Neil bot", "a, b", "Active", "2023-12-31T23:59:59.999Z", VENDOR, json.array(), "2024-04-01", 1),
  token(5, "*star*", "x=y", "Disabled", "2025-01-01T00:00:00.000Z", CLIENT, { ACCESS, BILLING }, "2024-05-01", 1),
  {
    id = CALLER, name = "Caller", description = "asks", status = "Active", account = { id = "ACC-0000-0001", type = "Operations" },
    modules = json.array(), revision = 9, token = "idt:" .. CALLER .. ":" .. ("c"):rep(64), audit = { created = { at = "2020-01-01T00:00:00.000Z" } },
  },
}

-- A store of `tokens`, through a file as --seed reads it.
function M.open(tokens)
  local path = temporary.name()
  local file = assert(io.open(path, "w"))
  for _, item in ipairs(tokens or M.TOKENS) do file:write(json.encode(item), "\n") end
  file:close()
  local store, credential = emulator.open({ seed = path })
  os.remove(path)
  return assert(store, credential), credential
end

-- GET with a credential (that of the sixth token) -> status, decoded body
function M.get(store, path, raw, secret)
  store:begin()
  local answer = routes.handle(store, {
    method = "GET", path = "/public/v1/accounts/" .. path, query = raw,
    headers = { authorization = "Bearer " .. (secret or "idt:" .. CALLER .. ":" .. ("c"):rep(64)) },
  })
  store:commit()
  return answer.status, json.decode(answer.body)
end

-- The numbers of the tokens that a query finds, the caller's left out, as "1,3" | nil, errors
function M.find(store, raw, secret)
  local status, body = M.get(store, "api-tokens", raw, secret)
  if status ~= 200 then return nil, body.errors, status end
  local numbers = {}
  for _, item in ipairs(body.data) do
    if item.id ~= CALLER then numbers[#numbers + 1] = tostring(tonumber(item.id:sub(-4)) // 1 | 0) end
  end
  return table.concat(numbers, ","), body["$meta"].pagination
end

return M
