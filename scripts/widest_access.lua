--[[
The tokens with the widest access: those with the most modules first, of these those with the most paid ones, then those that
were used the longest time ago. What is wide and unused is what should go first.

  moonkey scripts/widest_access.lua
  moonkey scripts/widest_access.lua --top 50 --format csv > wide.csv

Where tokens do not say which of their modules are paid, the platform is asked; it tells that to operations accounts only. For
others the column says "?".
]]
local errors = require "moonkey.errors"
local log = require "moonkey.log"
local modules = require "moonkey.modules"
local options = require "options"
local report = require "report"
local rql = require "moonkey.rql"

local COLUMNS = { "rank", "id", "name", "account", "modules", "paid", "last_used", "module_ids" }

local parser = options.parser("widest_access.lua", "List the Active tokens with the widest access.", [[
Examples:
  moonkey scripts/widest_access.lua
  moonkey scripts/widest_access.lua --top 50 --format csv > wide.csv
Ranked by the number of modules, of paid modules, and by how long ago they were used.]])
parser:option("--top", "How many; 0 for all.", "20"):argname("N"):convert(options.count "--top")
parser:option("--format", "How it is written.", "table"):choices(report.FORMATS)
parser:flag("--disabled", "Disabled tokens too: they can be enabled again.")
options.account(parser)
local opts = parser:parse(arg)

-- Id → is it paid? Empty where the credential's account is not told.
local function read_catalog()
  local paid = {}
  local ok, err = pcall(function()
    for module in modules.list() do paid[module.id] = module.settings and module.settings.paid end
  end)
  if not ok and not (errors.is(err) and err.status == 403) then error(err, 0) end
  if not ok then log.info("which modules are paid is told to operations accounts only") end
  return paid
end

local catalog

-- nil: not known.
local function is_paid(module)
  if module.settings and module.settings.paid ~= nil then return module.settings.paid end
  catalog = catalog or read_catalog()
  return catalog[module.id]
end

local function row_of(tok)
  local ids, paid, all_known = {}, 0, true
  for i, module in ipairs(tok.modules or {}) do
    local is = is_paid(module)
    ids[i], all_known = module.id, all_known and is ~= nil
    if is then paid = paid + 1 end
  end
  table.sort(ids)
  return { id = tok.id, name = tok.name, account = tok.account and tok.account.id, modules = #ids,
    paid = all_known and paid or "?", last_used = tok.lastAccessAt or "never", module_ids = table.concat(ids, ";"),
    order = { #ids, paid, tok.lastAccessAt or "" } }
end

local function is_wider(a, b)
  for i = 1, 2 do
    if a.order[i] ~= b.order[i] then return a.order[i] > b.order[i] end
  end
  if a.order[3] ~= b.order[3] then return a.order[3] < b.order[3] end
  return a.id < b.id
end

local where = opts.disabled and rql.in_("status", { "Active", "Disabled" }) or rql.eq("status", "Active")
if opts.account then where = where & rql.eq("account.id", opts.account) end
local rows = {}
for tok in token.list{ where = where, select = "modules" } do rows[#rows + 1] = row_of(tok) end
table.sort(rows, is_wider)

local out = report.new(opts.format, COLUMNS)
for rank, row in ipairs(rows) do
  if opts.top > 0 and rank > opts.top then break end
  row.rank = rank
  out:add(row)
end
out:finish()
