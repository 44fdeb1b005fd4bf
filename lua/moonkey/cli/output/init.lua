-- Where the data of a command goes: -o table, json, jsonl or csv, for lists of objects of any length.
local csv = require "moonkey.cli.output.csv"
local json = require "moonkey.cli.output.json"
local stdout = require "moonkey.cli.output.stdout"
local to_table = require "moonkey.cli.output.table"

local M = {}

M.FORMATS = { "table", "json", "jsonl", "csv" }
M.write, M.flush, M.print = stdout.write, stdout.flush, json.print

--[[
M.open{ format = one of M.FORMATS, columns = see columns.lua, bom = boolean } -> out

out:add(object) writes one; out:finish() writes the end. Both raise where standard output takes no more.
]]
function M.open(options)
  local format = options.format
  if format == "csv" then return csv(options.columns, options.bom) end
  if format == "json" then return json.array() end
  if format == "jsonl" then return json.lines() end
  return to_table(options.columns)
end

return M
