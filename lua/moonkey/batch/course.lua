-- The course of a run: counts its results as they are told, and knows whether it has to stop, and why.
local http = require "moonkey.http"
local limits = require "moonkey.limits"
local result = require "moonkey.batch.result"
local sys = require "moonkey.sys"

local M = {}

local Course = {}
Course.__index = Course

-- Nothing new is started from here on. The reason: one of http.stop_reason() or limits.reached(), "interrupted", "halt",
-- "output", "journal".
function Course:stop(reason)
  if self.stopped then return end
  self.stopped = reason
  self.source:close()
  self.on_stop(reason)
end

function Course:must_stop()
  if self.stopped then return true end
  local reason = sys.interrupted() and "interrupted" or http.stop_reason() or limits.reached()
    or self.failure and self.failure()
  if reason then self:stop(reason) end
  return reason ~= nil
end

function Course:report(r)
  self.counts[r.outcome] = self.counts[r.outcome] + 1
  self.on_result(r)
  if self:must_stop() then return end
  self.halted = self.must_halt and self.must_halt(self.counts)
  if self.halted then self:stop("halt") end
end

-- The row of `item` was read, but is not run in this session.
function Course:report_pending(item)
  self:report(result.pending(item))
end

-- How it ended: see batch/engine.lua. `ended`: was the source read to its end; `unusable`: nil or why it could not be.
function Course:ending(ended, unusable)
  return { rows = self.source.count, ended = ended, stopped = self.stopped, halted = self.halted or nil, unusable = unusable }
end

-- `options`: source, on_result, must_halt and failure as of batch/engine.lua. on_stop(reason) is called once, when it stops.
function M.new(options, on_stop)
  return setmetatable({
    source = options.source, on_result = options.on_result, must_halt = options.must_halt, failure = options.failure,
    on_stop = on_stop, counts = { done = 0, failed = 0, unknown = 0, pending = 0, skipped = 0 },
  }, Course)
end

return M
