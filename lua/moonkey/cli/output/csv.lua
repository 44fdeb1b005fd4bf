--[[
Objects as CSV that batch takes back, and that survives a spreadsheet: see moonkey.batch.csv_cells.

What a cell cannot hold is left out, because an empty cell changes nothing; each is told.
]]
local csv_cells = require "moonkey.batch.csv_cells"
local harmless = require "moonkey.harmless"
local log = require "moonkey.log"
local redact = require("moonkey.secret").redact
local result = require "moonkey.batch.result"
local stdout = require "moonkey.cli.output.stdout"

local Csv = {}
Csv.__index = Csv

local MASK = "[redacted]" -- stands for the credential, when the platform repeats it
local BOM = "\xef\xbb\xbf"

-- Why a text cannot be carried; nil where it can.
local function obstacle(text)
  if text:find("[%z\1-\8\11-\31\127]") then return "has control characters" end -- of which a spreadsheet makes others, or none
  if text:find("[ \t]$") then return "ends with a space" end -- spreadsheets write it without quotes, and so it is dropped
  if redact(text) ~= text or text:find(MASK, 1, true) then return "looks like a secret" end
end

function Csv:add(object)
  local cells, left_out = {}, {}
  for i, column in ipairs(self.columns) do
    local value = column.value(object)
    local why = type(value) == "string" and obstacle(value)
    if type(value) == "table" and next(value) == nil then value = nil end
    if why then left_out[#left_out + 1] = ("%s %s"):format(column.name, why) end
    cells[i] = why and "" or csv_cells.cell(value)
  end
  stdout.write(result.csv_line(cells))
  if #left_out > 0 then log.warn("%s: left out: %s", harmless(object.id), table.concat(left_out, ", ")) end
end

function Csv.finish()
  stdout.flush()
end

-- columns: a list of { name =, value = function(object) }; bom: begin with a byte order mark.
return function(columns, bom)
  local names = {}
  for i, column in ipairs(columns) do names[i] = column.name end
  stdout.write(bom and BOM or "", result.csv_line(names))
  return setmetatable({ columns = columns }, Csv)
end
