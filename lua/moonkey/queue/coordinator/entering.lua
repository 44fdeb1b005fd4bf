-- How a coordinator comes to its run on the server: alone, and knowing what the server may have forgotten.
local adopting = require "moonkey.queue.coordinator.adopting"
local comparing = require "moonkey.queue.coordinator.comparing"
local core = require "moonkey.task.core"
local keys = require "moonkey.queue.keys"
local log = require "moonkey.log"
local sys = require "moonkey.sys"
local windows = require "moonkey.queue.coordinator.window"

local M = {}

local AGAIN = 0.2 -- seconds until it is tried again
local PATIENCE = 60 -- seconds for which it is tried

local function begin(self)
  local deadline = sys.now() + comparing.ALIVE / 1000 + 1
  while true do
    local ok, err, alive = comparing.begin(self)
    if ok then return true end
    if not alive then return nil, err end
    if sys.now() > deadline or sys.interrupted() then
      return nil, ("another moonkey coordinates run %s at %s: end that first"):format(self.run, self.place)
    end
    if not self.is_waiting then log.info("queue: waiting until whoever coordinated the run counts as gone") end
    self.is_waiting = true
    core.gate():wait(math.min(alive / 1000 + 0.05, 1))
  end
end

-- A server that is the same as before has forgotten nothing. Of another, or where nothing is left of a run that had rows there,
-- workers may know what it does not.
local function compare_servers(self, before, knows)
  local server = self.conn:server(self.run)
  if knows and server and server == before then
    self.vouched = server
  elseif knows or self.over:value("queue_open") == 1 then
    self.is_suspect = true
  end
end

local function enter(self, is_again)
  local before, err = self.conn:call("HGET", keys.of(self.run, "run"), "server")
  if before == nil then return nil, err end
  local knows = false
  self.window, self.taken = windows.new(self.layout), {}
  if is_again then
    knows, err = adopting.run(self)
    if knows == nil then return nil, err end
  end
  compare_servers(self, before, knows)
  return begin(self)
end

-- true, or nil, err or message. Connections may break here, too.
function M.run(self, is_again)
  local deadline = sys.now() + PATIENCE
  while true do
    local ok, err = enter(self, is_again)
    local is_fatal = ok or type(err) ~= "table" or err.kind == "redis"
    if is_fatal or sys.now() > deadline or sys.interrupted() then return ok, err end
    self:failed(err)
    core.gate():wait(AGAIN)
  end
end

return M
