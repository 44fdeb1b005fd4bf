-- Tracebacks of a user's code, which end where that code begins.
local M = {}

local OURS = "\n\t[C]: in function 'xpcall'\n" -- and what is below it

-- For a message handler: `err` as text, with the traceback of the caller's caller, less the frames that are the host's.
function M.of(err)
  local message = tostring(err)
  if type(err) ~= "string" and not (getmetatable(err) or {}).__tostring then
    message = ("(error object is a %s value)"):format(type(err))
  end
  local trace = debug.traceback(message, 3)
  local below = trace:find(OURS, #message + 1, true)
  return below and trace:sub(1, below - 1) or trace
end

return M
