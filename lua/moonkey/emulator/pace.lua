-- --rate-limit: a token bucket for each credential, as a gateway keeps one for each subscription. What was not used is kept, as
-- much as one period allows, so `100/m` permits a hundred at once and then one every 0.6 s.
local reply = require "moonkey.emulator.reply"

local M = {}
local Pace = {}
Pace.__index = Pace

local MOST_CALLERS = 1000

-- new{ count =, period = seconds, text = as it was asked for }
function M.new(options)
  return setmetatable({
    count = math.max(1, options.count), rate = options.count / options.period, text = options.text,
    buckets = {}, callers = 0, refused = 0,
  }, Pace)
end

-- Those whose bucket is full again are as if they had never called. Where that frees none, everybody starts anew.
function Pace:make_room(now)
  for caller, bucket in pairs(self.buckets) do
    if bucket.left + (now - bucket.at) * self.rate >= self.count then
      self.buckets[caller] = nil
      self.callers = self.callers - 1
    end
  end
  if self.callers >= MOST_CALLERS then
    self.buckets, self.callers = {}, 0
  end
end

function Pace:bucket(caller, now)
  local bucket = self.buckets[caller]
  if not bucket then
    if self.callers >= MOST_CALLERS then
      self:make_room(now)
    end
    bucket = { left = self.count, at = now }
    self.buckets[caller], self.callers = bucket, self.callers + 1
  end
  return bucket
end

-- refuse(caller = text or nil, now = seconds) -> the reply to a request that comes too soon, or nil
function Pace:refuse(caller, now)
  local bucket = self:bucket(caller or "", now)
  bucket.left = math.min(self.count, bucket.left + (now - bucket.at) * self.rate)
  bucket.at = now
  if bucket.left >= 1 then
    bucket.left = bucket.left - 1
    return nil
  end
  self.refused = self.refused + 1
  local wait = math.max(1, math.ceil((1 - bucket.left) / self.rate - 1e-9))
  return reply.gateway(429, ("Rate limit is exceeded. Try again in %d seconds."):format(wait),
    { ["Retry-After"] = tostring(wait) })
end

return M
