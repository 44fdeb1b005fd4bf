-- Takes rows from the source of a run: each is checked, and known by number, id and hash.
local result = require "moonkey.batch.result"
local row_hash = require "moonkey.batch.row_hash"

local M = {}

-- A row that was read: an item with it as `data`; or nil, and the result of a bad one.
local function admit(self, row, line, message)
  local number = self.source.count
  if not row then return nil, result.bad_row(number, line, nil, "unreadable row", message) end
  local id = type(row.id) == "string" and row.id or nil
  local hash = self.hashes and row_hash(row)
  if self.check then
    local title, detail = self.check(row)
    if title then
      local r = result.bad_row(number, line, id, title, detail)
      r.hash = hash
      return nil, r
    end
  end
  local item = self.make(number, line, id, hash)
  item.data = row
  return item
end

-- `check`: of the job, or nil; `hashes`: are they wanted; make(number, line, id, hash) makes an item.
function M.new(source, check, hashes, make)
  return { source = source, check = check, hashes = hashes, make = make, admit = admit }
end

return M
