-- moonkey token enable: switch tokens on.
local switch = require "moonkey.cli.token.switch"
local token = require "moonkey.token"

return switch.command("switch tokens on", [[
Makes Disabled tokens Active again, several at a time (-j), with a line for each.

  moonkey token enable TKN-1234-5678 TKN-1234-5679
  moonkey token list --status disabled --name 'crm*' -o jsonl | jq -r .id | xargs moonkey token enable

The platform refuses to enable what is Active already.
Exit: 0 done, 1 the one was not, 3 some were not, 4 not authorised, 5 refused by a guard.]], token.enable)
