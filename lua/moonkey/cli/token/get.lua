-- moonkey token get: all that the platform tells of some tokens.
local show = require "moonkey.cli.token.show"
local token = require "moonkey.token"

local M = {
  summary = "show tokens",
  description = [[
Shows tokens with everything that the platform tells of them, but for their secrets.

  moonkey token get TKN-1234-5678
  moonkey token get TKN-1234-5678 -o json | jq .audit
  moonkey token get TKN-1234-5678 TKN-1234-5679 -o csv > two.csv      a file for batch

-o json writes one object for one id, and a list for several.
Exit: 0 all found, 1 the one id was not, 3 some were not, 4 not authorised.]],
}

function M.configure(cmd)
  show.configure(cmd, "a field a line")
end

function M.run(args)
  return show.run(args, token.get, show.cards)
end

return M
