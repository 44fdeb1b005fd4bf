-- Is something to be in colour? --color, then NO_COLOR (no-color.org), CLICOLOR_FORCE (bixense.com/clicolors), and terminals.
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {}

-- `when`: of --color, or nil; `fd`: where it is written.
function M.wanted(when, fd)
  if when == "always" or when == "never" then return when == "always" end
  if when and when ~= "auto" then stop.usage(("--color %s: expected auto, always or never"):format(when)) end
  if (os.getenv("NO_COLOR") or "") ~= "" then return false end
  local force = os.getenv("CLICOLOR_FORCE")
  if force and force ~= "" and force ~= "0" then return true end
  return sys.isatty(fd) and os.getenv("TERM") ~= "dumb"
end

return M
