-- What calls of Redis return as err: the same shape as from moonkey.redis.
local Problem = { __tostring = function(self) return (self.title and self.title .. ": " or "") .. self.detail end }

local M = {}

-- kind: "redis" (with code and message), "unreachable", "certificate", "refused" or "lost" (with `sent`). title: what failed,
-- or nil where the detail says that, too.
function M.new(kind, title, detail)
  local problem = setmetatable({ kind = kind, title = title, detail = detail }, Problem)
  if kind == "lost" then problem.sent = false end
  return problem
end

local UNUSABLE = { redis = true, refused = true } -- something has to be configured in another way

-- Of a command that gets no connection.
function M.exit_code(err)
  return UNUSABLE[err.kind] and 2 or 1
end

local RIGHTS = "; the rules that its user needs: moonkey queue acl worker, moonkey queue acl coordinator"
local ADVICE = { NOPERM = RIGHTS, OOM = "; give it more with `maxmemory`, or fewer runs at a time" }

-- With what to do, where Redis does not say that itself.
function M.advise(err)
  local in_script = err.message and err.message:find("^ERR The user executing the script")
  err.detail = err.detail .. (in_script and RIGHTS or ADVICE[err.code] or "")
  return err
end

-- An error of something before what was asked for, which has not been sent then.
function M.not_sent(err)
  if err.sent then err.sent = false end
  return err
end

return M
