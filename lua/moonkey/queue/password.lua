-- The password of the queue's user, which only the host ever sees: read once, from where the environment says it is.
local redis = require "moonkey.redis"

local M = {}

local function set(text)
  return text ~= nil and text ~= "" and text or nil
end

local function source()
  if redis.environment_has_password() then return { environment = true } end
  local file, command = set(os.getenv("MOONKEY_QUEUE_PASSWORD_FILE")), set(os.getenv("MOONKEY_QUEUE_PASSWORD_COMMAND"))
  if file then return { file = file } end
  if command then return { command = command } end
end

local is_read = false

-- true, also without any; nil, message where it cannot be had.
function M.read()
  local from = not is_read and source()
  if not from then return true end
  local ok, message = redis.password(from)
  is_read = ok
  return ok, message
end

return M
