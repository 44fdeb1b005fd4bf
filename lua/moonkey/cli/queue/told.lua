-- What is told of a run on a queue, for people and for programs. All of it is what others wrote: it is shown, and not believed.
local harmless = require "moonkey.harmless"
local json = require "moonkey.json"
local output = require "moonkey.cli.output"
local redact = require("moonkey.secret").redact
local runs = require "moonkey.queue.run"
local summary = require "moonkey.batch.summary"

local M = {}

-- States of what there is nothing more to tell of.
M.FORGOTTEN = "forgotten" -- the server was started without its data, or the run is about to be purged
M.UNREACHABLE = "unreachable"

local function number_or(value, default)
  return type(value) == "number" and value or default
end

local function text_or_nil(value)
  return type(value) == "string" and value or nil
end

-- Worker → { consumer =, chunks =, rows =, idle = of what it has had for longest, and what it says of itself }
local function workers_of(look)
  local found, list = {}, json.array()
  local function worker(consumer)
    if not found[consumer] then
      found[consumer] = { consumer = consumer, chunks = 0, rows = 0 }
      list[#list + 1] = found[consumer]
    end
    return found[consumer]
  end
  for _, facts in ipairs(look.workers) do
    local of = worker(facts.consumer)
    of.host, of.state = text_or_nil(facts.host), text_or_nil(facts.state)
    for _, name in ipairs{ "pid", "jobs", "done", "failed", "rate", "changes", "retries", "age", "lease" } do
      of[name] = number_or(facts[name])
    end
  end
  for _, entry in ipairs(look.pending) do
    local of = worker(entry.consumer)
    of.chunks, of.rows = of.chunks + 1, of.rows + entry.rows
    of.idle, of.deliveries = math.max(of.idle or 0, entry.idle), math.max(of.deliveries or 0, entry.deliveries)
  end
  return list
end

-- `server`: the run_id of the one that has it. Times are in ms.
function M.describe(look, server)
  local facts = look.facts
  return { id = look.id, age = look.age, state = facts.state, why = facts.why ~= "" and facts.why or nil,
    vouched = facts.server == server, coordinator = look.coordinator, waiting = look.waiting, held = look.held,
    reports = look.reports, set_aside = look.set_aside, pause = look.pause, rate = tonumber(facts.rate), job = facts.job,
    job_name = facts.job_name, target = facts.target, account = facts.account, dry_run = facts.dry_run == "1",
    version = facts.version, ended = facts.ended, pending = json.array(look.pending), workers = workers_of(look),
    dead = json.array(look.dead) }
end

local function duration(ms)
  if not ms then return "" end
  if ms < 10000 then return ("%.1f s"):format(ms / 1000) end
  return summary.duration(ms // 1000)
end

local function number(value)
  return value and summary.number(value // 1) or ""
end

local function column(title, text)
  return { title = title, text = text }
end

local function state_of(look)
  if not look.age or look.vouched or look.state == "cancelled" then return look.state end
  return "waits for its coordinator" -- to compare with a server that was started anew
end

local function living(workers)
  local count = 0
  for _, worker in ipairs(workers) do
    if runs.is_heard(worker) then count = count + 1 end
  end
  return count
end

local function state_of_worker(worker)
  if not worker.age then return "not heard of" end
  return runs.is_heard(worker) and (worker.state or "") or "silent"
end

M.RUNS = {
  column("RUN", function(look) return look.id end),
  column("AGE", function(look) return duration(look.age) end),
  column("STATE", state_of),
  column("COORDINATOR", function(look) return look.age and (look.coordinator and "alive" or "none") or "" end),
  column("ROWS WAITING", function(look) return look.waiting and number(look.waiting.rows) or "" end),
  column("HELD", function(look) return look.held and number(look.held.rows) or "" end),
  column("REPORTS", function(look) return number(look.reports) end),
  column("SET ASIDE", function(look) return number(look.set_aside) end),
  column("WORKERS", function(look) return look.workers and number(living(look.workers)) or "" end),
}

M.WORKERS = {
  column("WORKER", function(worker) return worker.consumer end),
  column("STATE", state_of_worker),
  column("HEARD", function(worker) return worker.age and duration(worker.age) .. " ago" or "" end),
  column("HOLDS", function(worker) return worker.chunks > 0 and summary.rows(worker.rows) or "" end),
  column("NOT RENEWED FOR", function(worker) return duration(worker.idle) end),
  column("DELIVERY", function(worker) return number(worker.deliveries) end),
  column("DONE", function(worker) return number(worker.done) end),
  column("FAILED", function(worker) return number(worker.failed) end),
  column("ROWS/S", function(worker) return worker.rate and ("%.1f"):format(worker.rate) or "" end),
}

M.DEAD = {
  column("CHUNK", function(dead) return dead.chunk end),
  column("ROWS", function(dead) return number(dead.rows) end),
  column("DELIVERIES", function(dead) return number(dead.deliveries) end),
  column("AGO", function(dead) return duration(dead.age) end),
  column("WORKERS", function(dead) return dead.consumers end),
}

-- What else there is to say of it.
function M.sentences(look)
  local list = {}
  if look.why then list[1] = ("It is %s: %s"):format(look.state, harmless(redact(look.why))) end
  if look.ended then list[#list + 1] = "The last worker that ended by an error: " .. harmless(redact(look.ended)) end
  if look.pause > 0 then
    list[#list + 1] = ("All workers pause for %s: the platform asks for it"):format(duration(look.pause))
  end
  return list
end

function M.print(list, columns)
  local out = output.open{ format = "table", columns = columns }
  for _, each in ipairs(list) do out:add(each) end
  out:finish()
end

-- With a title, where there is anything.
function M.print_part(title, list, columns)
  if #list == 0 then return end
  output.write(title)
  M.print(list, columns)
end

return M
