-- moonkey completion: what teaches a shell to complete moonkey's command line.
local resource = require "moonkey.resource"

local M = {
  summary = "print what lets bash, zsh or fish complete moonkey's commands",
  description = [[
The package brings it along. Otherwise, once:

  moonkey completion bash > ~/.local/share/bash-completion/completions/moonkey
  moonkey completion fish > ~/.config/fish/completions/moonkey.fish
  moonkey completion zsh > DIR/_moonkey     DIR: one of zsh's $fpath, before compinit is called

or, in ~/.bashrc and ~/.zshrc: source <(moonkey completion bash), or zsh.

Commands, flags and their values are completed, files, profiles, runs, topics of help, and commands
of your own. The shell asks the moonkey of its PATH, which for that sends nothing, and runs no code
of yours but a command's whose name stands in the line, for its flags.]],
}

function M.configure(cmd)
  cmd:argument("shell", "bash, zsh or fish."):argname("SHELL"):choices{ "bash", "zsh", "fish" }
end

function M.run(args)
  io.stdout:write(resource.read("moonkey/completion/moonkey." .. args.shell))
  return 0
end

return M
