-- The globals that moonkey gives to scripts, by the types: what the stubs assign and do not declare as local.
local resource = require "moonkey.resource"

local M = {}

-- Their names, sorted.
function M.globals()
  local names = {}
  for _, file in ipairs(resource.list("types/")) do
    for name in ("\n" .. resource.read(file)):gmatch("\n([%a_][%w_]*) = ") do names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

return M
