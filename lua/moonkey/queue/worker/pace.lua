--[[
The pace of a worker, where the run has a rate: every exchange needs a permit from the bucket that all workers share.

While the server of the queue cannot be asked, the worker goes on at what was its share at last, until its lease is over.
]]
local control = require "moonkey.control"
local signals = require "moonkey.queue.signal"
local sys = require "moonkey.sys"
local task = require "moonkey.task"

local M = {}

local Pace = {}
Pace.__index = Pace

local WINDOW = 5 -- seconds by which the share is known
local AWAY = 0.2 -- seconds until it is tried again
local LATE = 1 -- seconds after which an answer is worth nothing: meanwhile the share may have been used

-- Permits a second that this worker had lately.
local function share(self)
  local now, sum = sys.now(), 0
  while self.grants[1] and self.grants[1].at < now - WINDOW do table.remove(self.grants, 1) end
  for _, grant in ipairs(self.grants) do sum = sum + grant.count end
  return math.max(sum / WINDOW, 1 / self.lease)
end

local function ask(self, want)
  local asked = sys.now()
  local reply = self.link:script("pace", want)
  if not reply then return self.news:wait(AWAY) end
  local granted, wait_ms = reply[1], reply[2]
  if granted > 0 and sys.now() - asked < LATE and not self.is_away then
    self.grants[#self.grants + 1] = { at = sys.now(), count = granted }
    control.grant(granted)
    if granted == want then return end
  end
  self.news:wait(math.min(math.max(wait_ms, 1), 1000) / 1000)
end

local function serve(self)
  while not self.closed do
    local want = control.wait_demand()
    if want > 0 and not self.closed then ask(self, want) end
  end
end

-- The server cannot be asked. Nothing has to be metered where there is no rate.
function Pace:away()
  if self.is_away or not self.task then return end
  self.is_away = true
  local rate = share(self)
  control.set_rate(self.own > 0 and math.min(self.own, rate) or rate)
  control.meter(false)
end

function Pace:back()
  if not self.is_away then return end
  self.is_away = false
  control.meter(true)
  control.set_rate(self.own)
end

function Pace:close()
  self.closed = true
  if not self.task then return end
  control.release_demand()
  self.news:send()
  self.task:join()
  control.set_rate(self.own)
  control.meter(false)
end

-- The rate of the run now. Where there is none any more, all are granted that are asked for.
function Pace:set(rate)
  if rate <= 0 or self.task or self.closed then return end
  control.meter(true)
  self.task = task.spawn(serve, self)
end

-- { link =, rate = of the run, 0 for none, own = the rate of this worker's flags, 0 for none, lease = seconds }
function M.new(options)
  local self = setmetatable({ link = options.link, own = options.own, lease = options.lease, grants = {},
    news = signals.new() }, Pace)
  self:set(options.rate)
  return self
end

return M
