-- What the commands about single tokens have in common: ids, a call for each of them, and how tokens are written.
local batch = require "moonkey.batch"
local card = require "moonkey.cli.token.card"
local connect = require "moonkey.cli.connect"
local failure = require "moonkey.cli.failure"
local fields = require "moonkey.cli.token.fields"
local ids = require "moonkey.cli.token.ids"
local output = require "moonkey.cli.output"
local selection = require "moonkey.cli.selection"

local M = {}

M.FORMATS = { "text", "table", "json", "jsonl", "csv" }

function M.configure(cmd, text)
  ids.configure(cmd)
  cmd:option("-o --output", ("text (%s; the default), table, json, jsonl or csv. Secrets are in none."):format(text))
    :argname("FORMAT"):choices(M.FORMATS)
end

function M.cards(tokens)
  for i, tok in ipairs(tokens) do output.write(i > 1 and "\n" or "", card(tok)) end
  output.flush()
end

-- In any format but text. `single`: there is one by the command line, so that JSON is no list.
local function write_list(tokens, format, single)
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

--[[
Do call(id) to each of the ids side by side, and write what came of it: write_text(tokens), or in the format that was asked for.
Returns the exit code. `token_of`: where a call returns more than the token, what is written as one.
]]
function M.run(args, call, write_text, token_of)
  local list = ids.of(args)
  local results, failures = ids.each(list, connect.configure(args, batch.DEFAULT_JOBS), call)
  local done = {}
  for i = 1, #list do done[#done + 1] = results[i] end
  if not args.output or args.output == "text" then
    write_text(done)
  else
    for i, result in ipairs(done) do done[i] = token_of and token_of(result) or result end
    write_list(done, args.output, #list == 1)
  end
  return failure.report_all(list, failures)
end

return M
