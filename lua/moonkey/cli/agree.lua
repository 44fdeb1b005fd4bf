-- What is not done before whoever sits at the terminal agrees to it.
local log = require "moonkey.log"
local sys = require "moonkey.sys"
local terminal = require "moonkey.terminal"

local M = {}

-- nil where he agrees, otherwise the exit code; `not_done`: what is said then, such as "nothing is undone".
function M.refused(question, not_done)
  local answer, why = terminal.ask(question .. " [y/N] ")
  local word = answer and answer:match("^%s*(.-)%s*$"):lower()
  if word == "y" or word == "yes" then return nil end
  if sys.interrupted() then return 128 + sys.interrupted() end
  log.error("%s: %s", not_done, answer and "the answer was no" or why .. "; --yes would agree")
  return 5
end

return M
