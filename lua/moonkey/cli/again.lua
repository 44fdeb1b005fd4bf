--[[
Go on with a run: what `resume` and `retry` have in common. The journal tells which rows, which job and which settings it had;
both files have to be what they were, and calls have to go where they went.
]]
local batch = require "moonkey.batch"
local batch_command = require "moonkey.cli.batch"
local connect = require "moonkey.cli.connect"
local default_job = require "moonkey.batch.default_job"
local digest = require "moonkey.digest"
local files = require "moonkey.files"
local jobs = require "moonkey.batch.job"
local log = require "moonkey.log"
local perform = require "moonkey.cli.perform"
local place = require "moonkey.batch.journal.place"
local plans = require "moonkey.batch.plan.file"
local queued = require "moonkey.cli.queued"
local reader = require "moonkey.batch.journal.reader"
local recorder = require "moonkey.batch.journal.recorder"
local restricted = require "moonkey.cli.restricted"
local script = require "moonkey.script"
local stop = require "moonkey.cli.stop"
local summary = require "moonkey.batch.summary"
local sys = require "moonkey.sys"

local M = {}

function M.configure(cmd)
  cmd:argument("run", "A run: its id, the beginning of one, `last`, or the path of its journal."):argname("RUN")
  cmd:argument("file", "Its rows, where they are not where they were, or - for standard input."):argname("FILE"):args("?")
  cmd:option("--results", "Record one result a row of this session in a new file: JSONL, or CSV by the name."):argname("FILE")
  cmd:option("--halt", "Stop once so many rows have failed: fail=10, or fail=5% of those tried."):argname("RULE")
  cmd:flag("--force", "Of a plan: also write to tokens that were changed since it was made.")
  queued.configure_again(cmd)
  cmd:option("-o --output", "Write one result a row of this session to standard output."):choices{ "jsonl" }
end

-- What has been done since is not in its journal.
local function refuse_continued(meta)
  if not meta.continued_by or sys.file_type(meta.continued_path) ~= "file" then return end
  stop.usage(("run %s goes on as run %s: moonkey resume %s"):format(meta.id, meta.continued_by,
    place.name(meta.continued_by, meta.continued_path)))
end

-- Are there tokens still that the run was about?
function M.check_emulator(meta)
  local data = meta.options.emulator_data
  if data and sys.file_type(data) ~= "file" then
    stop.usage(("run %s was against the emulator of %s, which is not there any more"):format(meta.id, data))
  end
  if not meta.options.emulator or data then return end
  stop.usage(("run %s was against an emulator that ended with it, and its tokens with that; --emulator=FILE keeps them")
    :format(meta.id))
end

-- A run's journal, read and closed: path, meta, counts, and how a command names it.
local function look_up(text)
  local path, message = place.find(text)
  if not path then stop.usage(message) end
  local journal
  journal, message = reader.open(path)
  if not journal then stop.usage(message) end
  local meta, counts = journal.meta, journal:counts()
  local running = journal:running()
  journal:close()
  if running then stop.usage(("run %s is under way: another moonkey is working on it"):format(meta.id)) end
  if meta.command ~= "batch" then
    stop.usage(("run %s was begun by a script, which has the rows and the job: run that again, with the options "
      .. "journal = %q and resume = true of batch.run"):format(meta.id or text, path))
  end
  M.check_emulator(meta)
  refuse_continued(meta)
  return { path = path, meta = meta, counts = counts, name = place.name(meta.id, path) }
end

-- An emulator is known by the file of its tokens.
local function restore_emulator(args, data)
  if not data then return end
  if args.emulator and not args.emulator_data then args.emulator_data = data end
  local given = args.emulator_data
  if given and given ~= "" and files.absolute(given) ~= files.absolute(data) then
    stop.usage(("the run was against the emulator of %s, and this would go to that of %s"):format(data, given))
  end
end

-- Settings that the run was begun with, where the command line does not say otherwise.
function M.restore(args, options, names)
  restore_emulator(args, options.emulator_data)
  local elsewhere = args.base_url or args.profile or args.emulator or args.emulator_data
  for _, name in ipairs(names) do
    local names_target = name == "base_url" or name == "profile" or name == "emulator" or name == "emulator_data"
    local given = args[name]
    if type(given) == "table" and #given == 0 then given = nil end -- a flag that may be given more than once was not given
    if given == nil and not (names_target and elsewhere) then args[name] = options[name] end
  end
end

-- The run's own --max-changes holds for it as a whole; one that is given here, for what is sent now.
local function restore_limit(args, run)
  local most = not args.max_changes and math.tointeger(tonumber(run.meta.options.max_changes))
  if not most then return end
  local writes = run.meta.writes or 0
  if writes >= most then
    stop.with(5, ("run %s has sent the %s writes that its --max-changes permits; a --max-changes of now permits more")
      :format(run.meta.id, summary.number(writes)))
  end
  log.info("run %s has sent %s of the %s writes that its --max-changes permits", run.meta.id, summary.number(writes),
    summary.number(most))
  args.max_changes = ("%d"):format(most - writes)
end

local function short(hash)
  return hash and hash:sub(1, 12) .. "…" or "nothing"
end

-- Is the file what it was? Otherwise says what is different.
local function is_same(path, what, hash, size)
  local now, now_size = digest.file(path)
  if not now then stop.usage(("cannot read %s of the run: %s"):format(what, now_size)) end
  if now == hash then return true end
  local sizes = size and size ~= now_size and ("%d bytes now, %d then; "):format(now_size, size) or ""
  return false, ("%s %s has changed since the run began (%sSHA-256 %s now, %s then)"):format(what, path, sizes, short(now),
    short(hash))
end

local function refuse(run, problems)
  local otherwise = ("go by the rows' ids and contents instead of their position: moonkey resume %s --accept-changes")
    :format(run.name)
  if run.meta.plan then otherwise = "apply the plan that is there now, as a run of its own: moonkey batch PLAN" end
  stop.usage(("%s; nothing was sent. Put back what it was, or %s"):format(table.concat(problems, ", and "), otherwise))
end

-- What is applied is what somebody has seen.
local function refuse_another_plan(run)
  if not run.meta.plan then return end
  stop.usage(("run %s applies a plan, which may not change: without --accept-changes, moonkey resume %s goes on with it; "
    .. "for other rows, make a plan of those"):format(run.meta.id, run.name))
end

-- Where the rows are, and whether they are known to be the same.
local function find_input(args, run, kind, problems)
  local meta = run.meta
  local file = args.file or meta.input
  if not file then
    stop.usage(("the rows of run %s came from %s: give them again: moonkey %s %s - < FILE")
      :format(meta.id, meta.source or "elsewhere", kind, run.name))
  end
  if file == "-" or sys.file_type(file) ~= "file" then return file, false end
  local same, problem = is_same(file, "the input", meta.input_sha256, meta.input_size)
  if not same and meta.input_sha256 then problems[#problems + 1] = problem end
  return file, same
end

local function check_job(run, problems)
  local meta = run.meta
  if not meta.job then return end
  local same, problem = is_same(meta.job, "the job", meta.job_sha256)
  if not same then problems[#problems + 1] = problem end
end

-- Calls must go where they went: an id means another token elsewhere.
function M.check_target(run)
  local now, meta = recorder.target(), run.meta
  local problem = recorder.other_target(meta)
  if problem then stop.usage(problem) end
  if now.own_id ~= meta.own_id then
    log.info("run %s was begun as %s, and goes on as %s", meta.id, meta.own_id or "an unnamed token",
      now.own_id or "an unnamed token")
  end
end

local function open_rows(run, file, chunk)
  if not run.meta.plan then
    return batch_command.open_source(file, run.meta.format, not chunk and default_job.check_columns)
  end
  local plan, message = plans.open(file)
  if not plan then stop.usage(message) end
  return plan:source()
end

local function make_job(args, run, source, chunk, policy)
  if chunk and args.queue then return queued.job end
  if chunk then
    local job = run.meta.job
    return batch_command.make_job(chunk, job, policy, restricted.files_of_run(args, job, source, run.path))
  end
  return jobs.built_in{ skip_unchanged = args.skip_unchanged, undoable = args.undoable, plan = run.meta.plan,
    force = args.force }
end

-- A run that was killed before it had noted that it applies its plan has sent nothing: another may have applied it since.
local function claim_plan(args, run)
  if not run.meta.plan or args.dry_run or args.read_only then return end
  local ok, message = plans.claim(run.meta.plan, { id = run.meta.id, path = run.path })
  if not ok then stop.with(5, message) end
end

-- Rows that workers may have leave the queue that the run was on: a session of its own. true, or nil, message.
local function leave_queue(args, rows, run, kind, verified)
  if not queued.must_recall(args, run.meta.id) then return true end
  local again, message = recorder.again(rows, run.path, kind, verified, nil, true)
  if not again then return nil, message end
  local ok
  ok, message = queued.recall(again, args)
  again.writer:close("interrupted")
  return ok, message
end

-- On a queue, nothing that was announced is settled before it is known what has become of it.
local function begin_again(args, rows, run, kind, verified)
  local ok, message = leave_queue(args, rows, run, kind, verified)
  if not ok then return nil, message end
  local again
  again, message = recorder.again(rows, run.path, kind, verified, nil, args.queue ~= nil)
  local left_alone = again and again:left_alone() or 0
  if left_alone > 0 then
    log.info("%d failed row%s left alone: a later row of the same token is done, and they would undo it", left_alone,
      left_alone == 1 and " is" or "s are")
  end
  return again, message
end

-- Go on with the rows that `kind` says ("resume", "retry"): the exit code.
local function go_on(args, run, kind)
  local problems = {}
  local file, verified = find_input(args, run, kind, problems)
  check_job(run, problems)
  if #problems > 0 and not args.accept_changes then refuse(run, problems) end
  restore_limit(args, run)
  local given = args.queue
  M.restore(args, run.meta.options, perform.KEPT)
  queued.choose(args, given, run.meta)
  queued.prepare(args)
  script.be_strict(not args.no_strict)
  local policy = run.meta.job and restricted.of(args)
  local chunk = run.meta.job and batch_command.read_job(run.meta.job, policy)
  local source = open_rows(run, file, chunk)
  local count = connect.configure(args, batch.DEFAULT_JOBS)
  M.check_target(run)
  claim_plan(args, run)
  local job = make_job(args, run, source, chunk, policy)
  if args.accept_changes then
    args.job = run.meta.job
    return perform.run{ args = args, source = source, job = job, jobs = count, job_file = run.meta.job, continues = run.path }
  end
  return perform.run{ args = args, source = source, job = job, jobs = count, job_file = run.meta.job,
    is_plan = run.meta.plan ~= nil,
    journal = function(rows) return begin_again(args, rows, run, kind, verified) end }
end

local function is_complete(run)
  local counts = run.counts
  return run.meta.rows and counts.done + counts.skipped + counts.failed + counts.unknown >= run.meta.rows
end

-- The exit code of a run that has come to its end: as batch's.
local function code_of(run)
  local journal <close>, message = reader.open(run.path, true)
  if not journal then stop.usage(message) end
  local code = 0
  for r in journal:results{ "failed", "unknown" } do
    if r.kind ~= "drift" then return 3 end
    code = 5
  end
  return code
end

function M.resume(args)
  perform.check_flags(args)
  if args.journal and not args.accept_changes then
    stop.usage("--journal goes with --accept-changes, which begins a new run; without it, a run goes on in its own journal")
  end
  local run = look_up(args.run)
  if args.accept_changes then refuse_another_plan(run) end
  local failed = run.counts.failed
  if is_complete(run) and not args.accept_changes then
    local more = failed > 0 and ("; `moonkey retry %s` tries its %d failed row%s again"):format(run.name, failed,
      failed == 1 and "" or "s") or ""
    log.info("run %s has come to its end: nothing is left to do%s", run.meta.id, more)
    return code_of(run)
  end
  return go_on(args, run, "resume")
end

function M.retry(args)
  perform.check_flags(args)
  local run = look_up(args.run)
  if run.counts.failed == 0 then
    log.info("run %s has no rows that failed%s", run.meta.id,
      run.counts.unknown > 0 and ("; %d are unknown, and are not repeated"):format(run.counts.unknown) or "")
    return run.counts.unknown > 0 and 3 or 0
  end
  local code = go_on(args, run, "retry")
  if not is_complete(run) then
    log.info("run %s has rows that have not been run yet: `moonkey resume %s` goes on with those", run.meta.id, run.name)
  end
  return code
end

return M
