--[[
batch: run a job for each row of an input.

  local summary = batch.run{ source = "tokens.csv", job = function(row, ctx) … end, jobs = 10 }

See M.run for the options and the summary.
]]
local engine = require "moonkey.batch.engine"
local halt = require "moonkey.batch.halt"
local jobs = require "moonkey.batch.job"
local output = require "moonkey.batch.output"
local progress = require "moonkey.batch.progress"
local sources = require "moonkey.batch.source"
local sys = require "moonkey.sys"
local tallies = require "moonkey.batch.tally"

local M = {}

M.DEFAULT_JOBS = 10
M.MAX_JOBS = 1000

local OPTIONS = {
  source = true, format = true, job = true, jobs = true, on_result = true, results = true, stdout = true, progress = true,
  halt = true,
}

local function check(options)
  if type(options) ~= "table" then error('batch.run needs a table of options such as { source = "tokens.csv" }', 3) end
  for key in pairs(options) do
    if not OPTIONS[key] then error(('batch.run has no option "%s"'):format(tostring(key)), 3) end
  end
  local n = options.jobs or M.DEFAULT_JOBS
  if math.type(n) ~= "integer" or n < 1 or n > M.MAX_JOBS then
    error(("jobs must be a whole number from 1 to %d"):format(M.MAX_JOBS), 3)
  end
  local kind = type(options.source)
  if kind ~= "string" and kind ~= "table" and kind ~= "function" then
    error("source must be a file's name, \"-\", a list of rows, or a function that returns the next row", 3)
  end
end

-- The source is one that M.open_source has opened, or what it opens.
local function open_all(options)
  local source, message = options.source, nil
  if type(source) ~= "table" or not source.next then source, message = sources.open(source, options.format) end
  if not source then return nil, message end
  local job = type(options.job) == "table" and options.job.run and options.job
  if not job then job, message = jobs.from(options.job) end
  if not job then return nil, message end
  local out
  out, message = output.open{ results = options.results, stdout = options.stdout }
  if not out then return nil, message end
  return source, job, out
end

local function sink(tally, out, on_result)
  local writes = #out.sinks > 0
  return function(r)
    tally:add(r)
    if on_result then on_result(r) end
    if writes then
      local ok, message = out:write(r)
      if not ok then return false, message end
    end
  end
end

--[[
M.run{
  source     file name, "-", list of rows, or function returning the next row; required
  format     "jsonl", "json" or "csv"; otherwise by the file's name
  job        function(row, ctx), or { setup =, job =, teardown = }; otherwise token.update of each row
  jobs       how many rows at a time; 10
  on_result  called with the result of each row (see moonkey.batch.result), in order of completion
  results    name of a file that results are written to
  stdout     true: results go to standard output too
  progress   true: progress is shown on standard error
  halt       "fail=N" or "fail=N%": see moonkey.batch.halt
}
returns { rows =, done =, failed =, unknown =, pending =, causes =, not_sent =, seconds =, source = name,
          stopped = nil | "interrupted" | "auth" | "forbidden" | "certificate" | "consent" | "halt" | "output", halted = why,
          unusable = nil | { line =, message = }, output_error = };
or nil, message when nothing could be started. The job's mistakes fail rows; an error in setup or teardown is raised.
]]
function M.run(options)
  check(options)
  local rule, problem
  if options.halt then rule, problem = halt.parse(options.halt) end
  if problem then return nil, "halt " .. problem end
  local source, job, opened = open_all(options)
  if not source then return nil, job end
  local out <close> = opened -- also when an error is raised
  local tally = tallies.new()
  local state
  if job.setup then state = job.setup() end
  local bar <close> = options.progress and progress.new(source, tally) or nil
  local started = sys.now()
  local ended = engine.run{
    source = source, job = job, jobs = options.jobs or M.DEFAULT_JOBS, state = state,
    on_result = sink(tally, out, options.on_result),
    must_halt = rule and function() return rule(tally) end,
    on_idle = options.stdout and source.may_wait and function() out:flush() end or nil, -- whoever reads along waits too
  }
  if bar then bar:close() end
  local written, message = out:close()
  source:close()
  if job.teardown then job.teardown(state) end
  if not written and not ended.stopped then ended.stopped, ended.output_error = "output", message end
  for _, key in ipairs{ "done", "failed", "unknown", "pending", "causes", "not_sent" } do ended[key] = tally[key] end
  ended.seconds, ended.source = sys.now() - started, source.name
  return ended
end

M.open_source = sources.open

return M
