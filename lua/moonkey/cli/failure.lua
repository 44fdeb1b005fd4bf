-- What the errors of calls mean for a command: what is said of them, and its exit code.
local errors = require "moonkey.errors"
local harmless = require "moonkey.harmless"
local http = require "moonkey.http"
local log = require "moonkey.log"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {}

local BY_KIND = { auth = 4, refused = 5, drift = 5 }

function M.code(err)
  if sys.interrupted() then return 128 + sys.interrupted() end
  return stop.CODES[http.stop_reason()] or BY_KIND[err.kind] or 1
end

-- Was it said already? What stands between a question and the consent says itself why nothing is written.
local function is_said(err)
  return err.kind == "refused" and http.stop_reason() == "consent"
end

-- One call was all there was to do: say why it failed; the exit code. `hint`: what to do, where the error cannot know it.
function M.report(err, hint)
  if not is_said(err) then log.error("%s%s", tostring(err), hint and "; " .. hint or "") end
  return M.code(err)
end

-- An error that was raised: what is not a call's own goes on.
function M.of_raised(err, hint)
  if not errors.is(err) then error(err, 0) end
  return M.report(err, hint)
end

-- Those that were not tried, because something had stopped the others.
local function report_cancelled(count)
  local reason = http.stop_reason()
  local why = sys.interrupted() and "interrupted" or reason and stop.why(reason) or "the run was stopped"
  log.error("%s: %d %s not tried", why, count, count == 1 and "was" or "were")
end

--[[
Of several calls, side by side: `list` is what they were for, and `failures` the errors by index. Says each; returns the exit
code: that of the errors where nothing was done for one reason, otherwise 3; 0 without errors.
]]
function M.report_all(list, failures)
  local failed, cancelled, code, same = 0, 0, nil, true
  for i, item in ipairs(list) do
    local err = failures[i]
    if err then
      failed = failed + 1
      if err.kind == "cancelled" then
        cancelled = cancelled + 1
      elseif not is_said(err) then
        local text = tostring(err)
        log.error("%s%s", text:find(item, 1, true) and "" or harmless(item) .. ": ", text)
      end
      local own = M.code(err)
      same, code = same and (code == nil or code == own), own
    end
  end
  if failed == 0 then return 0 end
  if cancelled > 0 and http.stop_reason() ~= "consent" then report_cancelled(cancelled) end
  if sys.interrupted() or failed == #list and same and (code > 1 or #list == 1) then return code end
  return stop.CODES[http.stop_reason()] or 3
end

return M
