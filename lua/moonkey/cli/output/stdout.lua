-- Standard output, of whose failures one is none: whoever read it has seen enough (`moonkey token list | head`).
local stop = require "moonkey.cli.stop"

local M = {}

local EPIPE = 32
local CLOSED = 128 + 13 -- as a program that SIGPIPE ends

local function check(ok, message, errno)
  if ok then return end
  if errno == EPIPE then stop.quietly(CLOSED) end
  stop.with(1, ("cannot write to standard output: %s"):format(message))
end

function M.write(...)
  check(io.stdout:write(...))
end

-- All that was written is with the reader, or this says why not.
function M.flush()
  check(io.stdout:flush())
end

return M
