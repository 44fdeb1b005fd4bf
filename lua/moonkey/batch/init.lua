--[[
batch: run a job for each row of an input.

  local summary = batch.run{ source = "tokens.csv", job = function(row, ctx) … end, jobs = 10 }

See M.run for the options and the summary.
]]
local engine = require "moonkey.batch.engine"
local halt = require "moonkey.batch.halt"
local http = require "moonkey.http"
local jobs = require "moonkey.batch.job"
local nearest = require "moonkey.nearest"
local output = require "moonkey.batch.output"
local progress = require "moonkey.batch.progress"
local recorder = require "moonkey.batch.journal.recorder"
local sources = require "moonkey.batch.source"
local sys = require "moonkey.sys"
local tallies = require "moonkey.batch.tally"

local M = {}

M.DEFAULT_JOBS = 10
M.MAX_JOBS = 1000

local COUNTED = { "done", "failed", "unknown", "skipped", "pending", "causes", "not_sent" }

local OPTIONS = { "source", "format", "job", "jobs", "on_result", "results", "stdout", "progress", "halt", "journal", "resume",
  "skip_unchanged", "undoable" }

local function check_journal(options)
  local journal, kind = options.journal, type(options.journal)
  if kind == "function" then return end -- of the command line: makes the recorder for a source
  if options.resume and kind ~= "string" then error("resume goes with the name of a journal", 4) end
  if kind == "nil" or kind == "boolean" or (kind == "string" and journal ~= "") then return end
  error("journal must be a file's name; false for none; true or nothing for one in the state directory", 4)
end

-- A journal that is a function, and a queue, are the command line's: no script can have either.
local function is_option(key, options)
  for _, option in ipairs(OPTIONS) do
    if option == key then return true end
  end
  return key == "queue" and type(options.journal) == "function"
end

local function refuse_option(key)
  local near = nearest(key, OPTIONS)
  error(("batch.run: unknown option '%s'; %s"):format(key,
    near and ("did you mean '%s'?"):format(near) or "there are " .. table.concat(OPTIONS, ", ")), 4)
end

local function check(options)
  if type(options) ~= "table" then error('batch.run needs a table of options such as { source = "tokens.csv" }', 3) end
  for key in pairs(options) do
    if not is_option(key, options) then refuse_option(tostring(key)) end
  end
  local n = options.jobs or M.DEFAULT_JOBS
  if math.type(n) ~= "integer" or n < 1 or n > M.MAX_JOBS then
    error(("jobs must be a whole number from 1 to %d"):format(M.MAX_JOBS), 3)
  end
  local kind = type(options.source)
  if kind ~= "string" and kind ~= "table" and kind ~= "function" then
    error("source must be a file's name, \"-\", a list of rows, or a function that returns the next row", 3)
  end
  if options.job and (options.skip_unchanged or options.undoable) then
    error("skip_unchanged and undoable are for rows without a job: a job of your own decides itself what it writes", 3)
  end
  check_journal(options)
end

local function choose_job(options)
  if options.job == nil then return jobs.built_in(options) end
  if type(options.job) == "table" and options.job.run then return options.job end
  return jobs.from(options.job)
end

-- The recorder, or false for a run without a journal; nil, message.
local function open_journal(options, source)
  local journal = options.journal
  if journal == false then return false end
  if type(journal) == "function" then return journal(source) end
  local settings = { jobs = options.jobs or M.DEFAULT_JOBS, halt = options.halt, skip_unchanged = options.skip_unchanged,
    undoable = options.undoable, dry_run = http.dry_run() or nil }
  local _, size = sys.file_type(type(journal) == "string" and journal or "")
  if options.resume and (math.tointeger(size) or 0) > 0 then
    return recorder.again(source, journal, "resume", false, { options = settings })
  end
  return recorder.new(source, type(journal) == "string" and journal or nil, { options = settings })
end

-- The source is one that M.open_source has opened, or what it opens.
local function open_all(options)
  local source, message = options.source, nil
  if type(source) ~= "table" or not source.next then source, message = sources.open(source, options.format) end
  if not source then return nil, message end
  local job
  job, message = choose_job(options)
  if not job then return nil, message end
  if not job.custom and source ~= options.source and not source.reader then source = sources.copied(source) end
  local out
  out, message = output.open{ results = options.results, stdout = options.stdout }
  if not out then return nil, message end
  return source, job, out
end

-- What becomes of results: add(r) takes them from the engine; they are told to everybody once they are in the journal.
-- failure() is why the run cannot go on; raised() is what on_result has raised.
local function sink(options, tally, out, journal)
  local writes, failed, err = #out.sinks > 0, nil, nil
  local function tell(r)
    r.hash, r.at, r.intended, r.withdrawn, r.carried_out = nil, nil, nil, nil, nil
    tally:add(r)
    if options.on_result and not err then
      local ok
      ok, err = pcall(options.on_result, r)
      if ok then err = nil else failed = "error" end
    end
    if writes and not out:write(r) then failed = failed or "output" end
  end
  local self = { add = tell, failure = function() return failed end, raised = function() return err end }
  if not journal then return self end
  local writer = journal.writer
  function writer.on_commit(results)
    journal:note_account()
    for _, r in ipairs(results) do tell(r) end
  end
  function self.add(r)
    if r.outcome == "pending" and not r.withdrawn then return tell(r) end -- nothing that could be recorded
    writer:add(r)
  end
  function self.failure() return writer.failure and "journal" or failed end
  return self
end

local function run_rows(queue, options)
  if queue then return queue:run_rows(options) end
  return engine.run(options)
end

local function stats_of(queue)
  if queue then return queue:stats() end
  return http.stats()
end

local function close_journal(journal, ended, retries)
  if not journal then return end
  local whole = ended.ended and not ended.unusable and not ended.stopped and journal.kind ~= "retry" -- which ends earlier
  local ok, message = journal.writer:close(ended.stopped or ended.unusable and "unusable" or "done", retries,
    whole and { rows = ended.rows } or nil)
  if ok and ended.stopped ~= "journal" then return end
  ended.stopped = ended.stopped or "journal"
  ended.journal_error, ended.unrecorded = message or journal.writer.why_failed, #journal.writer.results
end

--[[
M.run{
  source     file name, "-", list of rows, or function returning the next row; required
  format     "jsonl", "json" or "csv"; otherwise by the file's name
  job        function(row, ctx), or { setup =, job =, teardown = }; otherwise token.update of each row. ctx has row (its
             number), line, id, state (what setup returned), run (the run's id), and log: ctx.log.info("…") names the row
  jobs       how many rows at a time; 10
  on_result  called with the result of each row (see moonkey.batch.result) once it is in the journal, in order of completion
  results    name of a file that results are written to
  stdout     true: results go to standard output too
  progress   true: progress is shown on standard error
  halt       "fail=N" or "fail=N%": see moonkey.batch.halt
  journal    name of the file of the journal; false: none; otherwise one in the state directory
  skip_unchanged, undoable   true: read each token before it is updated, not to write what is there already, or to keep what
             it was (see moonkey.batch.careful_job); not with a job
  resume     true: go on with the run of `journal`, where there is one: rows that have ended are not done again
  queue      of the command line: a coordinator (moonkey.queue.coordinator), which has others do the rows; with a journal
}
returns { rows =, done =, failed =, unknown =, skipped =, pending =, causes =, not_sent =, seconds =, source = name,
          run = id, journal = path, before = rows that earlier sessions of the run have done, kind = of this one: nil |
          "resume" | "retry",
          stopped = nil | "interrupted" | "auth" | "forbidden" | "certificate" | "consent" | "halt" | "output" | "journal" |
          "queue" | "cancelled", stop_text = what there is to say of that, or nil,
          halted = why, unusable = nil | { line =, message = }, output_error =, journal_error =, unrecorded = };
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
  local journal, message = open_journal(options, source)
  if journal == nil then
    out:abandon()
    return nil, message
  end
  local opened_writer <close> = journal and journal.writer or nil -- luacheck: ignore 211
  if journal then source = journal.source end
  local queue = options.queue
  if queue then
    local ok
    ok, message = queue:open(journal)
    if not ok then
      out:abandon()
      return nil, message
    end
  end
  local tally = tallies.new()
  if journal then journal:tally(tally, queue and queue.taken or {}) end
  local before = tally:settled()
  local state
  if job.setup then state = job.setup() end
  local bar <close> = options.progress and progress.new(source, tally, queue) or nil
  local started = sys.now()
  local results = sink(options, tally, out, journal)
  local ended = run_rows(queue, {
    source = source, job = job, jobs = options.jobs or M.DEFAULT_JOBS, state = state,
    journal = journal and journal.writer or nil,
    on_result = results.add, failure = results.failure, must_halt = rule,
    on_idle = options.stdout and source.may_wait and function() out:flush() end or nil, -- whoever reads along waits too
  })
  close_journal(journal, ended, stats_of(queue).retries)
  if results.raised() ~= nil then error(results.raised(), 0) end
  if bar then bar:close() end
  local written
  written, message = out:close()
  source:close()
  if job.teardown then job.teardown(state) end
  if not written then ended.stopped, ended.output_error = ended.stopped or "output", message end
  for _, key in ipairs(COUNTED) do ended[key] = tally[key] end
  ended.seconds, ended.source, ended.before = sys.now() - started, source.name, before
  if journal then ended.run, ended.journal, ended.kind = journal.id, journal.path, journal.kind end
  return ended
end

M.open_source = sources.open

return M
