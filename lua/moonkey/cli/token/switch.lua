-- What `token enable` and `token disable` have in common.
local harmless = require "moonkey.harmless"
local http = require "moonkey.http"
local output = require "moonkey.cli.output"
local redact = require("moonkey.secret").redact
local show = require "moonkey.cli.token.show"

local M = {}

-- "TKN-1234-5678  Disabled  CRM robot"
local function line(tok)
  local text = ("%s  %-8s  %s"):format(tok.id, tostring(tok.status), tostring(tok.name or ""))
  return harmless(redact(text))
end

local function write(tokens)
  if http.dry_run() then return end -- it has been said what would be done
  for _, tok in ipairs(tokens) do output.write(line(tok), "\n") end
  output.flush()
end

-- A command of token/ that does `call` to each id.
function M.command(summary, description, call)
  return {
    summary = summary, description = description,
    configure = function(cmd) show.configure(cmd, "a line a token") end,
    run = function(args) return show.run(args, call, write) end,
  }
end

return M
