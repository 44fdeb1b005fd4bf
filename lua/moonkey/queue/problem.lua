-- What calls of Redis return as err: the same shape as from moonkey.redis.
local Problem = { __tostring = function(self) return self.title .. ": " .. self.detail end }

local M = {}

-- kind: "redis" (with code and message), "unreachable", "certificate", "refused" or "lost" (with `sent`).
function M.new(kind, title, detail)
  return setmetatable({ kind = kind, title = title, detail = detail, sent = kind == "lost" and false or nil }, Problem)
end

return M
