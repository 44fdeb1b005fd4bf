-- moonkey batch: run a job for each row of a file. A thin layer over moonkey.batch.
local batch = require "moonkey.batch"
local connect = require "moonkey.cli.connect"
local default_job = require "moonkey.batch.default_job"
local jobs = require "moonkey.batch.job"
local extension = require "moonkey.extension"
local formats = require "moonkey.extension.format"
local log = require "moonkey.log"
local perform = require "moonkey.cli.perform"
local planning = require "moonkey.cli.planning"
local plans = require "moonkey.batch.plan.file"
local queued = require "moonkey.cli.queued"
local restricted = require "moonkey.cli.restricted"
local script = require "moonkey.script"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {
  summary = "update the tokens that the rows of a file name",
  description = [[
Reads rows from FILE (JSONL, a JSON array or CSV), and updates the token that each of them names:
  {"id":"TKN-1234-5678","name":"New name","description":null,"modules":["MOD-1756"]}
In CSV the first line names the columns: id, name, description, icon, modules, in any order. An
absent column or an empty cell leaves the field alone, \N clears it, modules are MOD-1756;MOD-9042.
A row that is wrong fails with its line number, and the rest goes on.

FILE may be a plan, which `moonkey plan` has made: then exactly that is written. A token that was
changed since the plan was made is not overwritten, but fails as drift; exit 5 where that is all.

Every run has a journal. After Ctrl-C, a crash, or a refused credential `moonkey resume RUN` goes
on where it ended, and `moonkey retry RUN` tries the rows that failed again.

With --queue, the rows are done by workers on any number of machines (moonkey worker), which take
them from a Redis; all else is the same: `moonkey help fleet`.

With --job, a Lua file decides what is done for each row. It returns function(row, ctx), or a table
{ setup =, job =, teardown = }; ctx has row, line, id, run, log, and state, which is what setup
returned.

Exit: 0 all done, 1 the journal or standard output cannot be written, or the queue not reached,
2 unusable input, 3 some rows failed, 4 not authorised, 5 stopped by --halt, --max-changes,
`queue cancel` or for lack of consent, or a plan that was applied already, 130 or 143 interrupted.]],
}

function M.configure(cmd)
  cmd:argument("file", "File of rows, a plan, or - for standard input."):argname("FILE")
  cmd:option("--job", "Lua file with the job for each row."):argname("JOB.lua")
  cmd:option("--halt", "Stop once so many rows have failed: fail=10, or fail=5% of those tried."):argname("RULE")
  cmd:option("--format", "Format of FILE, when its name does not tell.")
    :choices(extension.names("format", formats.BUILT_IN))
  cmd:option("--results", "Record one result a row in a new file: JSONL, or CSV by the name."):argname("FILE")
  cmd:option("--journal", "Keep the run's journal in this new file (default: in the state directory)."):argname("FILE")
  cmd:flag("--skip-unchanged", "Read each token first, and do not write what it has already.")
  cmd:flag("--undoable", "Read each token first, and keep what it was: `moonkey undo` can take the run back.")
  planning.configure_checks(cmd)
  cmd:flag("--force", "Of a plan: also write to tokens that were changed since it was made.")
  queued.configure(cmd)
  cmd:option("-o --output", "Write one result a row to standard output."):choices{ "jsonl" }
end

-- A job file is a script: it has the same globals, and its modules are looked for in the same places. `policy` says what it may
-- do (cli/restricted.lua).
function M.read_job(path, policy)
  script.prepare(path, {})
  local globals = restricted.globals(policy, _G.arg)
  local chunk, message, unreadable = jobs.read(script.chunk_path(path), globals)
  if not chunk then stop.with(unreadable and 2 or 1, message) end
  return script.adopt(chunk, globals)
end

-- Here the job's code begins to run. `run`: see restricted.begin.
function M.make_job(chunk, path, policy, run)
  restricted.begin(policy, run)
  local job, message = jobs.make(restricted.in_script(chunk), path, function(value, name)
    return restricted.job(policy, value, name)
  end)
  if not job then stop.with(1, message) end
  return job
end

-- `check_columns`: of the default job; false with another.
function M.open_source(file, format, check_columns)
  if file == "-" and sys.isatty(0) then log.info("reading rows from the terminal; end them with Ctrl-D") end
  local source, message = batch.open_source(file, format)
  if not source then stop.with(sys.interrupted() and 128 + sys.interrupted() or 2, message) end
  if source.columns and check_columns then
    local problem, warnings = check_columns(source.columns)
    if problem then stop.usage(("%s: %s"):format(source.name, problem)) end
    for _, warning in ipairs(warnings) do log.warn("%s: %s", source.name, warning) end
  end
  return source
end

local function check_flags(args)
  perform.check_flags(args)
  if args.journal == "" then stop.usage("--journal needs the name of a file") end
  local careful = args.skip_unchanged and "--skip-unchanged" or args.undoable and "--undoable"
  if args.job and careful then
    stop.usage(("--job and %s exclude each other: a job of your own decides itself what it writes"):format(careful))
  end
end

local function run_plan(args)
  if args.job then stop.usage("--job is not for a plan, which says itself what is written") end
  local apply = require "moonkey.cli.apply"
  local plan = apply.open(args.file)
  queued.prepare(args)
  local count, profile = connect.configure(args, batch.DEFAULT_JOBS)
  local checks = planning.checks(args, profile, plan.head)
  if plan.head.undo_of then checks = {} end -- what was there before, whatever it was
  return apply.run(args, plan, count, checks)
end

-- Checks are of plans: rows do not say what they change.
local function refuse_unchecked(profile)
  if not profile or not profile.checks then return end
  stop.with(5, ("%s has checks (%s), which a plan has to pass: moonkey plan FILE -o PLAN, then moonkey batch PLAN")
    :format(profile.where, table.concat(profile.checks, ", ")))
end

function M.run(args)
  check_flags(args)
  if plans.is(args.file) then return run_plan(args) end
  if args.force then stop.usage("--force is for a plan: moonkey plan FILE -o PLAN makes one") end
  if #args.check > 0 then stop.usage("--check is for a plan: moonkey plan FILE -o PLAN makes one") end
  local policy = args.job and restricted.of(args)
  local chunk = args.job and M.read_job(args.job, policy)
  local source = M.open_source(args.file, args.format, not chunk and default_job.check_columns)
  queued.prepare(args)
  local count, profile = connect.configure(args, batch.DEFAULT_JOBS)
  if not chunk then refuse_unchecked(profile) end
  local job = args.queue and chunk and queued.job
    or chunk and M.make_job(chunk, args.job, policy, restricted.files_of_run(args, args.job, source)) or jobs.built_in(args)
  return perform.run{ args = args, source = source, job = job, jobs = count }
end

return M
