-- What every store knows before a token is in it: an Operations account, and modules. Of these, MOD-0478, MOD-1756 and
-- MOD-9042 are documented; the public tests of the platform's clients name more, and say for whom they are;
-- the rest is made up.
local json = require "moonkey.json"

local M = {}

M.OPERATIONS = { id = "ACC-0000-0001", type = "Operations", status = "Active", name = "Operations" }

local ORDER = { order = { "sharedAccount", "configurable", "default", "paid", "type" } }
local ALL = { "Client", "Operations", "Vendor" }
local CLIENT, VENDOR, OPERATIONS = { "Client", "Operations" }, { "Operations", "Vendor" }, { "Operations" }

local MODULES = {
  { "MOD-0478", "Marketplace", "Buy and manage subscriptions", ALL, default = true, shared = true },
  { "MOD-0622", "Buyers and Licensees", "Who buys, and who uses what was bought", CLIENT, default = true },
  { "MOD-0837", "Sellers", "Legal entities that sell", OPERATIONS },
  { "MOD-1239", "Account Management", "Details and settings of an account", ALL, default = true, fixed = true },
  { "MOD-1756", "Access Management", "Users and API tokens of an account", ALL, default = true },
  { "MOD-2204", "Catalog", "Products, price lists and listings", VENDOR },
  { "MOD-2671", "Exchange Rates", "Currencies and their rates", OPERATIONS },
  { "MOD-3381", "Procurement", "Orders, agreements and subscriptions", ALL },
  { "MOD-3915", "Cloud Cost", "What is spent in clouds, and on what", CLIENT, paid = true },
  { "MOD-4525", "Audit Trail", "Who did what, and when", ALL, default = true },
  { "MOD-4710", "Helpdesk", "Cases and chats", ALL },
  { "MOD-5158", "Reports", "Reports, and when they are sent", ALL },
  { "MOD-5842", "Integration", "Extensions and webhooks", ALL, default = true },
  { "MOD-6025", "Notifications", "Messages about events", ALL },
  { "MOD-6338", "Software Assets", "Licences, and where they are in use", CLIENT, default = true },
  { "MOD-7094", "Data Exchange", "Files in and out, in bulk", VENDOR, paid = true },
  { "MOD-8352", "Spotlight", "What needs attention today", ALL, default = true },
  { "MOD-8743", "Fulfilment", "Orders that wait to be fulfilled", VENDOR, default = true },
  { "MOD-9042", "Billing", "Statements, invoices and journals", ALL, default = true, paid = true },
  { "MOD-9567", "Programs", "Programs, and enrolment in them", VENDOR },
}

function M.put(store)
  store:put_account(M.OPERATIONS)
  for _, m in ipairs(MODULES) do
    store:put_module({
      id = m[1], name = m[2], description = m[3],
      settings = json.encode({
        sharedAccount = m.shared or false, configurable = not m.fixed, default = m.default or false, paid = m.paid or false,
        type = { "new" },
      }, ORDER),
      account_types = json.encode(m[4]),
    })
  end
end

return M
