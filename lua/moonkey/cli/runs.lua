-- moonkey runs: what has been run, and what came of each row.
local as = require "moonkey.cli.output.json"
local json = require "moonkey.json"
local log = require "moonkey.log"
local place = require "moonkey.batch.journal.place"
local reader = require "moonkey.batch.journal.reader"
local rerun = require "moonkey.batch.rerun"
local result = require "moonkey.batch.result"
local stdout = require "moonkey.cli.output.stdout"
local stop = require "moonkey.cli.stop"
local summary = require "moonkey.batch.summary"
local told = require "moonkey.cli.runs.told"

local M = {
  summary = "list runs, show one, tell what came of each row, or remove old ones",
  description = [[
  moonkey runs [list]            all runs of the state directory, the newest first
  moonkey runs show RUN          what the run was, its sessions, and how many rows ended how
  moonkey runs results RUN       one result a row: -o table, jsonl or csv
  moonkey runs results RUN --failed -o csv > again.csv
                                 the rows that failed, as a file that batch takes, with what was
                                 wrong in the column `error`, which batch ignores
  moonkey runs remove RUN…       their journals, once you agree; so does --older-than 30d with all
                                 that nobody has worked on for so long. Not one under way
RUN is an id, the beginning of one, `last`, or the path of a journal.]],
}

function M.configure(cmd)
  cmd:argument("action", "list, show, results or remove."):args("?"):choices{ "list", "show", "results", "remove" }
  cmd:argument("runs", "The run; several for remove."):argname("RUN"):args("*")
  cmd:flag("--failed", "Only rows that failed.")
  cmd:option("-o --output", "How it is written (default: table)."):choices{ "table", "json", "jsonl", "csv" }
  cmd:option("--older-than", "Of remove: runs that nobody has worked on for so long: 30d, 12w, 36h."):argname("T")
end

local function as_json(run)
  local meta = run.meta
  meta.path, meta.state, meta.counts, meta.sessions = run.path, run.state, run.counts, json.array(run.sessions)
  return json.encode(meta)
end

-- The end of what is written in another format than JSON.
local function flush_only()
  return stdout.flush()
end

-- Where a list of runs goes: { add(self, run, id), finish }
local function list_output(format, count)
  if format == "json" then return as.array(as_json) end
  if format == "jsonl" then return as.lines(as_json) end
  if count > 0 then stdout.write(told.HEADER) end
  return { add = function(_, run, id) stdout.write(told.line(id, run)) end, finish = flush_only }
end

local function list(args)
  local runs, message = place.list()
  if not runs then stop.usage(message) end
  local out = list_output(args.output, #runs)
  for _, entry in ipairs(runs) do
    local run, problem = told.describe(entry.path)
    if run then out:add(run, entry.id) else io.stderr:write(("moonkey: %s\n"):format(problem)) end
  end
  out:finish()
  if #runs == 0 then io.stderr:write(("moonkey: there are no runs in %s\n"):format(place.directory())) end
end

local SHOWN = { "id", "path", "source", "input", "job", "target", "host", "account", "credential", "own_id", "profile", "plan",
  "undo_of", "continues", "moonkey" }

local function show(run, args)
  if args.output == "json" or args.output == "jsonl" then return print(as_json(run)) end
  run.meta.path = run.path
  for _, key in ipairs(SHOWN) do
    if run.meta[key] then print(("%-11s %s"):format(key, result.one_line(tostring(run.meta[key])))) end
  end
  print(("%-11s %s"):format("options", json.encode(run.meta.options)))
  print(("%-11s %s"):format("state", run.state))
  print(("%-11s %s"):format("rows", told.counts(run.counts, run.meta.rows)))
  for _, s in ipairs(run.sessions) do
    print(("session %-3d %-6s %s to %s: %s"):format(s.number, s.kind, told.when(s.started), told.when(s.ended), s.outcome or
      (run.state == "running" and "running" or "broken off")))
  end
end

local function table_line(r)
  local what = r.title and result.one_line(r.title .. (r.detail and ": " .. r.detail or "")) or ""
  return ("%7d  %-14s  %-8s  %-4s %s\n"):format(r.row, result.one_line(r.id or ""), r.outcome, r.status or "", what)
end

local TITLES = ("%7s  %-14s  %-8s  %-4s %s\n"):format("ROW", "ID", "OUTCOME", "HTTP", "WHY")
local HEADS = { table = TITLES, csv = result.CSV_HEADER }
local WRITERS = { table = table_line, csv = result.to_csv }

local function one_line(r)
  return result.to_jsonl(r):sub(1, -2)
end

local function results_output(format)
  if format == "json" then return as.array(one_line) end
  if format == "jsonl" then return as.lines(one_line) end
  stdout.write(HEADS[format])
  return { add = function(_, r) stdout.write(WRITERS[format](r)) end, finish = flush_only }
end

-- As a file for batch.
local function failed_rows(journal)
  local unreadable, problem = rerun.write(journal, io.stdout)
  if not unreadable then stop.usage(problem) end
  if unreadable == 0 then return end
  log.warn("%s that could not be read at all %s not among them; moonkey runs results %s --failed tells where they stand",
    summary.rows(unreadable), unreadable == 1 and "is" or "are", place.name(journal.meta.id, journal.path))
end

local function results(path, args)
  local format = args.output or "table"
  local journal <close>, message = reader.open(path)
  if not journal then stop.usage(message) end
  if args.failed and format == "csv" then
    return failed_rows(journal)
  end
  local out = results_output(format)
  for r in journal:results(args.failed and { "failed" } or nil) do
    r.hash, r.at = nil, nil
    out:add(r)
  end
  out:finish()
end

local function check(args)
  local action = args.action or "list"
  if args.output == "csv" and action ~= "results" then
    stop.usage("-o csv is for `runs results`; a list of runs, and one run, come as table, json or jsonl")
  end
  if args.older_than and action ~= "remove" then stop.usage("--older-than is for `runs remove`") end
  if action == "remove" and (args.output or args.failed) then
    stop.usage(("%s is not for `runs remove`"):format(args.failed and "--failed" or "-o"))
  end
  if action == "list" and #args.runs > 0 then stop.usage("runs list takes no RUN; moonkey runs show RUN shows one") end
  if (action == "show" or action == "results") and #args.runs ~= 1 then
    stop.usage(("runs %s needs a RUN; `moonkey runs` lists them, `last` is the last one"):format(action))
  end
end

function M.run(args)
  check(args)
  if args.action == "remove" then return require("moonkey.cli.runs.remove").run(args, args.runs) end
  if not args.action or args.action == "list" then
    list(args)
    return 0
  end
  local path, message = place.find(args.runs[1])
  if not path then stop.usage(message) end
  if args.action == "results" then
    results(path, args)
    return 0
  end
  local run
  run, message = told.describe(path)
  if not run then stop.usage(message) end
  show(run, args)
  return 0
end

return M
