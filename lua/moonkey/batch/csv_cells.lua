-- From the cells of a CSV row to a row: an empty cell leaves the field out, \N is null, and modules are a list.
local json = require "moonkey.json"

local M = {}

-- Columns that mean something to every job; spreadsheets like to write them with a capital.
local KNOWN = { id = true, name = true, description = true, icon = true, modules = true }

-- The names of the columns from the cells of the header line; nil, message when two have the same name.
function M.columns(header)
  local columns, at = {}, {}
  for i, cell in ipairs(header) do
    local name = KNOWN[cell:lower()] and cell:lower() or cell
    if name ~= "" and at[name] then
      return nil, ('the columns %d and %d are both called "%s"; remove one of them'):format(at[name], i, name)
    end
    columns[i], at[name] = name, i
  end
  return columns
end

local function modules(cell)
  local list = {}
  if cell ~= "\\N" then
    for id in cell:gmatch("[^;,%s]+") do list[#list + 1] = id end
  end
  return json.array(list)
end

-- The row for the cells of a line, or nil, message.
function M.row(columns, cells)
  if #cells ~= #columns then
    return nil, ("%d cells, but the header has %d; quote cells that contain the delimiter or a line break")
      :format(#cells, #columns)
  end
  local row = {}
  for i = 1, #columns do
    local cell, name = cells[i], columns[i]
    if cell == "" then
      goto continue
    elseif name == "" then
      return nil, ("cell %d has a value, but its column has no name"):format(i)
    elseif name == "modules" then
      row.modules = modules(cell)
    elseif cell == "\\N" then
      row[name] = json.null
    else
      row[name] = cell
    end
    ::continue::
  end
  return row
end

return M
