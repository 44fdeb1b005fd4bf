--[[
From the cells of a CSV row to a row, and back: an empty cell leaves the field out, \N is null, and modules are a list.

An apostrophe before what a spreadsheet would make something else of is no part of the value: '007 is 007, '=a is =a, and '\N
is the text \N. It keeps a spreadsheet from taking text for a formula, a number or a date, which would come back as something
else, and which may do harm where the text is a stranger's (OWASP, "CSV Injection"). An apostrophe alone is the empty text.
]]
local json = require "moonkey.json"

local M = {}

-- What stands beside digits in numbers, dates and times: 1e5, 3 Mar, 10 pm.
local WORDS = { [""] = true, e = true, am = true, pm = true }
for month in ("january february march april may june july august september october november december"):gmatch("%a+") do
  WORDS[month], WORDS[month:sub(1, 3)] = true, true
end

-- Would a spreadsheet, or we, read something else than this text? Plain numbers survive, up to the 15 digits that it keeps.
local function is_fragile(text)
  text = text:match("^'*(.*)$")
  if text == "" then return true end
  if text:find("^[=+@%s-]") or text:find("^\xef\xbc[\x8b\x8d\x9d\xa0]") or text == "\\N" then return true end -- also ＋－＝＠
  if not text:find("%d") then
    local word = text:lower()
    return word == "true" or word == "false"
  end
  if text:find("^[1-9]%d*$") and #text <= 15 then return false end
  return #text <= 40 and WORDS[text:lower():gsub("[%d%s.,:/%%-]", "")] == true
end

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

local function text(cell)
  if cell:find("^'") and is_fragile(cell) then return cell:sub(2) end
  return cell
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
      row[name] = text(cell)
    end
    ::continue::
  end
  return row
end

-- The cell from which M.row makes this value.
function M.cell(value)
  if value == nil then return "" end
  if value == json.null then return "\\N" end
  if type(value) == "string" then return is_fragile(value) and "'" .. value or value end
  if type(value) ~= "table" then return tostring(value) end
  if #value == 0 then return "\\N" end
  local items = {}
  for i, item in ipairs(value) do
    if type(item) == "table" then item = item.id end
    if type(item) ~= "string" then return json.encode(value) end
    items[i] = item
  end
  return table.concat(items, ";")
end

return M
