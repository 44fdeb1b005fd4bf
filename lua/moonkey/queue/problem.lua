-- What calls of Redis return as err: the same shape as from moonkey.redis.
local Problem = { __tostring = function(self) return self.title .. ": " .. self.detail end }

local M = {}

-- kind: "redis" (with code and message), "unreachable", "certificate", "refused" or "lost" (with `sent`).
function M.new(kind, title, detail)
  local problem = setmetatable({ kind = kind, title = title, detail = detail }, Problem)
  if kind == "lost" then problem.sent = false end
  return problem
end

-- The same, of something before what was asked for, which has not been sent then.
function M.not_sent(err)
  if err.sent then err.sent = false end
  return err
end

return M
