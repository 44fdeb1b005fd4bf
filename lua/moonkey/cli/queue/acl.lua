-- moonkey queue acl: the rights that the users of a queue's Redis need, as its aclfile and ACL SETUSER take them.
local output = require "moonkey.cli.output"
local resource = require "moonkey.resource"

local M = {
  summary = "print the rights that a user of the queue's Redis needs",
  description = [[
Prints a line for the aclfile of Redis, with a password to be replaced. At the prompt of redis-cli,
ACL SETUSER takes the same without the word `user`. A user has what it needs and nothing else: no
key but those of moonkey's runs, and no command that a worker, or a coordinator, does not use.

  moonkey queue acl worker           of moonkey worker
  moonkey queue acl coordinator      of moonkey batch --queue, resume, retry, undo and moonkey queue

Keep `user default off ~* &* +@all` in the file: nobody can be that user, but Redis 7.0 reads its
append-only file as that user when it starts, and leaves out what that may not do.]],
}

function M.configure(cmd)
  cmd:argument("user", "worker or coordinator."):choices{ "worker", "coordinator" }
end

function M.run(args)
  local rules = resource.read(("moonkey/queue/%s.acl"):format(args.user))
  output.write(("user %s on >PASSWORD %s"):format(args.user, rules))
  output.flush()
  return 0
end

return M
