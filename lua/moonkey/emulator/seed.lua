-- What a store holds at first: a fixed number of made-up tokens, or the token objects of a file.
local builtin = require "moonkey.emulator.builtin"
local clock = require "moonkey.emulator.clock"
local json = require "moonkey.json"
local secrets = require "moonkey.emulator.secrets"

local M = { file = require("moonkey.emulator.seed_file").load }

M.MAX = 1000000 -- tokens that can be asked for

local EPOCH = 1704067200 -- 2024-01-01T00:00:00Z
local SYSTEM = json.encode({ id = "USR-0000-0001", name = "Emulator" })

local SUBJECTS = { "Billing", "Catalog", "CRM", "Helpdesk", "Inventory", "Order", "Partner", "Reporting", "Subscription" }
local ROLES = { "export", "import", "robot", "sync", "watcher", "bridge", "feed" }
local GRANTS = { { "MOD-1756" }, { "MOD-1756", "MOD-9042" }, { "MOD-9042" }, { "MOD-3381", "MOD-9042" }, { "MOD-3381" } }

local function pick(list, number)
  return list[number % #list + 1]
end

-- The account of all made-up tokens: the Operations account, or the same one as another type of account.
local function owner(store, account_type)
  builtin.put(store)
  if account_type then
    store:put_account({ id = builtin.OPERATIONS.id, type = account_type, name = account_type })
  end
  return builtin.OPERATIONS.id
end

-- Add `count` tokens TKN-0000-0001 and so on, all Active, of one account, within the caller's transaction.
function M.tokens(store, count, account_type)
  local account = owner(store, account_type)
  for i = 1, count do
    local id = ("TKN-%04d-%04d"):format(i // 10000, i % 10000)
    local name = ("%s %s %04d"):format(pick(SUBJECTS, i - 1), pick(ROLES, i - 1), i)
    store:add({
      id = id, name = name, description = i % 4 ~= 0 and "Made by the emulator: " .. name or nil, status = "Active",
      secret = secrets.fixed(id, i), account = account, revision = 1, modules = pick(GRANTS, i - 1),
      created_at = clock.format(EPOCH + i * 60), created_by = SYSTEM,
    })
  end
end

return M
