-- What the commands on a queue have in common: its connection, and the runs that somebody names.
local problem = require "moonkey.queue.problem"
local runs = require "moonkey.queue.run"
local stop = require "moonkey.cli.stop"

local M = {}

function M.configure(cmd)
  cmd:option("--queue", "The Redis of the queue: rediss://[USER@]HOST[:PORT][/DB], or redis://… on this machine.")
    :argname("URL")
end

-- The connection that the arguments name; ends the command where there is none. `what`: the command, such as "status".
function M.open(args, what)
  if not args.queue then
    stop.usage(("queue %s needs --queue URL, such as --queue rediss://coordinator@redis.example.com/0"):format(what))
  end
  local connection = require "moonkey.queue.connection" -- not before: it needs what is kept from scripts, which may read help
  local conn, err = connection.open{ url = args.queue, args = args }
  return conn or stop.with(problem.exit_code(err), tostring(err))
end

-- The first of two results, or the end of the command with the second as what is wrong.
function M.need(found, err)
  if found == nil then stop.with(1, tostring(err)) end
  return found
end

local function matching(list, text)
  local found = {}
  for _, run in ipairs(list) do
    if run.id == text then return { run } end
    if run.id:sub(1, #text) == text then found[#found + 1] = run end
  end
  return found
end

-- The run of a list of runs.list that somebody names.
function M.find(list, text, conn)
  if #list == 0 then stop.usage(("there is no run on %s"):format(conn.place.text)) end
  local found = text == "last" and { list[#list] } or matching(list, text)
  if #found == 1 then return found[1] end
  stop.usage(#found > 1 and ("'%s' is the beginning of %d runs; write more of it"):format(text, #found)
    or ("there is no run '%s' on %s; moonkey queue status lists them"):format(text, conn.place.text))
end

-- All runs of the server.
function M.runs(conn)
  return M.need(runs.list(conn))
end

return M
