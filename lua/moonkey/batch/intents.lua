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

-- A task that outlives its row has nothing to say any more.
local function item_of(number)
  local place = number % PLACES
  return numbers[place] == number and items[place] or nil
end

-- true once `text` ("POST /path") is recorded, or nil, err.
function M.before_once_only(number, text)
  local item = item_of(number)
  if not item then return true end
  local ok, err = item:record(text)
  if ok then item.open = (item.open or 0) + 1 end
  return ok, err
end

-- What came of it. `carried_out`: it was, or may have been; `unclear`: whether it was is not known.
function M.after_once_only(number, carried_out, unclear)
  local item = item_of(number)
  if not item or not item.open then return end
  item.open = item.open - 1
  item.carried_out, item.unclear = item.carried_out or carried_out, item.unclear or unclear
end

return M
