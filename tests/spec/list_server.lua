-- A server of lists that may be wrong in any way, and scripts that are run against it.
local httpd = require "moonkey.httpd"
local json = require "moonkey.json"
local process = require "moonkey.process"
local sys = require "moonkey.sys"
local task = require "moonkey.task"

local M = {}

local PATIENCE = 30 -- seconds
local CREDENTIAL = "idt:TKN-0000-0001:NobodyShallSeeThisCredential"
local COMMAND = [[env MPT_API_BASE_URL="$1" MPT_API_TOKEN="$2" HOME=/nonexistent "$0" run -j 8 --log-level warn -e "$3" 2>&1; echo "exit $?"]]

function M.id(n)
  return ("TKN-0000-%04d"):format(n)
end

-- Tokens from .. to, as a list of a server.
function M.tokens(from, to)
  local rows = json.array()
  for n = from, to do rows[#rows + 1] = { id = M.id(n), name = "n" .. n } end
  return rows
end

-- The page of `rows` that an honest server gives.
function M.page(rows, offset, limit)
  local data = json.array()
  for i = offset + 1, math.min(offset + limit, #rows) do data[#data + 1] = rows[i] end
  return { ["$meta"] = { pagination = { offset = offset, limit = limit, total = #rows } }, data = data }
end

-- answer(offset, limit, request) -> a table, sent as JSON; a status and a body; or nothing, and the client waits for ever.
local function reply(request, answer, unanswered)
  local offset, limit = (request.query or ""):match("offset=(%d+)"), (request.query or ""):match("limit=(%d+)")
  local body, text = answer(math.tointeger(tonumber(offset)), math.tointeger(tonumber(limit)), request)
  if body == nil then
    unanswered[#unanswered + 1] = request
  elseif type(body) == "number" then
    request:reply(body, text or "", { ["Content-Type"] = "application/json" })
  else
    request:reply(200, json.encode(body), { ["Content-Type"] = "application/json" })
  end
end

local function serve(answer, seen)
  local server, unanswered = assert(httpd.listen{}), {}
  local served = task.spawn(function()
    for batch in server.accept, server do
      for _, request in ipairs(batch) do
        seen[#seen + 1] = ("%s %s%s"):format(request.method, request.path:gsub("^/public/v1/accounts", ""),
          request.query and "?" .. request.query or "")
        reply(request, answer, unanswered)
      end
    end
  end)
  return server, served
end

-- Run Lua code in a moonkey of its own. Returns the lines that it printed (also on standard error), the requests in order, the
-- exit code, and the seconds that it took.
function M.run(answer, code)
  local seen, lines, status = {}, {}, nil
  local began = sys.now()
  local server, served = serve(answer, seen)
  local child = assert(process.spawn({ "bash", "-c", COMMAND, sys.executable(), "http://127.0.0.1:" .. server:port(), CREDENTIAL,
    code }))
  while not status do
    local line, why = child:read_line(0.003)
    status = line and math.tointeger(tonumber(line:match("^exit (%d+)$")))
    if line and not status then
      lines[#lines + 1] = line
    elseif not line then
      if why == "it ended" or sys.now() - began > PATIENCE then break end
      task.sleep(0.003)
    end
  end
  local took = sys.now() - began
  child:stop()
  server:stop()
  served:join()
  return lines, seen, status, took
end

-- The ids that a loop over token.list with these options (as Lua text) meets, as one text; the requests, the exit code, and what
-- else was printed.
function M.list(answer, options)
  local code = ([[
    local ids = {}
    for tok in token.list%s do ids[#ids + 1] = tostring(tonumber(tok.id:sub(-4))) end
    for i = 1, #ids, 500 do print("ids " .. table.concat(ids, " ", i, math.min(i + 499, #ids))) end
  ]]):format(options or "()")
  local lines, seen, status = M.run(answer, code)
  local ids, rest = {}, {}
  for _, line in ipairs(lines) do
    local list = line:match("^ids (.*)$")
    table.insert(list and ids or rest, list or line)
  end
  return table.concat(ids, " "), seen, status, table.concat(rest, "\n")
end

-- "1 2 3 … to"
function M.count(from, to)
  local numbers = {}
  for n = from, to do numbers[#numbers + 1] = tostring(n) end
  return table.concat(numbers, " ")
end

return M
