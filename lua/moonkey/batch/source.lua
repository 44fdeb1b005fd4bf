-- Where rows come from: a file, standard input, a list, or an iterator. All look alike: see M.open.
local cells = require "moonkey.batch.csv_cells"
local formats = require "moonkey.extension.format"
local rows = require "moonkey.rows"
local sys = require "moonkey.sys"

local M = {}

local Reader = {}
Reader.__index = Reader

-- The next row and its line; false, line, message for a bad one; nil at the end; nil, line, message when the input is
-- unusable from there.
function Reader:next()
  local row, line, message = self.reader:next()
  if row ~= nil then self.count = self.count + 1 end
  if row and self.columns then
    row, message = cells.row(self.columns, row)
    if not row then return false, line, message end
  end
  return row, line, message
end

-- Pass over `count` rows; as many as there were.
function Reader:skip(count)
  local skipped = self.reader:skip(count)
  self.count = self.count + skipped
  return skipped
end

-- Bytes read so far, and of how many (nil when that is not known).
function Reader:progress()
  if not self.closed then self.bytes, self.total = self.reader:offset() end
  return self.bytes, self.total
end

-- A task that waits for the next row goes on as at the end of the input.
function Reader:close()
  self:progress()
  self.closed = true
  self.reader:close()
end

local List = {}
List.__index = List

function List:next()
  local row = self.iterate()
  if row == nil then return nil end
  self.count = self.count + 1
  if type(row) ~= "table" then return false, nil, "a row is a table, not a " .. type(row) end
  return row
end

function List:skip(count)
  for skipped = 0, count - 1 do
    if self.iterate() == nil then return skipped end
    self.count = self.count + 1
  end
  return count
end

function List:progress()
  return self.count, self.total
end

function List.close() end

-- A reader of moonkey.rows, or an extension's for this kind of file, and the format that asks for it again; or nil, message.
local function open_rows(path, format)
  local name = formats.choose(path, format)
  if name then
    local reader, message = formats.open(name, path)
    return reader, message or name
  end
  local reader, message = rows.open{ path = path, format = format }
  return reader, message or format
end

local function open_reader(path, wanted)
  local reader, format = open_rows(path, wanted)
  if not reader then return nil, format end
  local source = setmetatable({ reader = reader, count = 0, name = path == "-" and "standard input" or path, format = format },
    Reader)
  if path ~= "-" and sys.file_type(path) == "file" then source.path = path end
  source.may_wait = select("#", reader:offset()) == 1
  local header, line, problem = reader:header()
  if problem then return nil, ("%s:%s %s"):format(source.name, line > 0 and line .. ":" or "", problem) end
  if header then
    source.columns, problem = cells.columns(header)
    if not source.columns then return nil, ("%s: the header line: %s"):format(source.name, problem) end
  end
  return source
end

-- `what` is a file's name, "-", a list of rows, or a function that returns the next row or nil. Returns a source with
-- next, skip, progress, close, `name`, `count` (of rows read or skipped), `may_wait` (it is not a file that can be read at
-- once), of a regular file `path` and `format` (as given), and for CSV `columns`; or nil, message.
function M.open(what, format)
  if type(what) == "string" then return open_reader(what, format) end
  local iterate, index = what, 0
  if type(what) == "table" then
    function iterate()
      index = index + 1
      return what[index]
    end
  end
  local total = type(what) == "table" and #what or nil
  return setmetatable({ iterate = iterate, count = 0, total = total, name = "the rows", may_wait = true }, List)
end

-- A source that gives the rows of `inner` in its own way: next_row(self), with inner as self.inner and what else `fields` has.
-- Everything else is inner's.
function M.over(inner, next_row, fields)
  local own = { inner = inner, next = next_row }
  function own:progress() return self.inner:progress() end
  function own:close() return self.inner:close() end
  for key, value in pairs(fields) do own[key] = value end
  return setmetatable(own, { __index = inner })
end

local function next_copy(self)
  local row, line, message = self.inner:next()
  if not row then return row, line, message end
  local copy = {}
  for key, value in next, row do copy[key] = value end
  return setmetatable(copy, getmetatable(row)), line
end

-- The rows of `inner` for a job that changes them, because a script may want them once more as they were.
function M.copied(inner)
  return M.over(inner, next_copy, {})
end

return M
