-- The connection of a program that begins: it may be that Redis is started just now, too.
local connection = require "moonkey.queue.connection"
local core = require "moonkey.task.core"
local log = require "moonkey.log"
local problem = require "moonkey.queue.problem"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local START, AGAIN = 10, 0.5 -- seconds to wait for Redis, and between two tries
local MAY_PASS = { unreachable = true, lost = true }

-- connection.open(options), tried for a while; ends the program where there is none.
return function(options)
  local deadline, said = sys.now() + START, false
  while true do
    local opened, err = connection.open(options)
    if opened then return opened end
    if sys.interrupted() then stop.quietly(128 + sys.interrupted()) end
    if not MAY_PASS[err.kind] or sys.now() > deadline then stop.with(problem.exit_code(err), tostring(err)) end
    if not said then log.warn("%s; trying on for %d s", err, START) end
    said = true
    core.gate():wait(AGAIN)
  end
end
