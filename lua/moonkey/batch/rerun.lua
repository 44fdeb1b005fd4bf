--[[
The failed rows of a run as CSV that batch takes as its input, with what was wrong in a column `error`. The journal has no rows,
so they are read once more from the input: each must have the hash that the run has of it.
]]
local csv_cells = require "moonkey.batch.csv_cells"
local diff = require "moonkey.batch.plan.diff"
local planned = require "moonkey.batch.plan.row"
local result = require "moonkey.batch.result"
local row_hash = require "moonkey.batch.row_hash"
local sources = require "moonkey.batch.source"

local M = {}

local FIRST = { "id", "name", "description", "icon", "modules" }

local function error_text(r)
  local text = (r.title or r.kind or "failed") .. (r.detail and ": " .. r.detail or "")
  for _, e in ipairs(r.errors or {}) do
    text = ("%s; %s%s"):format(text, e.field and e.field .. ": " or "", e.message or "")
  end
  return (r.status and r.status .. " " or "") .. text
end

-- The fields of a row; those of a plan are what it would write, where it could.
local function fields_of(row)
  if not planned.is(row) then return row end
  local fields = diff.fields(row.changes or {})
  fields.id = row.id
  return fields
end

local function open_input(meta)
  if not meta.input then
    return nil, ("the rows of this run came from %s and are not kept; -o jsonl tells which failed"):format(
      meta.source or "elsewhere")
  end
  if meta.plan then
    local plan, message = require("moonkey.batch.plan.file").open(meta.input)
    return plan and plan:source(), message
  end
  return sources.open(meta.input, meta.format)
end

-- visit(fields, result) for each failed row that could be read. How many could not, or nil, message.
local function each(journal, visit)
  local unreadable = 0
  local source, message = open_input(journal.meta)
  if not source then return nil, message end
  for r in journal:results{ "failed" } do
    local row
    while source.count < r.row do
      row = source:next()
      if row == nil then break end
    end
    if row == nil or (r.hash and (not row or row_hash(row) ~= r.hash)) then
      source:close()
      return nil, ("%s is not what it was when the run began: row %d is another one"):format(journal.meta.input, r.row)
    end
    if row then visit(fields_of(row), r) else unreadable = unreadable + 1 end
  end
  source:close()
  return unreadable
end

-- The names of all fields, those of a token first.
local function columns_of(journal)
  local seen, others = { error = true }, {}
  local ok, message = each(journal, function(fields)
    for name in pairs(fields) do
      if not seen[name] then seen[name], others[#others + 1] = true, name end
    end
  end)
  if not ok then return nil, message end
  local columns = {}
  for _, name in ipairs(FIRST) do
    if seen[name] then columns[#columns + 1] = name end
    seen[name] = nil
  end
  table.sort(others)
  for _, name in ipairs(others) do
    if seen[name] then columns[#columns + 1] = name end
  end
  return columns
end

-- Write them to an open file. Rows that cannot be read at all are not among them: returns how many; or nil, message.
function M.write(journal, file)
  local columns, message = columns_of(journal)
  if not columns then return nil, message end
  if #columns == 0 then columns = { "id" } end
  file:write(result.csv_line(columns, "error"))
  return each(journal, function(fields, r)
    local cells = {}
    for i, name in ipairs(columns) do cells[i] = csv_cells.cell(fields[name]) end
    file:write(result.csv_line(cells, error_text(r)))
  end)
end

return M
