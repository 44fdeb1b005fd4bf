--[[
Row readers of the user's, moonkey.format.NAME, in the form of moonkey.rows: next, skip, header, offset, close.

  open(file, options)   file: open for reading; options: { path = its name, nil for standard input; name = for messages }
                        returns next_row, close, columns; or nil, message where the input cannot be used
  next_row()            a row, and its line where that is known; nil, { line =, message = } for a bad one; nil at the end;
                        nil, message, or an error raised, where the input makes no sense from there on
  close()               optional
  columns               optional, a list of names: then each row is a list of cells, which mean what they mean in CSV
]]
local extension = require "moonkey.extension"
local log = require "moonkey.log"
local sys = require "moonkey.sys"

local M = {}

M.BUILT_IN = { "jsonl", "json", "csv" }

local OWN = { jsonl = true, json = true, csv = true }
local OWN_EXTENSIONS = { jsonl = true, ndjson = true, json = true, csv = true, tsv = true } -- as host/lib/rows.c

local Reader = {}
Reader.__index = Reader

local function cell_text(value)
  if value == nil then return "" end
  if type(value) == "string" then return value end
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  return nil, "a cell is text, a number or nothing, not a " .. type(value)
end

-- The cells of a row as texts; false, message.
local function cells_of(columns, row)
  local cells, count = {}, #columns
  for key in next, row do
    if math.type(key) == "integer" and key > count then count = key end
  end
  for i = 1, count do
    local message
    cells[i], message = cell_text(row[i])
    if message then return false, message end
  end
  return cells
end

-- A copy, because whoever works on a row changes it, and the reader may use one table for all.
local function copy(row)
  local own = {}
  for key, value in next, row do own[key] = value end
  return own
end

function Reader:next()
  if self.ended then return nil, nil, self.failure end
  local ok, row, more = pcall(self.iterate)
  if not ok then row, more = nil, tostring(row) end
  if row == nil and type(more) ~= "table" then -- where a line comes with every row, it comes with the end, too
    self.ended = true
    if type(more) ~= "string" then return nil end
    return nil, nil, ("the format '%s' failed: %s"):format(self.format, more)
  end
  if type(row) == "table" then
    local line = math.tointeger(more)
    if not self.columns then return copy(row), line end
    local cells, message = cells_of(self.columns, row)
    return cells, line, message
  end
  local problem = row == nil and more or { message = "a row is a table, not a " .. type(row) }
  return false, math.tointeger(problem.line), tostring(problem.message)
end

function Reader:skip(count)
  for skipped = 0, count - 1 do
    local row, _, message = self:next()
    if row == nil then
      self.failure = message
      return skipped
    end
  end
  return count
end

function Reader:header()
  return self.columns
end

-- How far it is, nobody can tell.
function Reader.offset()
  return 0
end

function Reader:close()
  if self.closed then return end
  self.closed, self.ended = true, true
  local ok, message = true, nil
  if self.finish then ok, message = pcall(self.finish) end
  if not ok then log.warn("the format '%s' failed when it was closed: %s", self.format, tostring(message)) end
  if self.file ~= io.stdin and io.type(self.file) == "file" then self.file:close() end
end

local function open_file(path)
  if path == "-" then return io.stdin end
  if sys.file_type(path) == "directory" then return nil, path .. ": it is a directory; name a file" end
  return io.open(path, "rb")
end

local function are_names(columns)
  if type(columns) ~= "table" then return false end
  for _, name in ipairs(columns) do
    if type(name) ~= "string" then return false end
  end
  return #columns > 0
end

-- What the module has returned, as a reader; nil and what is wrong with it.
local function make(format, file, iterate, close, columns)
  if iterate == nil then return nil, close ~= nil and tostring(close) or "it returned nothing" end
  if type(iterate) ~= "function" then
    return nil, "its open() must return a function that gives the next row, not a " .. type(iterate)
  elseif close ~= nil and type(close) ~= "function" then
    return nil, "the second result of its open() must be a function that closes it, not a " .. type(close)
  elseif columns ~= nil and not are_names(columns) then
    return nil, "the third result of its open() must be a list of the names of columns"
  end
  return setmetatable({ format = format, file = file, iterate = iterate, finish = close, columns = columns }, Reader)
end

-- A reader of the file by the format `name`; nil, message.
function M.open(name, path)
  local module, message = extension.load("format", name)
  if not module then return nil, message end
  local file
  file, message = open_file(path)
  if not file then return nil, "cannot read " .. message end
  local shown = path == "-" and "standard input" or path
  local ok, iterate, close, columns = pcall(module.open, file, { path = path ~= "-" and path or nil, name = shown })
  if not ok then iterate, close, columns = nil, tostring(iterate), nil end
  local reader
  reader, message = make(name, file, iterate, close, columns)
  if reader then return reader end
  if file ~= io.stdin and io.type(file) == "file" then file:close() end
  return nil, ("cannot read %s by the format '%s': %s"):format(shown, name, message)
end

local function knows(module, wanted)
  for _, name in ipairs(type(module.extensions) == "table" and module.extensions or {}) do
    if type(name) == "string" and name:lower():gsub("^%.", "") == wanted then return true end
  end
  return false
end

-- Which of them a file is for, by the format that is asked for, or else by its name; nil: it is for the host.
function M.choose(path, format)
  if format then return not OWN[format] and format or nil end
  local wanted = path ~= "-" and path:match("%.([^./]+)$")
  wanted = wanted and wanted:lower()
  if not wanted or OWN_EXTENSIONS[wanted] then return nil end
  for _, entry in ipairs(extension.list("format")) do
    local module, message = extension.load("format", entry.name)
    if not module then
      log.warn("%s", message)
    elseif entry.name == wanted or knows(module, wanted) then
      return entry.name
    end
  end
end

return M
