-- How a command ends with a message and an exit code (design: 2 is for usage, configuration and input that cannot be used).
local M = {}

local Stop = {}
Stop.__index = Stop
Stop.__tostring = function(self) return self.message end

-- Raise: print `message` and exit with `code`.
function M.with(code, message)
  error(setmetatable({ code = code, message = message }, Stop), 0)
end

function M.usage(message)
  M.with(2, message)
end

function M.is(value)
  return getmetatable(value) == Stop
end

return M
