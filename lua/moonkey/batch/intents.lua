-- The rows under way, for what a request that must not be repeated has to say before it is sent (host/lib/call.h).
local M = {}

local items, last = {}, 0

-- A number for the row under way, by which its requests name it. `item:record(text)` is what is called.
function M.enter(item)
  last = last + 1
  items[last] = item
  return last
end

function M.leave(number)
  items[number] = nil
end

-- true once `text` ("POST /path") is recorded, or nil, err. A task that outlives its row has nothing to say any more.
function M.before_once_only(number, text)
  local item = items[number]
  if not item then return true end
  return item:record(text)
end

return M
