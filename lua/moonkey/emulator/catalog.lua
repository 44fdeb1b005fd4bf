-- The accounts and modules of the emulator's store, fixed after seeding: methods that store.lua takes over.
local json = require "moonkey.json"

local M = {}

-- The account types of a module as a set; nil when it names none.
local function set_of(account_types)
  local list = account_types and json.decode(account_types)
  if not json.is_array(list) or #list == 0 then
    return nil
  end
  local set = {}
  for _, kind in ipairs(list) do
    set[kind] = true
  end
  return set
end

-- account: { id, type, status, name, icon }. What a later one leaves out stays as it was.
function M:put_account(account)
  self.known_accounts[account.id] = nil
  self:run("INSERT INTO account (id, type, status, name, icon)"
    .. " VALUES (?1, coalesce(?2, 'Client'), coalesce(?3, 'Active'), ?4, ?5)"
    .. " ON CONFLICT (id) DO UPDATE SET type = coalesce(?2, type), status = coalesce(?3, status), name = coalesce(?4, name),"
    .. " icon = coalesce(?5, icon)", account.id, account.type, account.status, account.name, account.icon)
end

function M:account(id)
  local account = self.known_accounts[id]
  if not account then
    local found, type, status, name, icon = self:row("SELECT id, type, status, name, icon FROM account WHERE id = ?", id)
    account = found and { id = found, type = type, status = status, name = name, icon = icon } or nil
    self.known_accounts[id] = account
  end
  return account
end

-- module: { id, name, description, settings and account_types = JSON texts }, likewise.
function M:put_module(module)
  self.known_modules[module.id] = nil
  self:run("INSERT INTO module (id, name, description, settings, types) VALUES (?1, ?2, ?3, coalesce(?4, '{}'), ?5)"
    .. " ON CONFLICT (id) DO UPDATE SET name = coalesce(?2, name), description = coalesce(?3, description),"
    .. " settings = coalesce(?4, settings), types = coalesce(?5, types)",
    module.id, module.name, module.description, module.settings, module.account_types)
end

-- The module, with the `types` of account that it is for as a set; for all when there is no set.
function M:module(id)
  local module = self.known_modules[id]
  if not module then
    local found, name, description, settings, account_types =
      self:row("SELECT id, name, description, settings, types FROM module WHERE id = ?", id)
    module = found and {
      id = found, name = name, description = description, settings = settings, account_types = account_types,
      types = set_of(account_types),
    } or nil
    self.known_modules[id] = module
  end
  return module
end

return M
