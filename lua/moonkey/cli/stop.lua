-- How a command ends with a message and an exit code (design: 2 is for usage, configuration and input that cannot be used).
local http = require "moonkey.http"

local M = {}

-- Exit codes of what stops a run (http.stop_reason, and the batch's own reasons).
M.CODES = { auth = 4, forbidden = 4, certificate = 1, consent = 5, halt = 5, limit = 5, output = 1, journal = 1, cpu = 5,
  cpu_total = 5, memory = 5, cancelled = 5, queue = 1 }

-- Why nothing more is sent, as text: reasons of http.stop_reason.
function M.why(reason)
  local host, _, source = http.origin()
  if reason == "limit" then return "--max-changes permits no more writes" end
  if reason == "certificate" then return ("there is no secure connection to %s"):format(host) end
  return ("%s refused the credential from %s (%s)"):format(host, source,
    reason == "auth" and "401" or "403, many times in a row")
end

local Stop = { __tostring = function(self) return self.message end }

-- What is raised to print `message` and exit with `code`.
function M.new(code, message)
  return setmetatable({ code = code, message = message }, Stop)
end

function M.with(code, message)
  error(M.new(code, message), 0)
end

function M.usage(message)
  M.with(2, message)
end

-- Whoever is to be told knows it already.
function M.quietly(code)
  M.with(code, "")
end

function M.is(value)
  return getmetatable(value) == Stop
end

return M
