-- moonkey queue status: the runs on a queue, and what is known of each.
local output = require "moonkey.cli.output"
local place = require "moonkey.cli.queue.place"
local json = require "moonkey.json"
local log = require "moonkey.log"
local runs = require "moonkey.queue.run"
local told = require "moonkey.cli.queue.told"

local M = {
  summary = "the runs on a queue: rows, workers, what is stuck, what was set aside",
  description = [[
  moonkey queue status --queue URL           one line a run, the oldest first
  moonkey queue status RUN --queue URL       also its workers, what each of them holds, when it was
                                             heard of last, and the chunks that were set aside
  moonkey queue status --queue URL -o json   all of it, for programs

COORDINATOR says whether somebody collects what workers do: with `none`, `moonkey resume RUN` goes
on where the journal is. REPORTS are of workers, and in no journal yet.]],
}

function M.configure(cmd)
  cmd:argument("run", "Tell more of this run."):argname("RUN"):args("?")
  place.configure(cmd)
  cmd:option("-o --output", "How it is written (default: table)."):choices{ "table", "json" }
end

-- What is known of a run. Of one that the server knows by name only, or whose node of a cluster is away, that is little.
local function look_at(conn, run)
  local look, err = runs.look(conn, run.id)
  if look then return told.describe(look, conn:server(run.id)) end
  if look == false then return { id = run.id, state = told.FORGOTTEN } end
  log.error("run %s: %s", run.id, err)
  return { id = run.id, state = told.UNREACHABLE }
end

local function show_all(looks)
  told.print(looks, told.RUNS)
end

local function show_one(look)
  show_all{ look }
  if not look.age then return end
  for _, sentence in ipairs(told.sentences(look)) do output.write("\n", sentence, "\n") end
  told.print_part("\nWorkers, and who holds rows\n", look.workers, told.WORKERS)
  told.print_part("\nSet aside: given out too often, so its rows have failed\n", look.dead, told.DEAD)
end

function M.run(args)
  local conn = place.open(args, "status")
  local list = place.runs(conn)
  if args.run then list = { place.find(list, args.run, conn) } end
  local looks, code = json.array(), 0
  for i, run in ipairs(list) do
    looks[i] = look_at(conn, run)
    if looks[i].state == told.UNREACHABLE then code = 1 end
  end
  conn:close()
  if args.output == "json" then
    output.print(looks)
  elseif #looks == 0 then
    log.info("there is no run on %s", conn.place.text)
  elseif args.run then
    show_one(looks[1])
  else
    show_all(looks)
  end
  output.flush()
  return code
end

return M
