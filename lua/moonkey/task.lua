--[[
Tasks: functions that run side by side. A call that waits (token.update, task.sleep, …) parks only its own task.

There is no preemption: between two waits a task has everything to itself. Tasks that are still running when the script ends
are waited for; one that failed and that nobody joined makes the run fail.
]]
local core = require "moonkey.task.core"

local M = {}

local DEFAULT_JOBS = 10

-- Start fn(...) as a task. The handle's :join() waits for its end and returns what fn returned, or raises what it raised.
M.spawn = core.spawn

-- Wait for `seconds` (a number, 0 or more) while other tasks run.
M.sleep = core.sleep

local function items_of(source)
  if type(source) == "function" then
    return source
  end
  local i = 0
  return function()
    i = i + 1
    return source[i]
  end
end

local function check_jobs(options)
  local jobs = options and options.jobs or DEFAULT_JOBS
  if math.type(jobs) ~= "integer" or jobs < 1 then
    error("task.map: jobs: expected a whole number, 1 or more", 3)
  end
  return jobs
end

--[[
Call fn(item) for each item of a list or iterator function, at most options.jobs (10) at a time.
Returns two tables by index: the first result of each call, and, where fn returned nil, err, that err. An error raised in fn
starts no further calls, waits for those under way, and is raised again here.
]]
function M.map(source, fn, options)
  if type(source) ~= "table" and type(source) ~= "function" then
    error("task.map: expected a list or an iterator function, got " .. type(source), 2)
  elseif type(fn) ~= "function" then
    error("task.map: expected a function to call for each item, got " .. type(fn), 2)
  end
  local jobs = check_jobs(options)
  local results, errors = {}, {}
  local running, failed, failure, gate = 0, false, nil, nil

  local function run(index, item)
    local ok, result, err = pcall(fn, item)
    if ok then
      results[index] = result
      if result == nil then errors[index] = err end
    elseif not failed then
      failed, failure = true, result
    end
    running = running - 1
    if gate then gate:open() end
  end

  local function wait_until(free)
    while running > free do
      gate = core.gate()
      gate:wait()
    end
    gate = nil
  end

  local index = 0
  for item in items_of(source) do
    wait_until(jobs - 1)
    if failed then break end
    index = index + 1
    running = running + 1
    M.spawn(run, index, item)
  end
  wait_until(0)
  if failed then error(failure, 0) end
  return results, errors
end

-- Call all functions of a list at once; returns the first result of each, in order. An error is raised once all have ended.
function M.all(functions)
  if type(functions) ~= "table" then
    error("task.all: expected a list of functions, got " .. type(functions), 2)
  end
  local count = #functions
  local results = M.map(functions, function(fn) return fn() end, { jobs = math.max(count, 1) })
  return table.unpack(results, 1, count)
end

return M
