-- The rows under way, for what a request that must not be repeated has to say before it is sent (host/lib/call.h).
local M = {}

-- Places are used again: a table from which keys go as fast as others come would be built anew all the time.
local PLACES = 1 << 20
local items, free, numbers, last = {}, {}, {}, 0

-- A number for the row under way, by which its requests name it. `item:record(text)` is what is called.
function M.enter(item)
  local place = table.remove(free) or #items + 1
  last = last + 1
  items[place], numbers[place] = item, last * PLACES + place
  return numbers[place]
end

function M.leave(number)
  local place = number % PLACES
  items[place], numbers[place] = false, false
  free[#free + 1] = place
end

-- true once `text` ("POST /path") is recorded, or nil, err. A task that outlives its row has nothing to say any more.
function M.before_once_only(number, text)
  local place = number % PLACES
  if numbers[place] ~= number then return true end
  return items[place]:record(text)
end

return M
