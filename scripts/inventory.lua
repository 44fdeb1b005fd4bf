--[[
An inventory of all tokens that the credential may see: whose they are, what they may do, when they were used. There is no
secret in it.

  moonkey scripts/inventory.lua > tokens.csv
  moonkey scripts/inventory.lua --format markdown --status Active --output tokens.md
  moonkey scripts/inventory.lua --format json | jq 'group_by(.account_id) | map(length)'

CSV has a byte order mark, so that Excel reads it as UTF-8, and an apostrophe before what a spreadsheet would take for a
formula.
]]
local json = require "moonkey.json"
local options = require "options"
local report = require "report"

local COLUMNS = { "id", "name", "description", "status", "account_id", "account_name", "account_type", "modules",
  "module_names", "created", "created_by", "updated", "last_used" }

local parser = options.parser("inventory.lua", "Write an inventory of all tokens, without secrets.", [[
Examples:
  moonkey scripts/inventory.lua > tokens.csv
  moonkey scripts/inventory.lua --format markdown --output tokens.md
  moonkey scripts/inventory.lua --format json --account ACC-0001-0001]])
parser:option("--format", "How it is written.", "csv"):choices(report.FORMATS)
parser:option("-o --output", "A file, which is overwritten (default: standard output)."):argname("FILE")
parser:option("--status", "Only tokens with this status."):choices{ "Active", "Disabled", "Deleted" }
options.account(parser)
local opts = parser:parse(arg)

-- One field of all modules, in a list for JSON and otherwise in one cell.
local function of_modules(tok, field)
  local values = json.array()
  for _, module in ipairs(tok.modules or {}) do values[#values + 1] = module[field] or "?" end
  return opts.format == "json" and values or table.concat(values, ";")
end

local function event(tok, name)
  return tok.audit and tok.audit[name] or {}
end

local function row_of(tok)
  local account, created = tok.account or {}, event(tok, "created")
  return {
    id = tok.id, name = tok.name, description = tok.description, status = tok.status,
    account_id = account.id, account_name = account.name, account_type = account.type,
    modules = of_modules(tok, "id"), module_names = of_modules(tok, "name"),
    created = created.at, created_by = created.by and (created.by.name or created.by.id),
    updated = event(tok, "updated").at, last_used = tok.lastAccessAt,
  }
end

local where = { status = opts.status, ["account.id"] = opts.account }

local out = report.new(opts.format, COLUMNS, opts.output)
for tok in token.list{ where = where, select = "modules,audit,-token", order = "id" } do
  out:add(row_of(tok))
end
out:finish()
