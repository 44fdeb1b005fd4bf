--[[
A row reader: what a database query finds. FILE is the query; MOONKEY_QUERY is the command that runs it, which reads the query
from its standard input, and prints a JSON object a line, or an array of them:

  export MOONKEY_QUERY='sqlite3 -json crm.db'
  moonkey plan renamed.sql             # select token_id as id, customer || ' robot' as name from robots where renamed
  export MOONKEY_QUERY='psql -At crm'  # select row_to_json(t) from (select …) t

Columns are named like the fields of a token. A null leaves the field alone: a query has one where it knows nothing.

To use it, copy this file to lua/moonkey/format/ of a project, or to ~/.config/moonkey/lua/moonkey/format/.
]]
local json = require "moonkey.json"

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- The object of a line of JSON, without brackets and commas of an array around it; nil and what is wrong.
local function decode(line)
  local text = line:gsub("^%s*%[%s*", ""):gsub("[%],%s]*$", "")
  if text == "" then return nil end
  local row, message = json.decode(text)
  if type(row) ~= "table" then return nil, message or "the command printed something that is no JSON object" end
  for name, value in pairs(row) do
    if value == json.null then row[name] = nil end
  end
  return row
end

local function open(_, options)
  local command = os.getenv("MOONKEY_QUERY")
  if not command or command == "" then
    return nil, "MOONKEY_QUERY must name the command that runs the query, such as 'sqlite3 -json crm.db'"
  elseif not options.path then
    return nil, "the query must be a file"
  end
  local pipe = assert(io.popen(("(%s) < %s"):format(command, quote(options.path))))
  local line = 0

  -- A command that fails half-way has not found all of it.
  local function finish()
    local ok, how, status = pipe:close()
    if not ok then error(("the command of MOONKEY_QUERY failed (%s %d); its message stands above"):format(how, status), 0) end
  end

  local function next_row()
    for text in pipe:lines() do
      line = line + 1
      local row, message = decode(text)
      if row then return row, line end
      if message then return nil, { line = line, message = message } end
    end
    return finish()
  end

  return next_row, function()
    if io.type(pipe) == "file" then pipe:close() end
  end
end

return { summary = "what a query finds in a database", extensions = { "sql" }, open = open }
