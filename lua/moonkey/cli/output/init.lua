-- Where the data of a command goes: -o table, json, jsonl or csv, for lists of objects of any length.
local csv = require "moonkey.cli.output.csv"
local extension = require "moonkey.extension"
local json = require "moonkey.cli.output.json"
local stdout = require "moonkey.cli.output.stdout"
local to_table = require "moonkey.cli.output.table"

local M = {}

M.FORMATS = { "table", "json", "jsonl", "csv" }
M.write, M.flush, M.print = stdout.write, stdout.flush, json.print

-- The names of all of them, with those of the user's (see extension/output.lua).
function M.formats()
  return extension.names("output", M.FORMATS)
end

--[[
M.open{ format = one of M.formats(), columns = see columns.lua, bom = boolean } -> out

out:add(object) writes one; out:finish() writes the end. Both raise where standard output takes no more.
]]
function M.open(options)
  local format = options.format
  if format == "csv" then return csv(options.columns, options.bom) end
  if format == "json" then return json.array() end
  if format == "jsonl" then return json.lines() end
  if format == "table" then return to_table(options.columns) end
  return require("moonkey.extension.output").list(format, options.columns)
end

return M
