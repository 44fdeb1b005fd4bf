-- Runs a user's code, a script or the command of an extension, and makes an exit code of how it ended.
local errors = require "moonkey.errors"
local http = require "moonkey.http"
local limits = require "moonkey.limits"
local log = require "moonkey.log"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"
local traceback = require "moonkey.traceback"

-- Why nothing more was sent, whether or not the script looked at its errors. A lack of consent has been said already.
local function explain(reason)
  if reason == "consent" then return end
  log.error("%s; %s was sent after that", stop.why(reason), reason == "limit" and "none" or "nothing")
end

-- The exit code of fn(…), and what it has returned. What stopped all calls decides it: what the script ran into then is only a
-- consequence.
return function(fn, ...)
  local trace
  local ok, value = xpcall(fn, function(e) -- returns the error unchanged, because __close methods are given it
    trace = traceback.of(e)
    return e
  end, ...)
  if sys.interrupted() then return 128 + sys.interrupted() end
  if not ok and stop.is(value) then error(value, 0) end
  local limit, message = limits.reached()
  if limit then
    log.error("%s", trace and trace:find(message, 1, true) and trace or message)
    return stop.CODES[limit]
  end
  local reason = http.stop_reason()
  if not ok then log.error("%s", trace or tostring(value)) end
  if reason and not (not ok and errors.is(value)) then explain(reason) end
  return stop.CODES[reason] or ok and 0 or 1, value
end
