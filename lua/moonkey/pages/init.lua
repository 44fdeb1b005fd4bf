--[[
Lists of the platform, read page by page: for row in pages.of(path, { where =, select =, order =, limit =, page_size = }) do.

The page after the one that the script works on is on its way meanwhile. A failed page raises the error of its call.

A list changes while it is read, also by what the script does with its rows. Pages are told apart by their offset, so:
  - rows that have gone since the last page moved those behind them forward: as many as the total has shrunk by are read again
    (moonkey.pages.met);
  - rows that are met again are left out: no id is delivered twice;
  - the limit that a server answers with, and what it puts on a page, count; not what it was asked for.
A server may lie about all that, so the end is also reached where page after page has nothing new.
]]
local ahead = require "moonkey.ahead"
local core = require "moonkey.task.core"
local errors = require "moonkey.errors"
local json = require "moonkey.json"
local log = require "moonkey.log"
local met = require "moonkey.pages.met"
local query = require "moonkey.pages.query"

local M = {}

local Reader = {}
Reader.__index = Reader

local PATIENCE = 3 -- pages without a new row, one after the other, although there should be some

-- ---- one page ----

local function natural(value)
  return math.type(value) == "integer" and value >= 0 and value or nil
end

local function unusable(self, detail)
  return nil, errors.new{ kind = "invalid_response", title = "the reply cannot be used", detail = detail, method = "GET",
    path = "/public/v1" .. self.path, attempts = 1 }
end

-- Send for the page at self.offset.
function Reader:fetch()
  self.asked = self.limit and math.min(self.page_size, self.limit - self.count) or self.page_size
  self.call = ahead.get(self.path, ("%s&limit=%d&offset=%d"):format(self.text, self.asked, self.offset))
end

-- { rows =, total = or nil, limit = or nil }, or nil, err.
function Reader:look_at(page)
  local rows = type(page) == "table" and page.data
  if not json.is_array(rows) then return unusable(self, "it is no page of a list, which has its rows in `data`") end
  for _, row in ipairs(rows) do
    if type(row) ~= "table" or type(row.id) ~= "string" then return unusable(self, "a row of the list has no id") end
  end
  local meta = page["$meta"]
  local paging = type(meta) == "table" and type(meta.pagination) == "table" and meta.pagination or {}
  local total, least = natural(paging.total), #rows > 0 and self.offset + #rows or 0
  return { rows = rows, total = total and total >= least and total or nil, limit = natural(paging.limit) }
end

-- The rows that have not been met before.
function Reader:keep_new(rows)
  local new = {}
  for _, row in ipairs(rows) do
    local id = row.id
    if not self.seen[id] and (not self.limit or self.count < self.limit) then
      self.seen[id] = true
      self.count = self.count + 1
      new[#new + 1] = row
    end
  end
  return new
end

-- ---- the way through the list ----

-- Behind a page: where the next one is, if there is one. Returns whether its rows are to be delivered now, and whether it has
-- none although the total says so.
function Reader:advance(page)
  local count, total, here = #page.rows, page.total, self.offset
  local shrunk = total and self.total and math.max(0, self.total - total) or 0
  self.total = total or self.total
  local promised = count == 0 and total ~= nil and here < total
  local places = promised and math.max(1, math.min(page.limit or self.asked, self.asked)) or count
  local joins = self.met:take(here, places, self.asked, shrunk)
  self.offset = self.met:next(total)
  return joins, promised
end

-- Pages in a row that had nothing, although they should have, and that had nothing new. Is that enough of them?
function Reader:is_fruitless(promised, new)
  self.empty = promised and self.empty + 1 or 0
  self.stale = new == 0 and self.stale + 1 or 0
  self.fruitful = self.fruitful + (new > 0 and 1 or 0)
  -- Whatever has moved, nobody has to read more than all that he has read once.
  return self.empty >= PATIENCE or self.stale > self.fruitful + PATIENCE
end

-- Take in a page, and see to it that the one behind it is on its way.
function Reader:take(page)
  local joins, promised = self:advance(page)
  if self.stale >= PATIENCE then joins = true end -- better late than never: the total makes no sense
  self.rows, self.at = joins and self:keep_new(page.rows) or {}, 0
  local fruitless = self:is_fruitless(promised, #self.rows)
  local nothing = #page.rows == 0 and not page.total -- nobody knows of more
  self.ended = not self.offset or fruitless or nothing or self.count == self.limit
  if not self.ended then
    self:fetch()
  elseif page.total and self.count < page.total and self.count ~= self.limit then
    log.warn("%s: the platform tells of %d rows, but has shown %d", self.path, page.total, self.count)
  end
end

-- ---- for the script ----

local function open_gates(self)
  local gates = self.waiting
  self.waiting = nil
  for _, gate in ipairs(gates) do gate:open() end
end

-- Several tasks may share one list: while one of them waits for a page, the others wait for it.
local function wait_for_other(self)
  local gate = core.gate()
  table.insert(self.waiting, gate)
  gate:wait()
end

local function wait_for_page(self)
  if not self.call then self:fetch() end
  self.waiting = {}
  local guard <close> = setmetatable({}, { __close = function() open_gates(self) end }) -- luacheck: ignore 211
  local reply, err = ahead.wait(self.call)
  self.call = nil
  if self.closed then return end
  local page
  if reply ~= nil then page, err = self:look_at(reply) end
  if page then self:take(page) else self.failure = err end
end

-- The next row, or nil at the end. Raises the error of a page that failed, every time.
function Reader:next()
  while not self.closed do
    self.at = self.at + 1
    local row = self.rows[self.at]
    if row then
      self.rows[self.at] = false -- the script's now
      return row
    end
    if self.failure then error(self.failure, 0) end
    if self.ended then return nil end
    if self.waiting then wait_for_other(self) else wait_for_page(self) end
  end
end

-- What nobody wants any more is cut off.
function Reader:close()
  self.closed, self.rows = true, {}
  if self.call and not self.waiting then
    ahead.cancel(self.call)
    self.call = nil
  end
end

Reader.__close = Reader.close

-- What generic for wants. `path`: below /public/v1; `what`: the function that was called, for messages.
function M.of(path, options, what)
  local request, wrong = query.build(options)
  if not request then error(("%s: %s"):format(what or "pages.of", wrong), 2) end
  local reader = setmetatable({ path = path, text = request.text, limit = request.limit, page_size = request.page_size,
    met = met.new(), offset = 0, rows = {}, at = 0, count = 0, seen = {}, empty = 0, stale = 0, fruitful = 0,
    ended = request.limit == 0 }, Reader)
  return function() return reader:next() end, nil, nil, reader
end

return M
