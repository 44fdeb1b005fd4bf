-- moonkey queue: what is on the Redis of a queue. Each command is a file of queue/.
local subcommands = require "moonkey.cli.subcommands"

local M = {
  summary = "see what is on a queue, cancel runs, remove them; the rights that its users need",
  subcommands = { "status", "cancel", "purge", "acl" },
  description = [[
A queue is the Redis that `moonkey batch FILE --queue URL` and `moonkey worker --queue URL` share.
`moonkey help fleet` tells what it has to be, and what happens when something fails.

  moonkey queue status --queue URL              the runs there, who works on them, and what is stuck
  moonkey queue cancel RUN --queue URL          workers hand back what they have not begun
  moonkey queue purge RUN… --queue URL          remove what a run has left there
  moonkey queue acl worker                      the rights that the users of that Redis need
RUN is an id, the beginning of one, or `last`. URL is rediss://[USER@]HOST[:PORT][/DB], or redis://…
on this machine; a password comes from MOONKEY_QUEUE_PASSWORD, MOONKEY_QUEUE_PASSWORD_FILE or
MOONKEY_QUEUE_PASSWORD_COMMAND.]],
}

function M.configure(cmd)
  subcommands.configure(cmd, "queue", M.subcommands)
end

function M.run(args)
  return subcommands.run("queue", M.subcommands, args)
end

return M
