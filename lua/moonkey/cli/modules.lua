-- moonkey modules: the permission modules that tokens can have.
local connect = require "moonkey.cli.connect"
local failure = require "moonkey.cli.failure"
local filter = require "moonkey.cli.token.filter"
local listing = require "moonkey.cli.listing"
local modules = require "moonkey.modules"
local nearest = require "moonkey.nearest"
local output = require "moonkey.cli.output"
local selection = require "moonkey.cli.selection"
local stop = require "moonkey.cli.stop"

local M = {
  summary = "list the permission modules that tokens can have",
  free_text = { ["--select"] = true, ["--order"] = true },
  description = [[
The modules that a token may have, with what they cost and for which types of account they are.
Only operations accounts may read them; `moonkey token get` shows those of a token to everybody.

  moonkey modules
  moonkey modules list --where "name='Billing'" -o json
  moonkey modules get MOD-1756

get writes JSON: one object for one id, and a list for several.]],
}

local KNOWN = { "id", "name", "description", "settings", "accountTypes", "audit", "revision", "$meta" }

local SPECIAL = {
  ["settings.paid"] = { title = "PAID" },
  accountTypes = { title = "TYPES" },
}

local COLUMNS = { "id", "name", "settings.paid", "accountTypes" }
local OPTIONAL = { accountTypes = true } -- what the platform sends in a list only where it is asked for
local LIST_ONLY = { "where", "select", "order", "limit" }

local HINT = "modules can be read with the credential of an operations account only; `moonkey token get ID` shows those of a "
  .. "token"

function M.configure(cmd)
  cmd:argument("action", "list (the default) or get."):args("?")
  cmd:argument("ids", "Ids of modules to get, such as MOD-1756."):argname("ID"):args("*")
  cmd:option("--where", "An expression of RQL, the platform's query language."):argname("RQL")
  listing.configure(cmd)
end

local function hint(err)
  return err.status == 403 and HINT or nil
end

local function list(args)
  if #args.ids > 0 then stop.usage(("modules list takes no id; moonkey modules get %s shows one"):format(args.ids[1])) end
  local format = args.output or "table"
  local shown, select = selection.choose{ select = args.select, known = KNOWN, special = SPECIAL, optional = OPTIONAL,
    columns = (format == "json" or format == "jsonl") and {} or COLUMNS }
  local options = { where = args.where and filter.expression(args.where), select = #select > 0 and select or nil,
    order = selection.order(args.order, KNOWN), limit = listing.limit(args) }
  connect.configure(args, 1)
  return listing.run{ format = format, columns = shown, what = "module", items = function() return modules.list(options) end,
    failed = function(raised) return failure.of_raised(raised, hint(raised)) end }
end

local function get(args)
  for _, name in ipairs(LIST_ONLY) do
    if args[name] then stop.usage(("--%s is for modules list; modules get takes ids"):format(name)) end
  end
  if args.output and args.output ~= "json" and args.output ~= "jsonl" then
    stop.usage(("-o %s is for modules list; modules get writes json or jsonl"):format(args.output))
  end
  if #args.ids == 0 then stop.usage("modules get needs the id of a module, such as MOD-1756; `moonkey modules` lists them") end
  for _, id in ipairs(args.ids) do
    if id == "" then stop.usage("an id is empty; expected something like MOD-1756") end
  end
  connect.configure(args, 1)
  local out = (#args.ids > 1 or args.output) and output.open{ format = args.output or "json" }
  local failures = {}
  for i, id in ipairs(args.ids) do
    local module, err = modules.get(id)
    failures[i] = err
    if module and out then out:add(module) elseif module then output.print(module) end
  end
  if out then out:finish() end
  if #args.ids == 1 and failures[1] then return failure.report(failures[1], hint(failures[1])) end
  return failure.report_all(args.ids, failures)
end

local ACTIONS = { list = list, get = get }

function M.run(args)
  local word = args.action or "list"
  if ACTIONS[word] then return ACTIONS[word](args) end
  local near = word:find("^%u%u%u%-") and "get " .. word or nearest(word, { "list", "get" })
  stop.usage(("there is no command 'modules %s'%s; there are list and get"):format(word,
    near and (", did you mean 'modules %s'?"):format(near) or ""))
end

return M
