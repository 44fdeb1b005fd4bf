--[[
A command: counts the tokens that nobody has used for a while, by account, and ends with 3 where there are more than a limit.

  moonkey idle --days 180
  moonkey idle --most 20 || mail -s "idle tokens" ops@example.com < /dev/null

To use it, copy this file to lua/moonkey/command/ of a project, or to ~/.config/moonkey/lua/moonkey/command/. A command returns

  { summary =, description =, configure = function(cmd), run = function(args) → exit code }

`cmd` is a command of argparse, whose options are in `args`. run() is like a script: it has the global `token`, and its calls
may wait. Without an exit code it is 0.
]]
local rql = require "moonkey.rql"
local time = require "moonkey.time"

local function configure(cmd)
  cmd:option("--days", "Not used for so many days.", "90"):convert(tonumber):argname("N")
  cmd:option("--most", "More than so many end with 3."):convert(tonumber):argname("N")
end

local function run(args)
  local since = time.now() - args.days * 86400
  local idle = rql.eq("status", "Active") & (rql.lt("lastAccessAt", since) | rql.eq("lastAccessAt", rql.null))
  local counts, accounts, total = {}, {}, 0
  for tok in token.list{ where = idle, select = "account" } do
    local name = tok.account and tok.account.name or "(no account)"
    if not counts[name] then accounts[#accounts + 1] = name end
    counts[name], total = (counts[name] or 0) + 1, total + 1
  end
  table.sort(accounts)
  for _, name in ipairs(accounts) do print(("%6d  %s"):format(counts[name], name)) end
  print(("%6d  in all, not used for %g days"):format(total, args.days))
  return args.most and total > args.most and 3 or 0
end

return {
  summary = "count the tokens that nobody has used for a while",
  description = "Counts active tokens that were not used for so many days, by account.",
  configure = configure,
  run = run,
}
