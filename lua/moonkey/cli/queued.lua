-- Runs whose rows are done by workers on a queue: their flags, and what has to be so before one begins.
local chunks = require "moonkey.queue.chunk"
local connect = require "moonkey.cli.connect"
local demands = require "moonkey.queue.demands"
local digest = require "moonkey.digest"
local http = require "moonkey.http"
local json = require "moonkey.json"
local keys = require "moonkey.queue.keys"
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

-- The same for who goes on with a run.
function M.configure_again(cmd)
  M.configure(cmd)
  cmd:flag("--no-queue", "Do the rows here, although the run was begun with --queue; what workers hold they hand back first.")
  cmd:flag("--queue-lost", "The Redis of the run is gone for good, with all that was in it, and so are the workers.")
end

-- Where the run of `meta` goes on: by the flags given here, otherwise where its rows were given out last. `given`: --queue as
-- it was given. Call it once the settings of the run are restored.
function M.choose(args, given, meta)
  if args.no_queue and given then stop.usage("--no-queue and --queue exclude each other") end
  given = given and require("moonkey.queue.url").absolute(given) -- as the run has it
  args.queue = given or (not args.no_queue and (meta.queue or args.queue)) or nil
  if not args.queue then args.chunk = nil end
  if meta.queue_open ~= 1 then return end
  if args.accept_changes then
    stop.usage(("rows of run %s are with workers still: collect what comes of them first, with `moonkey resume`, and Ctrl-C; "
      .. "then --accept-changes can go on"):format(meta.id))
  end
  if meta.queue ~= args.queue and not args.queue_lost then args.old_queue = meta.queue end
end

local function parsed(url)
  local place, message = M.url.parse(url)
  return place or stop.usage(message)
end

-- Before the client is set up: with it, what can connect to a queue is taken away from everybody else.
function M.prepare(args)
  if args.chunk and not args.queue then stop.usage("--chunk is for rows that workers do: it goes with --queue URL") end
  if not args.queue and not args.old_queue then return end
  M.url = require("moonkey.queue.url")
  M.coordinator, M.connection = require "moonkey.queue.coordinator", require "moonkey.queue.connection"
  M.reach = require "moonkey.cli.reach"
  if args.old_queue then parsed(args.old_queue) end
  if not args.queue then return end
  refuse_flags(args)
  args.rows_of_chunk = args.chunk and units.count("--chunk", args.chunk, 1, chunks.MAX_ROWS) or chunks.DEFAULT_ROWS
  parsed(args.queue)
  args.queue = M.url.absolute(args.queue) -- because `resume` may be in another directory
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

local function connected(args, url)
  local conn = M.reach{ url = url, args = args }
  local ok, message = demands.check(conn)
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
  return M.coordinator.new{ conn = connected(args, args.queue), url = args.queue, rows = args.rows_of_chunk,
    facts = facts_of(options, config), max_changes = not http.dry_run() and config.max_changes or nil }
end

-- Is the run to leave the queue that it was on? Not where that has another address now.
function M.must_recall(args, id)
  if not args.old_queue then return false end
  if not args.queue then return true end
  local conn = connected(args, args.queue)
  local found, err = conn:call("EXISTS", keys.of(id, "run"))
  conn:close()
  if not found then stop.with(problem.exit_code(err), tostring(err)) end
  return found == 0
end

-- A run, by its recorder, leaves the queue that it was on. true, or nil, message.
function M.recall(run, args)
  local conn, err = M.connection.open{ url = args.old_queue, args = args }
  if not conn then
    return nil, ("%s; workers may be at rows of run %s still. Once that Redis can be reached, they hand them back; if it is "
      .. "gone for good, and no worker of it works any more, say so with --queue-lost"):format(err, run.id)
  end
  local old <close> = M.coordinator.new{ conn = conn, url = args.old_queue, rows = 1, facts = {} }
  return old:recall(run)
end

return M
