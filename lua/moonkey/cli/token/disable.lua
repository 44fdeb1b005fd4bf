-- moonkey token disable: switch tokens off.
local switch = require "moonkey.cli.token.switch"
local token = require "moonkey.token"

return switch.command("switch tokens off; they can be switched on again", [[
Makes Active tokens Disabled, several at a time (-j), with a line for each: whoever uses them is
refused from then on, until they are enabled.

  moonkey token disable TKN-1234-5678
  moonkey token list --unused-for 90d --status active -o jsonl | jq -r .id | xargs moonkey token disable

The platform refuses to disable what is Disabled already, and moonkey the token that it uses itself
(--allow-self permits it). --dry-run tells what would be done.
Exit: 0 done, 1 the one was not, 3 some were not, 4 not authorised, 5 refused by a guard.]], token.disable)
