--[[
A run leaves its queue, for another one or for none: what workers hold they finish or hand back, what they report is committed,
and nothing of the run stays there. Only then may its rows be done elsewhere.
]]
local comparing = require "moonkey.queue.coordinator.comparing"
local courses = require "moonkey.batch.course"
local ending = require "moonkey.queue.coordinator.ending"
local log = require "moonkey.log"
local summary = require "moonkey.batch.summary"
local sys = require "moonkey.sys"

local M = {}

local NOTHING = { count = 0, close = function() end } -- the source: nothing is given out

local function course_of(writer)
  local course = courses.new({ source = NOTHING, on_result = function(r)
    if r.outcome ~= "pending" then writer:add(r) end
  end }, function() end)
  course:stop("recalled")
  return course
end

-- Whoever has not been heard of for a lease does nothing any more.
local function all_are_silent(self)
  for _, facts in pairs(self.workers.list) do
    if (tonumber(facts.age) or 0) < (tonumber(facts.lease) or 0) then return false end
  end
  return true
end

-- The rest is with workers that are gone, who cannot report it any more once it is removed.
local function remove_rest(self)
  local ids = {}
  for _, chunk in ipairs(self.window:all_out()) do ids[#ids + 1] = chunk.id end
  if #ids == 0 then return true end
  log.info("queue: %s were held by workers that are gone", summary.rows(self.window.open))
  local ok, err = self.conn:script("drop", self.run, table.unpack(ids))
  if not ok then return nil, err end
  comparing.give_up(self, self.window:all_out())
  return true
end

-- true, or nil, message. `step`: see init.lua.
function M.run(self, step)
  self.course, self.must_compare = course_of(self.writer), true
  ending.begin(self)
  local since = sys.now()
  self.give_up_at = math.huge
  log.info("taking the run back from the queue %s", self.place)
  while self.window.count > 0 or not self.has_told do
    if sys.interrupted() then return nil, "interrupted" end
    if self.away_since and sys.now() - self.away_since > self.seconds then
      return nil, ("the queue %s does not answer: %s"):format(self.place, self.err)
    end
    step(self)
    if self.has_told and sys.now() - since > self.seconds and all_are_silent(self) then
      if remove_rest(self) then break end
    end
  end
  self.writer:commit()
  ending.purge(self)
  return true
end

return M
