--[[
The connection to one server, which whoever needs it makes anew when it is lost: not before the time of a back-off is over, so
that a server that comes back is not run over by all workers at once.
]]
local core = require "moonkey.task.core"
local problem = require "moonkey.queue.problem"
local redis = require "moonkey.redis"
local sys = require "moonkey.sys"

local Node = {}
Node.__index = Node

local FIRST, LONGEST = 0.05, 2 -- seconds of back-off

local M = {}

-- The fields of the answer to INFO; none of what is no text.
function M.parse_info(text)
  local info = {}
  if type(text) ~= "string" then return info end
  for name, value in text:gmatch("([%w_]+):([^\r\n]*)") do info[name] = value end
  return info
end

-- Why this server is of no use now, whoever asks; nil where it is.
local function unfit_for_use(info)
  if not info.run_id then return "what it answers to INFO has no run_id, by which its restarts are noticed: it is no Redis" end
  if info.loading == "1" then return "it still loads its data" end
  if info.role == "slave" and info.cluster_enabled ~= "1" then
    return ("it is a replica, which takes no writes; its primary is %s:%s"):format(info.master_host, info.master_port)
  end
end

function Node:connect()
  local link, err = redis.connect(self.place)
  if not link then return nil, problem.advise(err) end
  local text
  text, err = link:call("INFO")
  if text == nil then
    link:close()
    return nil, problem.advise(problem.not_sent(err))
  end
  local info = M.parse_info(text)
  local unfit = unfit_for_use(info)
  if unfit then
    link:close(unfit)
    return nil, problem.new("unreachable", self.what, unfit)
  end
  return link, info
end

-- Later each time, and not at the same time as everybody else.
function Node:back_off()
  self.failures = self.failures + 1
  local longest = math.min(LONGEST, FIRST * 2 ^ math.min(self.failures, 10))
  self.next_try = sys.now() + longest * (0.5 + math.random() / 2)
end

function Node:open()
  self.opening = {}
  local ok, link, info = pcall(self.connect, self)
  local waiting = self.opening
  self.opening = nil
  if ok and link then
    self.link, self.server, self.failures, self.err = link, info.run_id, 0, nil
    self.connections = self.connections + 1
  else
    self.err = ok and info or problem.new("unreachable", self.what, tostring(link))
    self:back_off()
  end
  for _, gate in ipairs(waiting) do gate:open() end
  if not ok then error(link, 0) end
  if link then self.connected(self) end
end

function Node:is_up()
  return self.link ~= nil and self.link:is_open()
end

function Node:wait_for_other_task()
  local gate = core.gate()
  self.opening[#self.opening + 1] = gate
  gate:wait()
end

-- It was lost just now, as it was for everybody.
function Node:note_loss()
  local _, err = self.link:call("PING") -- which is not sent, and says why
  self.link, self.err = nil, err
  self:back_off()
end

-- The link, or nil, err: at once while a back-off lasts.
function Node:get()
  if self:is_up() then return self.link end
  if self.closed then return nil, problem.new("lost", self.what, "it was closed here") end
  if self.opening then
    self:wait_for_other_task()
  elseif self.link then
    self:note_loss()
  elseif sys.now() >= self.next_try then
    self:open()
  end
  if self:is_up() then return self.link end
  if self.link then self:note_loss() end -- as soon as it was there
  return nil, self.err
end

-- A link is of no use any more, for a reason that the server gave, to one or more tasks: the err.
function Node:drop(link, why)
  local err = problem.new("lost", self.what, why)
  link:close(why)
  if self.link == link then
    self.link, self.err = nil, err
    self:back_off()
  end
  return err
end

function Node:close()
  self.closed = true
  if self.link then self.link:close() end
end

-- place: as of url.parse, and `timeout` in seconds. connected(node) is called after each connection that was made, and must not
-- wait.
function M.new(place, connected)
  return setmetatable({ place = place, connected = connected, failures = 0, connections = 0, next_try = 0,
    what = ("no connection to Redis at %s:%d"):format(place.host, place.port) }, Node)
end

return M
