--[[
Copy descriptions from a spreadsheet to tokens.

  moonkey scripts/copy_descriptions.lua sheet.csv                 # what would change
  moonkey scripts/copy_descriptions.lua sheet.csv --apply

The sheet is a CSV file with a header ("CSV UTF-8" of Excel, with commas or semicolons), JSONL or JSON. It has a column
`description`, and `id` or `name`, by which the token is found; --id, --name and --description give other names of columns.
Other columns do not matter. An empty cell leaves the description alone, \N clears it. A name that several tokens have, or
none, fails, and so does a row that wants something else of a token than a row before it. (A sheet with ids that is for this
alone is taken by `moonkey batch sheet.csv` too, which keeps a journal.)
]]
local batch = require "moonkey.batch"
local changes = require "changes"
local json = require "moonkey.json"
local options = require "options"
local rql = require "moonkey.rql"

local parser = options.parser("copy_descriptions.lua", "Copy descriptions from a spreadsheet to tokens.", [[
Examples:
  moonkey scripts/copy_descriptions.lua sheet.csv
  moonkey scripts/copy_descriptions.lua sheet.csv --name "Token name" --description Purpose --apply]])
parser:argument("sheet", "CSV, JSONL or JSON file with a header."):argname("SHEET")
parser:option("--id", "Column with the ids (default: id)."):argname("COLUMN")
parser:option("--name", "Column with the names, for rows without an id (default: name)."):argname("COLUMN")
parser:option("--description", "Column with the descriptions (default: description)."):argname("COLUMN")
options.account(parser)
options.writes(parser)
local opts = parser:parse(arg)

-- The rows of the sheet, read as `moonkey batch` reads them. None is used where one of them cannot be read.
local function read_sheet(path)
  local rows, bad = {}, {}
  local function keep(row, ctx) rows[#rows + 1] = { line = ctx.line, row = row } end
  local function note(r)
    if r.outcome == "failed" then bad[#bad + 1] = ("line %d: %s"):format(r.line or 0, r.detail or r.title) end
  end
  local summary, message = batch.run{ source = path, journal = false, jobs = 1, job = keep, on_result = note }
  if not summary then options.refuse("%s", message) end
  if summary.unusable then bad[#bad + 1] = summary.unusable.message end
  if #bad > 0 then options.refuse("%s cannot be used:\n  %s", path, table.concat(bad, "\n  ")) end
  return rows
end

local function wanted(entry)
  local row = entry.row
  return { line = entry.line, id = row[opts.id or "id"], name = row[opts.name or "name"],
    description = row[opts.description or "description"] }
end

-- Name → the tokens of that name.
local function tokens_by_name()
  local where = opts.account and rql.eq("account.id", opts.account) or nil
  local found = {}
  for tok in token.list{ where = where, order = "id" } do
    found[tok.name] = found[tok.name] or {}
    table.insert(found[tok.name], tok)
  end
  return found
end

local by_name

-- The token that a row is about; nil and why there is none.
local function find(want)
  if want.id then return token.get(want.id) end
  if not want.name then return nil, "the row has neither id nor name" end
  by_name = by_name or tokens_by_name()
  local tokens = by_name[want.name] or {}
  if #tokens == 1 then return tokens[1] end
  return nil, #tokens == 0 and "no token is called that" or ("%d tokens are called that; give the id"):format(#tokens)
end

local function write(tok, description)
  local result, changed = token.edit(tok.id, function(current) current.description = description end)
  if not result then return nil, changed end
  if not changed then return false, "it has that description already" end
  return result
end

local list = changes.new(opts)
local seen = {} -- id → description
for _, entry in ipairs(read_sheet(opts.sheet)) do
  local want = wanted(entry)
  local tok, why
  if want.description == nil then goto continue end
  tok, why = find(want)
  if not tok then
    list:fail(want.id or want.name or "?", ("line %d: %s"):format(want.line or 0, tostring(why)))
  elseif seen[tok.id] ~= nil and seen[tok.id] ~= want.description then
    list:fail(tok.id, ("line %d wants another description than a row before it"):format(want.line or 0))
  elseif seen[tok.id] == nil and (tok.description or json.null) ~= want.description then
    local text = want.description == json.null and "clear the description" or ("description '%s'"):format(want.description)
    list:add(tok, text, function() return write(tok, want.description) end)
  end
  if tok then seen[tok.id] = seen[tok.id] or want.description end
  ::continue::
end
list:finish()
