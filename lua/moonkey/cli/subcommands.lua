-- Commands within a command, such as `token list`: each is a file of a directory of its own, and like a command otherwise.
local nearest = require "moonkey.nearest"
local stop = require "moonkey.cli.stop"

local M = {}

local function refuse(command, names, word)
  local near = nearest(word, names)
  stop.usage(("there is no command '%s %s'%s; there are %s")
    :format(command, word, near and (", did you mean '%s %s'?"):format(command, near) or "", table.concat(names, ", ")))
end

-- For argparse: `cmd` is that of `command`, and the modules are moonkey.cli.COMMAND.NAME.
function M.configure(cmd, command, names)
  cmd:require_command(false):command_target("subcommand")
  for _, name in ipairs(names) do
    local module = require(("moonkey.cli.%s.%s"):format(command, name))
    local sub = cmd:command(name, module.description or module.summary):summary(module.summary)
    sub:target(("command_%s_%s"):format(command, name))
    module.configure(sub)
  end
  function cmd.complain(message)
    local word = message:match("^unknown command '(.-)'")
    if word then refuse(command, names, word) end
  end
end

-- Run the one that the arguments name.
function M.run(command, names, args)
  if not args.subcommand then
    stop.usage(("%s needs a command: %s; moonkey %s --help says more"):format(command, table.concat(names, ", "), command))
  end
  return require(("moonkey.cli.%s.%s"):format(command, args.subcommand)).run(args)
end

return M
