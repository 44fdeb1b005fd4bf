-- The last requests, for the page: a ring whose places are used again, because every request passes here.
local M = {}
local Recent = {}
Recent.__index = Recent

M.SIZE = 200

function M.new()
  local places = {}
  for i = 1, M.SIZE do
    places[i] = { at = 0, number = 0, method = "", path = "", query = false, status = false, seconds = 0, note = false,
      shown = false }
  end
  return setmetatable({ places = places, count = 0 }, Recent)
end

-- at: seconds since 1970; number: of the request, which its faults depend on; status: false where nothing was sent; note: what
-- was done to it on purpose, or nil
function Recent:add(at, number, method, path, query, status, seconds, note)
  local count = self.count + 1
  self.count = count
  local place = self.places[count % M.SIZE + 1]
  place.at, place.number, place.method, place.path, place.query = at, number, method, path, query
  place.status, place.seconds, place.note, place.shown = status, seconds, note, false
end

-- for place in recent:since(count) do: those that were added after there had been `count`, the oldest first
function Recent:since(count)
  local at = math.max(count, self.count - M.SIZE, 0)
  return function()
    if at < self.count then
      at = at + 1
      return self.places[at % M.SIZE + 1]
    end
  end
end

return M
