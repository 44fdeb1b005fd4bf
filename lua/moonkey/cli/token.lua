-- moonkey token: find, inspect, make and change tokens. Each command is a file of token/.
local subcommands = require "moonkey.cli.subcommands"

local M = {
  summary = "find, inspect, make, change and delete tokens",
  free_text = { ["--select"] = true, ["--order"] = true, ["--name"] = true, ["--description"] = true, ["--icon"] = true },
  subcommands = { "list", "get", "create", "update", "enable", "disable", "delete" },
  description = [[
Works with single tokens, and with lists of them. For changes of many tokens, `moonkey token list
-o csv` writes a file for `moonkey plan` and `moonkey batch`.

  moonkey token list --unused-for 90d              tokens that nobody has used for 90 days
  moonkey token get TKN-1234-5678
  moonkey token update TKN-1234-5678 --set name='CRM robot' --add-module MOD-9042
  moonkey token disable TKN-1234-5678 TKN-1234-5679
  moonkey token create --name 'CRM robot' --account ACC-1234-5678 --secret-file crm.secret
`moonkey token COMMAND --help` says more.]],
}

function M.configure(cmd)
  subcommands.configure(cmd, "token", M.subcommands)
end

function M.run(args)
  return subcommands.run("token", M.subcommands, args)
end

return M
