-- One task waits, others tell it that there is something new. What is told while nobody waits is not kept: whoever waits looks
-- first whether it has to.
local core = require "moonkey.task.core"

local M = {}

local Signal = {}
Signal.__index = Signal

-- For so many seconds at most. Ctrl-C does not end it.
function Signal:wait(seconds)
  self.gate = core.gate()
  self.gate:wait(seconds)
  self.gate = nil
end

function Signal:send()
  if self.gate then self.gate:open() end
end

function M.new()
  return setmetatable({}, Signal)
end

return M
