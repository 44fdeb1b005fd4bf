--[[
A row reader: the first sheet of a spreadsheet that LibreOffice has saved as "Flat XML ODF Spreadsheet (.fods)".

  moonkey plan tokens.fods
  moonkey batch tokens.fods -j 20

The first row names the columns: id, name, description, icon, modules. The cells mean what they mean in CSV: an empty one leaves
the field alone, \N clears it, modules are MOD-1756;MOD-9042. Messages name the row of the sheet.

To use it, copy this file to lua/moonkey/format/ of a project, or to ~/.config/moonkey/lua/moonkey/format/. It returns

  { summary =, extensions = { "fods" }, open = function(file, options) → next_row, close, columns }

next_row() gives a row and where it stands; nil, { line =, message = } for one that is wrong; nil at the end. With `columns`
a row is a list of cells; without, it is a table of the fields of a token.
]]
local ENTITIES = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'" }
local WHITE = { ["text:tab"] = "\t", ["text:line-break"] = "\n" }
local MOST_CELLS = 1000 -- an empty cell may be repeated to the end of the sheet

local function plain(text)
  return (text:gsub("&(#?)(x?)(%w+);", function(is_code, is_hexadecimal, name)
    if is_code == "" then return ENTITIES[is_hexadecimal .. name] end
    local code = tonumber(name, is_hexadecimal == "x" and 16 or 10)
    return code and utf8.char(code)
  end))
end

local function number_in(attributes, name)
  return tonumber(attributes:match(name .. '="(%d+)"')) or 1
end

-- The next row of the sheet: its cells, and how often it stands there.
local function row_reader(tags)
  local cells, cell, paragraphs, notes, repeated, copies = nil, nil, 0, 0, 1, 1

  local function finish_cell()
    for _ = 1, math.min(repeated, cell == "" and MOST_CELLS or repeated) do cells[#cells + 1] = cell end
    cell = nil
  end

  local function begin_cell(attributes, is_empty)
    cell, paragraphs, repeated = "", 0, number_in(attributes, "table:number%-columns%-repeated")
    if is_empty then finish_cell() end
  end

  -- What stands in the cell itself, and not in a comment at it.
  local function add_text(name, attributes, text)
    if name == "text:p" then
      paragraphs = paragraphs + 1
      if paragraphs > 1 then cell = cell .. "\n" end
    elseif name == "text:s" then
      cell = cell .. (" "):rep(number_in(attributes, "text:c"))
    else
      cell = cell .. (WHITE[name] or "")
    end
    cell = cell .. plain(text)
  end

  return function()
    for closing, name, attributes, text in tags do
      local opens, is_empty = closing == "", attributes:sub(-1) == "/"
      if name == "office:annotation" then
        notes = notes + (opens and 1 or -1)
      elseif name == "table:table-row" and opens then
        cells, copies = {}, number_in(attributes, "table:number%-rows%-repeated")
      elseif name == "table:table-row" or name == "table:table" and not opens then
        return name == "table:table-row" and cells or nil, copies
      elseif (name == "table:table-cell" or name == "table:covered-table-cell") and cells then
        if opens then begin_cell(attributes, is_empty) else finish_cell() end
      elseif cell and notes == 0 then
        add_text(opens and name or "", attributes, text)
      end
    end
  end
end

local function is_empty(cells)
  for _, cell in ipairs(cells) do
    if cell ~= "" then return false end
  end
  return true
end

-- As many cells as there are columns; what is empty beyond them is no cell of the row.
local function fit(cells, count)
  for i = #cells, count + 1, -1 do
    if cells[i] ~= "" then break end
    cells[i] = nil
  end
  for i = #cells + 1, count do cells[i] = "" end
  return cells
end

local function open(file)
  local text = file:read("a")
  if not text:find("<office:spreadsheet", 1, true) then
    return nil, "it is no flat XML spreadsheet; in LibreOffice: Save As, Flat XML ODF Spreadsheet (.fods)"
  end
  local next_cells = row_reader(text:gmatch("<(/?)([%w:%-]+)([^>]*)>([^<]*)"))
  local columns, copies = next_cells()
  if not columns or is_empty(columns) then return nil, "its first row must name the columns, such as id, name, description" end
  while columns[#columns] == "" do columns[#columns] = nil end
  local line, pending, left = copies, nil, 0

  local function next_row()
    repeat
      if left == 0 then
        pending, left = next_cells()
        if not pending then return nil end
        if is_empty(pending) then line, left = line + left - 1, 1 end
      end
      line, left = line + 1, left - 1
    until not is_empty(pending)
    return fit(table.move(pending, 1, #pending, 1, {}), #columns), line
  end

  return next_row, nil, columns
end

return { summary = "the first sheet of a flat XML spreadsheet of LibreOffice", extensions = { "fods" }, open = open }
