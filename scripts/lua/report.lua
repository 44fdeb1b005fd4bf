--[[
Rows as a table, CSV, JSON or Markdown: no secret is among them, because only the named columns are written.

  local report = require "report"
  local out = report.new("csv", { "id", "name" }, "tokens.csv")   -- or nil for standard output
  out:add{ id = "TKN-…", name = "CRM robot" }
  out:finish()
]]
local harmless = require "moonkey.harmless"
local json = require "moonkey.json"

local M = {}

M.FORMATS = { "table", "csv", "json", "markdown" }

local function text(value)
  return value == nil and "" or tostring(value)
end

-- A spreadsheet would take a text that begins like this for a formula (OWASP, "CSV Injection").
local function csv_cell(value)
  local cell = text(value)
  if type(value) == "string" and cell:find("^[=+@\t\r-]") then cell = "'" .. cell end
  return cell:find('[",;\r\n]') and '"' .. cell:gsub('"', '""') .. '"' or cell
end

local function plain_cell(value)
  return harmless((text(value):gsub("%c", " ")))
end

local function markdown_cell(value)
  return (plain_cell(value):gsub("[\\|<>`*_]", "\\%0"))
end

local function joined(row, columns, cell, separator)
  local cells = {}
  for i, name in ipairs(columns) do cells[i] = cell(row[name]) end
  return table.concat(cells, separator)
end

local function header(columns)
  local row = {}
  for _, name in ipairs(columns) do row[name] = name end
  return row
end

local writers = {}

function writers.csv(rows, columns, write)
  write("\xef\xbb\xbf", joined(header(columns), columns, csv_cell, ","), "\r\n") -- Excel needs the mark to read UTF-8
  for _, row in ipairs(rows) do write(joined(row, columns, csv_cell, ","), "\r\n") end
end

function writers.json(rows, columns, write)
  for i, row in ipairs(rows) do
    local kept = {}
    for _, name in ipairs(columns) do kept[name] = row[name] end
    write(i == 1 and "[\n" or ",\n", json.encode(kept, { order = columns }))
  end
  write(#rows == 0 and "[]\n" or "\n]\n")
end

function writers.markdown(rows, columns, write)
  write("| ", joined(header(columns), columns, markdown_cell, " | "), " |\n|", (" --- |"):rep(#columns), "\n")
  for _, row in ipairs(rows) do write("| ", joined(row, columns, markdown_cell, " | "), " |\n") end
end

function writers.table(rows, columns, write)
  local widths = {}
  for i = 0, #rows do -- 0 is the header
    for _, name in ipairs(columns) do
      local cell = i == 0 and name or plain_cell(rows[i][name])
      widths[name] = math.max(widths[name] or 0, utf8.len(cell) or 0)
    end
  end
  local function padded(row)
    local cells = {}
    for i, name in ipairs(columns) do
      local cell = plain_cell(row[name])
      cells[i] = cell .. (" "):rep(widths[name] - (utf8.len(cell) or 0))
    end
    write((table.concat(cells, "  "):gsub(" +$", "")), "\n")
  end
  padded(header(columns))
  for _, row in ipairs(rows) do padded(row) end
end

local Report = {}
Report.__index = Report

-- `path`: of a new file, or one to be overwritten; nil for standard output.
function M.new(format, columns, path)
  return setmetatable({ write_all = assert(writers[format]), columns = columns, path = path, rows = {} }, Report)
end

function Report:add(row)
  table.insert(self.rows, row)
end

local EPIPE = 32

-- What writing returns. Whoever reads standard output and has seen enough (… | head) is no error.
function Report:check(ok, message, errno)
  if ok then return end
  if errno == EPIPE and not self.path then os.exit(128 + 13) end -- as a program that SIGPIPE ends
  error(("cannot write %s: %s"):format(self.path or "to standard output", message), 0)
end

-- Raises where it could not be written.
function Report:finish()
  local file = io.stdout
  if self.path then file = assert(io.open(self.path, "wb")) end
  self.write_all(self.rows, self.columns, function(...) self:check(file:write(...)) end)
  self:check((self.path and file.close or file.flush)(file))
end

return M
