-- The faults that users aim at their scripts. Whether one strikes depends on the seed, on the fault's place among the faults,
-- and on the number of the request, and on nothing else: the same run can be had again.
local faults_reply = require "moonkey.emulator.faults_reply"

local M = {}
local Faults = {}
Faults.__index = Faults

M.SEED = 1

local GOLDEN = 0x9E3779B97F4A7C15
local LONGEST_PATH = 1000 -- bytes; matching a longer one could take its time

-- The finaliser of splitmix64.
local function mix(z)
  z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ~ (z >> 27)) * 0x94D049BB133111EB
  return z ~ (z >> 31)
end

-- new(list of faults_parse, seed) -> faults
function M.new(list, seed)
  for _, fault in ipairs(list) do
    fault.struck = 0
  end
  return setmetatable({ list = list, seed = seed or M.SEED }, Faults)
end

-- A number from 0 up to 1 for the `index`th draw about request `number`.
function Faults:draw(index, number)
  return (mix(mix(self.seed * GOLDEN + index) + number * GOLDEN) >> 11) * 0x1p-53
end

local function concerns(fault, method, path)
  if fault.methods and not fault.methods[method] then
    return false
  end
  return not fault.pattern or #path <= LONGEST_PATH and path:find(fault.pattern) ~= nil
end

local function verdict_of(self, fault, index, number)
  local reply
  if fault.kind == "status" then
    reply = faults_reply.status(fault.status, fault.retry_after, self:draw(-index, number))
  end
  return { kind = fault.kind, reply = reply, applied = fault.applied or fault.kind == "garbled" or fault.kind == "truncated",
    fault = fault.text }
end

-- What becomes of request `number`: nil where nothing does, or
-- { kind = nil, "status", "reset", "timeout", "truncated" or "garbled"; reply = of a status; applied = is the request carried
--   out nevertheless; delay = seconds; fault = its text }. The first fault that strikes is it; latencies add up.
function Faults:strike(number, method, path)
  path = path:gsub("^/public/v1", ""):gsub("(.)/$", "%1")
  local verdict, delay
  for index, fault in ipairs(self.list) do
    local late = fault.kind == "latency"
    if (late or not verdict) and concerns(fault, method, path) and self:draw(index, number) < fault.share then
      fault.struck = fault.struck + 1
      if late then
        delay = (delay or 0) + fault.mean + fault.spread * (2 * self:draw(-index, number) - 1)
      else
        verdict = verdict_of(self, fault, index, number)
      end
    end
  end
  if delay then
    verdict = verdict or {}
    verdict.delay = delay
  end
  return verdict
end

return M
