-- moonkey queue cancel: a run is to end, whoever works on it.
local keys = require "moonkey.queue.keys"
local log = require "moonkey.log"
local place = require "moonkey.cli.queue.place"
local stop = require "moonkey.cli.stop"

local M = {
  summary = "let a run end: workers hand back what they have not begun",
  description = [[
Workers finish the rows that they have begun, and hand back the others; nobody takes rows of the run
any more. Its coordinator collects that, and ends. Where that is not alive, `moonkey resume RUN`
collects it, and goes on with the run.

  moonkey queue cancel 20251126-0931-x4 --queue rediss://coordinator@redis.example.com/0]],
}

function M.configure(cmd)
  cmd:argument("run", "The run."):argname("RUN")
  place.configure(cmd)
end

function M.run(args)
  local conn = place.open(args, "cancel")
  local run = place.find(place.runs(conn), args.run, conn)
  local state = place.need(conn:script("state", run.id, "cancelled", "by moonkey queue cancel"))
  if state == "gone" then
    stop.with(1, ("the server knows run %s by name only: there is nothing to cancel; moonkey queue purge %s removes the name")
      :format(run.id, run.id))
  end
  local alive = place.need(conn:call("GET", keys.of(run.id, "coordinator")))
  log.info("run %s is cancelled: workers hand back what they have not begun, %s", run.id, alive and "and its coordinator ends"
    or ("and `moonkey resume %s` collects it where the journal is: no coordinator is alive"):format(run.id))
  return 0
end

return M
