-- moonkey token get: all that the platform tells of some tokens.
local batch = require "moonkey.batch"
local connect = require "moonkey.cli.connect"
local failure = require "moonkey.cli.failure"
local ids = require "moonkey.cli.token.ids"
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
  ids.configure(cmd)
  show.configure(cmd, "a field a line")
end

function M.run(args)
  local list = ids.of(args)
  local jobs = connect.configure(args, batch.DEFAULT_JOBS)
  local tokens, failures = ids.each(list, jobs, token.get)
  local found = show.present(tokens, #list)
  if args.output and args.output ~= "text" then
    show.list(found, args.output, #list == 1)
  else
    show.cards(found)
  end
  return failure.report_all(list, failures)
end

return M
