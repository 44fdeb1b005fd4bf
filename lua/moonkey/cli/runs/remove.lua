-- moonkey runs remove: the journals of runs that nobody wants any more, with what else is kept for them.
local agree = require "moonkey.cli.agree"
local files = require "moonkey.files"
local log = require "moonkey.log"
local place = require "moonkey.batch.journal.place"
local plans = require "moonkey.batch.plan.file"
local reader = require "moonkey.batch.journal.reader"
local sqlite = require "moonkey.sqlite"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"
local told = require "moonkey.cli.runs.told"
local units = require "moonkey.cli.units"

local M = {}

local LONGEST = 100 * 366 * 86400 -- seconds

-- However it is written.
local function key_of(path)
  return files.absolute(path) or path
end

-- The id of the run that needs this one, because it goes on with it and is not at the end of its input; or nil.
local function needed_by(run, removed)
  local path = run and run.meta.continued_path
  if not path or removed[key_of(path)] or sys.file_type(path) ~= "file" then return nil end
  local journal <close> = reader.open(path)
  return journal and not journal.meta.rows and journal.meta.id or nil
end

-- The id of the run that this one goes on with, which could be gone on with again, as if this one had done nothing; or nil.
local function continued_by(run, removed)
  local path = run and run.meta.continues_path
  if path and not removed[key_of(path)] and sys.file_type(path) == "file" then return run.meta.continues end
end

-- Why it must stay, or nil. `removed`: those that go with it, by key_of(path).
local function obstacle(entry, removed)
  if sqlite.is_locked(entry.path) then return "is under way: another moonkey is working on it" end
  local needs = needed_by(entry.run, removed)
  if needs then return ("is needed by run %s, which goes on with it, and is not at its end"):format(needs) end
  local old = continued_by(entry.run, removed)
  return old and ("goes on with run %s, which does not know what this one has done: only both can be removed"):format(old)
end

local function keys_of(list)
  local keys = {}
  for _, entry in ipairs(list) do keys[key_of(entry.path)] = true end
  return keys
end

-- The run that somebody names. What cannot be read is removed from the state directory only: elsewhere it may be anything.
local function named(text)
  local path, message = place.find(text)
  if not path then stop.usage(message) end
  local run, problem = told.describe(path)
  if run then return { name = place.name(run.meta.id, path), path = path, run = run } end
  for _, entry in ipairs(place.list() or {}) do
    if entry.path == path then return { name = entry.id, path = path } end
  end
  stop.usage(problem .. "; nothing is removed")
end

local function all_named(texts)
  local list, removed = {}, {}
  for _, text in ipairs(texts) do
    local entry = named(text)
    if not removed[key_of(entry.path)] then list[#list + 1] = entry end
    removed[key_of(entry.path)] = true
  end
  for _, entry in ipairs(list) do
    local why = obstacle(entry, removed)
    if why then stop.usage(("run %s %s; nothing is removed"):format(entry.name, why)) end
  end
  return list
end

local function last_work(run)
  local last = run.sessions[#run.sessions]
  return last and (last.ended or last.started) or run.meta.created
end

local function stays(entry, why)
  log.warn("run %s stays: %s", entry.name, why)
end

-- Those of the list that may go. One that stays can be the reason for another.
local function removable(list)
  local removed, rest = keys_of(list), {}
  for _, entry in ipairs(list) do
    local why = obstacle(entry, removed)
    if why then stays(entry, why) else rest[#rest + 1] = entry end
  end
  return #rest == #list and list or removable(rest)
end

-- Those of the state directory that nobody has worked on for so long.
local function old_ones(text)
  local before = (sys.wall() - units.duration("--older-than", text, LONGEST)) * 1000
  local runs, message = place.list()
  if not runs then stop.usage(message) end
  local list = {}
  for _, entry in ipairs(runs) do
    local run, problem = told.describe(entry.path)
    entry = { name = entry.id, path = entry.path, run = run }
    if not run then
      stays(entry, problem)
    elseif last_work(run) < before then
      list[#list + 1] = entry
    end
  end
  return removable(list)
end

local function show(list)
  local unfinished = 0
  io.stdout:write(told.HEADER)
  for _, entry in ipairs(list) do
    local run = entry.run
    if run and run.state ~= "done" then unfinished = unfinished + 1 end
    io.stdout:write(run and told.line(entry.name, run) or ("%-20s  cannot be read\n"):format(entry.name))
  end
  io.stdout:flush()
  return unfinished
end

local function question(count, unfinished)
  local what = count == 1 and "this run" or ("these %d runs"):format(count)
  if unfinished == 0 then return ("Remove %s?"):format(what) end
  local which = count == 1 and "It has" or ("%d of them %s"):format(unfinished, unfinished == 1 and "has" or "have")
  return ("Remove %s? %s not come to the end, and could not be gone on with."):format(what, which)
end

local function is_older(a, b)
  return (a.run and a.run.meta.created or 0) < (b.run and b.run.meta.created or 0)
end

-- How many were removed. The oldest goes first: of two that belong together, the new one alone is of no use, but does no harm.
local function remove(list)
  local count = 0
  table.sort(list, is_older)
  for _, entry in ipairs(list) do
    local ok, message = sqlite.remove(entry.path)
    if ok then
      count = count + 1
      if entry.run and entry.run.meta.plan then plans.forget(entry.run.meta.plan, entry.run.meta.id) end
    else
      log.error("cannot remove the journal %s: %s", entry.path, message)
    end
  end
  log.info("%d run%s removed", count, count == 1 and " is" or "s are")
  return count
end

-- The exit code. `texts`: how the runs are named.
function M.run(args, texts)
  if (#texts > 0) == (args.older_than ~= nil) then
    stop.usage("runs remove takes runs, or --older-than such as 30d; `moonkey runs` lists them")
  end
  local list = args.older_than and old_ones(args.older_than) or all_named(texts)
  if #list == 0 then
    log.info("no run is older than %s: nothing to remove", args.older_than)
    return 0
  end
  local unfinished = show(list)
  if args.dry_run then
    log.info("dry run: nothing is removed")
    return 0
  end
  local code = not args.yes and agree.refused(question(#list, unfinished), "nothing is removed") or nil
  if code then return code end
  return remove(list) == #list and 0 or 1
end

return M
