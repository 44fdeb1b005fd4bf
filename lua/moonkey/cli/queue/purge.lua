-- moonkey queue purge: what runs have left on a queue goes.
local log = require "moonkey.log"
local place = require "moonkey.cli.queue.place"
local runs = require "moonkey.queue.run"
local stop = require "moonkey.cli.stop"
local summary = require "moonkey.batch.summary"
local units = require "moonkey.cli.units"

local M = {
  summary = "remove what runs have left on a queue",
  description = [[
A run removes what it has on the queue when it ends. What is left is of runs that were broken off,
and that nobody resumes.

  moonkey queue purge RUN… --queue URL
  moonkey queue purge --older-than 30d --queue URL      all runs that were begun so long ago

A run whose coordinator is alive stays, and so does one with reports of workers that no journal has
yet: `moonkey resume RUN` collects them. --force removes them nevertheless. Rows that nobody has
taken are not lost with it: in the journal they are not done, and resume queues them again.
With --dry-run nothing is removed.
Exit: 0 all removed, 1 the queue cannot be reached, 2 there is no such run, 5 some stay.]],
}

local LEASES = 4 -- after which a worker is taken for dead
local LONGEST = 100 * 366 * 86400 -- seconds

function M.configure(cmd)
  cmd:argument("runs", "The runs."):argname("RUN"):args("*")
  cmd:option("--older-than", "All runs that were begun so long ago: 30d, 12w, 36h."):argname("T")
  cmd:flag("--force", "Also what is still needed, and says what is lost.")
  place.configure(cmd)
end

local function named(list, texts, conn)
  local found, seen = {}, {}
  for _, text in ipairs(texts) do
    local run = place.find(list, text, conn)
    if not seen[run.id] then found[#found + 1] = run end
    seen[run.id] = true
  end
  return found
end

-- By the server's clock, which wrote when they were begun.
local function older(list, seconds, conn)
  local now, found = place.need(conn:call("TIME")), {}
  for _, run in ipairs(list) do
    if tonumber(now[1]) - run.begun / 1000 > seconds then found[#found + 1] = run end
  end
  return found
end

local function count_of(n, one, many)
  return ("%s %s"):format(summary.number(n), n == 1 and one or many)
end

-- Rows that a worker has which was heard of lately; those of others come to nobody's report.
local function rows_at_work(look)
  local alive, rows = {}, 0
  for _, worker in ipairs(look.workers) do
    local age, lease = tonumber(worker.age), tonumber(worker.lease)
    alive[worker.consumer] = age ~= nil and lease ~= nil and age <= LEASES * lease
  end
  for _, entry in ipairs(look.pending) do
    if alive[entry.consumer] then rows = rows + entry.rows end
  end
  return rows
end

-- What would be lost with the run, as text; nil where nothing would.
local function loss(look)
  local parts, rows = {}, rows_at_work(look)
  if look.reports > 0 then
    parts[1] = ("%s of workers that no journal has yet"):format(count_of(look.reports, "report", "reports"))
  end
  if rows > 0 then parts[#parts + 1] = ("what workers do with %s now"):format(summary.rows(rows)) end
  return #parts > 0 and table.concat(parts, ", and ") or nil
end

-- Why it must stay; nil where it need not.
local function obstacle(look)
  if look.coordinator then
    return ("its coordinator is alive: end that first, or use `moonkey queue cancel %s`"):format(look.id)
  end
  local lost = loss(look)
  return lost and ("with it would be lost: %s; `moonkey resume %s` collects that"):format(lost, look.id)
end

-- What becomes of what the run has there, for the end of a sentence.
local function consequence(look)
  if not look then return "" end
  local lost = loss(look)
  if lost then return "; lost: " .. lost end
  local rows = look.waiting.rows + look.held.rows
  return rows == 0 and "" or ("; `moonkey resume %s` can queue its %s again"):format(look.id, summary.rows(rows))
end

local REFUSALS = { alive = "its coordinator is alive again", results = "workers have reported" }

-- Whether the run is gone, or would be.
local function purge(conn, run, args)
  local look = place.need(runs.look(conn, run.id))
  local why, suffix = look and obstacle(look), consequence(look)
  if why and not args.force then
    log.warn("run %s stays: %s; --force removes it nevertheless", run.id, why)
    return false
  elseif args.dry_run then
    log.info("run %s would be removed%s", run.id, suffix)
    return true
  end
  local answer = place.need(conn:script("purge", run.id, "", args.force and "force" or ""))[1]
  if REFUSALS[answer] then -- since it was looked at
    log.warn("run %s stays: %s; --force removes it nevertheless", run.id, REFUSALS[answer])
    return false
  end
  place.need(runs.forget(conn, run.id))
  log.info("run %s is removed%s", run.id, suffix)
  return true
end

function M.run(args)
  if (#args.runs > 0) == (args.older_than ~= nil) then
    stop.usage("queue purge takes runs, or --older-than such as 30d; `moonkey queue status` lists them")
  end
  local seconds = args.older_than and units.duration("--older-than", args.older_than, LONGEST)
  local conn = place.open(args, "purge")
  local list = place.runs(conn)
  local chosen = seconds and older(list, seconds, conn) or named(list, args.runs, conn)
  if #chosen == 0 then log.info("no run on %s is older than %s: nothing to remove", conn.place.text, args.older_than) end
  local stays = 0
  for _, run in ipairs(chosen) do
    if not purge(conn, run, args) then stays = stays + 1 end
  end
  return stays > 0 and 5 or 0
end

return M
