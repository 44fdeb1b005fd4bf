-- Run a job over the rows of a source, as batch, resume, retry and undo do: with a journal, progress, summary and exit code.
local batch = require "moonkey.batch"
local digest = require "moonkey.digest"
local files = require "moonkey.files"
local halt = require "moonkey.batch.halt"
local http = require "moonkey.http"
local log = require "moonkey.log"
local queued = require "moonkey.cli.queued"
local restricted = require "moonkey.cli.restricted"
local recorder = require "moonkey.batch.journal.recorder"
local stop = require "moonkey.cli.stop"
local summary = require "moonkey.batch.summary"
local sys = require "moonkey.sys"

local M = {}

-- What a run keeps of the command line, so that `resume` need not be told again: names in the arguments. Whoever agreed to
-- writing (--yes) has to agree again.
M.KEPT = {
  "profile", "base_url", "emulator", "emulator_data", "jobs", "rate", "dry_run", "read_only", "allow_self", "retry", "max_time",
  "connect_timeout", "cacert", "cert", "key", "proxy", "http2", "max_changes", "halt", "skip_unchanged", "undoable", "force",
  "no_strict", "queue", "chunk",
}
table.move(restricted.KEPT, 1, #restricted.KEPT, #M.KEPT + 1, M.KEPT)

local PATHS = { "emulator_data", "cacert", "cert", "key" }

local function kept(args)
  local options = {}
  for _, name in ipairs(M.KEPT) do
    local value = args[name]
    if type(value) ~= "table" or #value > 0 then options[name] = value end
  end
  options.dry_run = http.dry_run() or nil
  for _, name in ipairs(PATHS) do
    local path = options[name]
    if path and not path:find("^/") then options[name] = files.absolute(".") .. "/" .. path end
  end
  return options
end

-- The values for the journal of a new run. `meta`: more of them.
local function values_of(args, meta)
  local values = { command = "batch", options = kept(args), profile = args.profile }
  if args.job then
    values.job = files.absolute(args.job)
    values.job_sha256 = digest.file(values.job)
  end
  for key, value in pairs(meta or {}) do values[key] = value end
  return values
end

-- What of --results and --halt cannot be meant.
function M.check_flags(args)
  local name = args.results
  if name == "" then stop.usage("--results needs the name of a file") end
  if name == "-" then stop.usage("--results -: standard output takes results with -o jsonl; a file of that name is ./-") end
  local rule, message = true, nil
  if args.halt then rule, message = halt.parse(args.halt) end
  if not rule then stop.usage("--halt " .. message) end
end

local function all_drifted(result)
  local drifted = 0
  for _, cause in ipairs(result.causes) do drifted = drifted + (cause.kind == "drift" and cause.count or 0) end
  return drifted > 0 and drifted == result.failed + result.unknown
end

local function exit_code(result)
  if result.stopped == "interrupted" then return 128 + sys.interrupted() end
  if result.stopped then return stop.CODES[result.stopped] end
  if result.unusable then return 2 end
  if all_drifted(result) then return 5 end
  return result.failed + result.unknown > 0 and 3 or 0
end

-- The recorder of a new run. claim(it): may it begin? true, or nil, message; then nothing of it stays.
local function begin(source, args, meta, claim)
  local run, message = recorder.new(source, args.journal, values_of(args, meta))
  if not run or not claim then return run, message end
  local ok
  ok, message = claim(run)
  if ok then return run end
  run:discard()
  return nil, message
end

--[[
M.run{ args = of the command line, source =, job =, jobs = at a time, meta = values for the journal of a new run, claim = see
       begin(), or
       is_plan = are its rows those of a plan? job_file = of the run, where it has one;
       continues = path of the journal of the run that a new one continues, or
       journal = function(source) that makes the recorder of an old one }
returns the exit code. The client is set up by then.
]]
function M.run(options)
  local args = options.args
  local journal = options.journal or function(source)
    if options.continues then
      return recorder.continue(source, options.continues, args.journal, values_of(args))
    end
    return begin(source, args, options.meta, options.claim)
  end
  local queue <close> = queued.open(options)
  local result, message = batch.run{ source = options.source, job = options.job, jobs = options.jobs, results = args.results,
    halt = args.halt, stdout = args.output == "jsonl", progress = true, journal = journal, queue = queue }
  if not result then stop.with(sys.interrupted() and 128 + sys.interrupted() or 2, message) end
  local host, _, credential = http.origin()
  result.host, result.credential = host, credential
  result.over = args.emulator and not args.emulator_data -- its tokens end with it, and nothing can go on
  for _, said in ipairs(summary.messages(result)) do log[said.level]("%s", said.text) end
  if args.dry_run then log.info("dry run: nothing was written") end
  return exit_code(result)
end

return M
