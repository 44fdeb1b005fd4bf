-- The connection to Redis as a worker on one run uses it.
local keys = require "moonkey.queue.keys"

local M = {}

local Link = {}
Link.__index = Link

-- A script of the run: its answer, or nil, err; also at once, while there is no connection.
function Link:script(name, ...)
  return self.connection:script(name, self.run, self.consumer, ...)
end

function Link:is_up()
  return self.connection:is_up(self.run)
end

-- Fields of the run, in their order; nil, err.
function Link:facts(...)
  return self.connection:call("HMGET", keys.of(self.run, "run"), ...)
end

-- A connection for what keeps one busy.
function Link:another()
  return self.connection:another()
end

-- The key of the list by which the coordinator says what notes it has.
function Link:acks()
  return keys.acks(self.run, self.consumer)
end

function M.new(connection, run, consumer)
  return setmetatable({ connection = connection, run = run, consumer = consumer }, Link)
end

return M
