-- What `token enable` and `token disable` have in common.
local batch = require "moonkey.batch"
local connect = require "moonkey.cli.connect"
local failure = require "moonkey.cli.failure"
local harmless = require "moonkey.harmless"
local http = require "moonkey.http"
local ids = require "moonkey.cli.token.ids"
local output = require "moonkey.cli.output"
local redact = require("moonkey.secret").redact
local show = require "moonkey.cli.token.show"

local M = {}

-- "TKN-1234-5678  Disabled  CRM robot"
local function line(tok)
  local text = ("%s  %-8s  %s"):format(tok.id, tostring(tok.status), tostring(tok.name or ""))
  return harmless(redact(text))
end

-- A command of token/ that does `call` to each id.
function M.command(summary, description, call)
  local command = { summary = summary, description = description }

  function command.configure(cmd)
    ids.configure(cmd)
    show.configure(cmd, "a line a token")
  end

  function command.run(args)
    local list = ids.of(args)
    local jobs = connect.configure(args, batch.DEFAULT_JOBS)
    local tokens, failures = ids.each(list, jobs, call)
    local done = show.present(tokens, #list)
    if args.output and args.output ~= "text" then
      show.list(done, args.output, #list == 1)
    elseif not http.dry_run() then -- which has said what would be done
      for _, tok in ipairs(done) do output.write(line(tok), "\n") end
      output.flush()
    end
    return failure.report_all(list, failures)
  end

  return command
end

return M
