-- What the platform says of the credential.
local errors = require "moonkey.errors"
local http = require "moonkey.http"
local identity = require "moonkey.identity"
local sys = require "moonkey.sys"

local LIMITS = { retry = 0, max_time = 20 }

local function refused(case, err)
  local _, _, from, own_id = http.origin()
  local whose = own_id ~= "" and own_id or "its token"
  if err.status == 401 then
    return case:problem("account", ("the platform does not accept the credential from %s (401)"):format(from),
      ("look whether %s is Active, on this host and not on another; make a new one where it is gone"):format(whose))
  elseif err.status == 403 then
    return case:problem("account", "the credential has no permission to read API tokens (403)",
      ("give %s the module Access Management"):format(whose))
  elseif err.status == 404 then
    return case:warning("account", ("the credential is accepted, but %s cannot be seen with it"):format(whose),
      "look whether the host is the one that the credential is for")
  end
  case:problem("account", tostring(err), "try again; where it stays so, the message says what is wrong")
end

return function(case)
  local reason = case.blocked or sys.interrupted() and "interrupted"
    or not case.has_client and "there is no credential to ask with" or not case.answered and "the platform cannot be reached"
  if reason then return case:skipped("account", reason) end
  local me, err = identity.learn(LIMITS)
  if not me then
    if not errors.is(err) then error(err, 0) end
    return refused(case, err)
  end
  if not me.token.id then return case:ok("account", "the credential is accepted; whose it is cannot be asked") end
  local text = ("%s%s of %s%s%s"):format(me.token.id, me.token.name and (" (%s)"):format(me.token.name) or "",
    me.account.id or "an unknown account", me.account.name and (" (%s)"):format(me.account.name) or "",
    me.account.type and ", " .. me.account.type or "")
  if me.token.status ~= "Active" then
    return case:warning("account", ("%s: the token is %s"):format(text, me.token.status or "of unknown status"),
      "enable it before it is refused")
  end
  case:ok("account", text)
end
