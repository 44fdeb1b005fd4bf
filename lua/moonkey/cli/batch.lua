-- moonkey batch: run a job for each row of a file. A thin layer over moonkey.batch.
local batch = require "moonkey.batch"
local connect = require "moonkey.cli.connect"
local default_job = require "moonkey.batch.default_job"
local http = require "moonkey.http"
local jobs = require "moonkey.batch.job"
local log = require "moonkey.log"
local script = require "moonkey.script"
local stop = require "moonkey.cli.stop"
local summary = require "moonkey.batch.summary"
local sys = require "moonkey.sys"

local M = {
  summary = "update the tokens that the rows of a file name",
  description = [[
Reads rows from FILE (JSONL, a JSON array or CSV), and updates the token that each of them names:
  {"id":"TKN-1234-5678","name":"New name","description":null,"modules":["MOD-1756"]}
In CSV the first line names the columns: id, name, description, icon, modules, in any order. An
absent column or an empty cell leaves the field alone, \N clears it, modules are MOD-1756;MOD-9042.
A row that is wrong fails with its line number, and the rest goes on.

With --job, a Lua file decides what is done for each row. It returns function(row, ctx), or a table
{ setup =, job =, teardown = }; ctx has row, line, id, and state, which is what setup returned.

Exit: 0 all done, 2 unusable input, 3 some rows failed, 4 not authorised, 5 stopped by --halt or
for lack of consent, 130 or 143 interrupted.]],
}

function M.configure(cmd)
  cmd:argument("file", "File of rows, or - for standard input."):argname("FILE")
  cmd:option("--job", "Lua file with the job for each row."):argname("JOB.lua")
  cmd:option("--halt", "Stop once so many rows have failed: fail=10, or fail=5% of those tried."):argname("RULE")
  cmd:option("--format", "Format of FILE, when its name does not tell."):choices{ "jsonl", "json", "csv" }
  cmd:option("--results", "Record one result a row in a new file: JSONL, or CSV by the name."):argname("FILE")
  cmd:option("-o --output", "Write one result a row to standard output."):choices{ "jsonl" }
end

-- A job file is a script: it has the same globals, and its modules are looked for in the same places.
local function read_job(path)
  script.prepare(path, {})
  local chunk, message, unreadable = jobs.read(path)
  if not chunk then stop.with(unreadable and 2 or 1, message) end
  return chunk
end

local function make_job(chunk, path)
  local job, message = jobs.make(chunk, path)
  if not job then stop.with(1, message) end
  return job
end

-- `check_columns`: of the default job; false with another.
local function open_source(args, check_columns)
  if args.file == "-" and sys.isatty(0) then log.info("reading rows from the terminal; end them with Ctrl-D") end
  local source, message = batch.open_source(args.file, args.format)
  if not source then stop.with(sys.interrupted() and 128 + sys.interrupted() or 2, message) end
  if source.columns and check_columns then
    local problem, warnings = check_columns(source.columns)
    if problem then stop.usage(("%s: %s"):format(source.name, problem)) end
    for _, warning in ipairs(warnings) do log.warn("%s: %s", source.name, warning) end
  end
  return source
end

local function exit_code(result)
  if result.stopped == "interrupted" then return 128 + sys.interrupted() end
  if result.stopped then return stop.CODES[result.stopped] end
  if result.unusable then return 2 end
  return result.failed + result.unknown > 0 and 3 or 0
end

local function check_results(name)
  if name == "" then stop.usage("--results needs the name of a file") end
  if name == "-" then stop.usage("--results -: standard output takes results with -o jsonl; a file of that name is ./-") end
end

function M.run(args)
  check_results(args.results)
  local chunk = args.job and read_job(args.job)
  local source = open_source(args, not chunk and default_job.check_columns)
  local count = connect.configure(args, batch.DEFAULT_JOBS)
  local job = chunk and make_job(chunk, args.job) or default_job
  local result, message = batch.run{ source = source, job = job, jobs = count, results = args.results,
    halt = args.halt, stdout = args.output == "jsonl", progress = true }
  if not result then stop.usage(message) end
  local host, _, credential = http.origin()
  result.host, result.credential = host, credential
  for _, said in ipairs(summary.messages(result)) do log[said.level]("%s", said.text) end
  if args.dry_run then log.info("dry run: nothing was written") end
  return exit_code(result)
end

return M
