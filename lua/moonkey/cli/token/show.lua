-- How the commands about single tokens write them: -o text, or as a list of them.
local card = require "moonkey.cli.token.card"
local fields = require "moonkey.cli.token.fields"
local output = require "moonkey.cli.output"
local selection = require "moonkey.cli.selection"

local M = {}

M.FORMATS = { "text", "table", "json", "jsonl", "csv" }

function M.configure(cmd, text)
  cmd:option("-o --output", ("text (%s; the default), table, json, jsonl or csv. Secrets are in none."):format(text))
    :argname("FORMAT"):choices(M.FORMATS)
end

function M.cards(tokens)
  for i, tok in ipairs(tokens) do output.write(i > 1 and "\n" or "", card(tok)) end
  output.flush()
end

-- In any format but text. `single`: there is one by the command line, so that JSON is no list.
function M.list(tokens, format, single)
  if format == "json" and single then
    for _, tok in ipairs(tokens) do output.print(fields.public(tok)) end
    return
  end
  local columns = selection.choose{ known = fields.KNOWN, columns = fields.columns(format), special = fields.SPECIAL,
    optional = {} }
  local out = output.open{ format = format, columns = columns }
  for _, tok in ipairs(tokens) do out:add(fields.public(tok)) end
  out:finish()
end

-- Those of a list with gaps, in order.
function M.present(tokens, count)
  local list = {}
  for i = 1, count do list[#list + 1] = tokens[i] end
  return list
end

return M
