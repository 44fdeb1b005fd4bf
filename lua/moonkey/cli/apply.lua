-- Apply a plan, as `batch PLAN` and `undo` do: where it was made for, once, and no more than it says.
local announce = require "moonkey.announce"
local job = require "moonkey.batch.job"
local perform = require "moonkey.cli.perform"
local plan_file = require "moonkey.batch.plan.file"
local planning = require "moonkey.cli.planning"
local recorder = require "moonkey.batch.journal.recorder"
local stop = require "moonkey.cli.stop"

local M = {}

-- The plan at `path`, before the client is set up.
function M.open(path)
  local plan, message = plan_file.open(path)
  if not plan then stop.usage(message) end
  return plan
end

-- What the checks of these names say of the plan: nil for nothing, otherwise the exit code.
local function check(plan, names)
  local checks = require("moonkey.extension.check").open(names)
  if not checks then return nil end
  local source, message = plan:source()
  if not source then stop.usage(message) end
  for row in function() return source:next() end do checks:add(row) end
  source:close()
  return checks:finish()
end

-- The exit code. The client is set up; `jobs`: requests at a time; `checks`: names of those that the plan has to pass.
function M.run(args, plan, jobs, checks)
  local target = recorder.target()
  local problem = plan:mismatch{ target = target.target, own_id = target.own_id, account = announce.account }
  if problem then stop.usage(problem) end
  if planning.exceeds(args, plan.counts.changed) then return 5 end
  local writes = not (args.dry_run or args.read_only)
  local applied = writes and plan_file.claimed(plan.id)
  if applied then stop.with(5, applied) end
  local code = check(plan, checks or {})
  if code then return code end
  local source, message = plan:source()
  if not source then stop.usage(message) end
  return perform.run{
    args = args, source = source, jobs = jobs, is_plan = true, job = job.built_in{ plan = true, force = args.force },
    meta = { plan = plan.id, undo_of = plan.head.undo_of },
    claim = writes and function(run) return plan_file.claim(plan.id, run) end or nil,
  }
end

return M
