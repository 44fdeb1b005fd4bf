-- Runs whose rows are done by workers on a queue: their flags, and what has to be so before one begins.
local chunks = require "moonkey.queue.chunk"
local connect = require "moonkey.cli.connect"
local digest = require "moonkey.digest"
local http = require "moonkey.http"
local json = require "moonkey.json"
local problem = require "moonkey.queue.problem"
local recorder = require "moonkey.batch.journal.recorder"
local settings = require "moonkey.cli.settings"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"
local units = require "moonkey.cli.units"

local M = {}

-- The job of a run whose rows are done elsewhere.
M.job = { custom = true, run = function() error("the rows of this run are done by workers") end }

function M.configure(cmd)
  cmd:option("--queue", "Have workers do the rows: the Redis between, rediss://[USER@]HOST[:PORT][/DB], or redis://… on "
    .. "this machine."):argname("URL")
  cmd:option("--chunk", ("With --queue: give out so many rows at once (1 to %d; default: %d)."):format(chunks.MAX_ROWS,
    chunks.DEFAULT_ROWS)):argname("N")
end

function M.refuse_emulator(args)
  if not args.emulator and not args.emulator_data then return end
  stop.usage("--queue and --emulator exclude each other: each worker would have an emulator of its own; start one that all "
    .. "of them can reach with `moonkey emulator`, and use the base URL and the credential that it prints")
end

local function refuse_flags(args)
  M.refuse_emulator(args)
  if args.job and args.max_changes then
    stop.usage("--max-changes and --job exclude each other with --queue: only the workers know how many writes a job sends; "
      .. "give --max-changes to each `moonkey worker`")
  end
end

-- Before the client is set up: with it, what can connect to a queue is taken away from everybody else.
function M.prepare(args)
  if not args.queue then
    if args.chunk then stop.usage("--chunk is for rows that workers do: it goes with --queue URL") end
    return
  end
  refuse_flags(args)
  args.rows_of_chunk = args.chunk and units.count("--chunk", args.chunk, 1, chunks.MAX_ROWS) or chunks.DEFAULT_ROWS
  M.url = require("moonkey.queue.url")
  local _, message = M.url.parse(args.queue)
  if message then stop.usage(message) end
  M.coordinator, M.connection = require "moonkey.queue.coordinator", require "moonkey.queue.connection"
end

-- What workers have to know of the run, and to agree with.
local function facts_of(options, config)
  local args = options.args
  local facts = { format = "1", job = "built-in", target = recorder.target().target, dry_run = http.dry_run() and "1" or "0",
    rate = ("%.17g"):format(config.rate or 0), version = sys.version() }
  local file = options.job_file or args.job
  if file then
    facts.job, facts.job_name = digest.file(file), file:match("[^/]*$")
    if not facts.job then stop.usage(("cannot read the job file %s"):format(file)) end
  else
    facts.built_in = json.encode{ skip_unchanged = args.skip_unchanged, undoable = args.undoable, plan = options.is_plan,
      force = args.force }
  end
  return facts
end

local function connected(args)
  local conn, err = M.connection.open{ url = args.queue, args = args }
  if not conn then stop.with(problem.exit_code(err), tostring(err)) end
  local ok, message = require("moonkey.queue.demands").check(conn)
  if not ok then stop.usage(message) end
  return conn
end

-- The coordinator of a run that perform.run is to do; nil where it does its rows itself.
function M.open(options)
  local args = options.args
  if not args.queue then return nil end
  local config = settings.collect(args, not connect.uses_emulator(args) and connect.find_profile(args) or nil)
  if config.read_only then
    stop.usage("nothing may be written here (--read-only, or the profile says so), and the workers would: run without --queue, "
      .. "or with --dry-run")
  end
  return M.coordinator.new{ conn = connected(args), rows = args.rows_of_chunk, facts = facts_of(options, config),
    max_changes = not http.dry_run() and config.max_changes or nil }
end

return M
