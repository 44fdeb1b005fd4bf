-- The runs of a queue's server, as they are there.
local json = require "moonkey.json"
local keys = require "moonkey.queue.keys"

local M = {}

-- Those of the register, the oldest first: { { id =, begun = ms of the server's clock }, … }; or nil, err.
function M.list(conn)
  local words, err = conn:call("ZRANGE", keys.RUNS, 0, -1, "WITHSCORES")
  if not words then return nil, err end
  local runs = {}
  for i = 1, #words, 2 do runs[#runs + 1] = { id = words[i], begun = math.tointeger(tonumber(words[i + 1])) } end
  return runs
end

-- In the register from `begun` on, which is what script begin says: true, or nil, err.
function M.register(conn, id, begun)
  local added, err = conn:call("ZADD", keys.RUNS, "NX", begun, id)
  if not added then return nil, err end
  return true
end

-- No more in the register: true, or nil, err.
function M.forget(conn, id)
  local removed, err = conn:call("ZREM", keys.RUNS, id)
  if not removed then return nil, err end
  return true
end

local function pairs_of(words)
  local found = {}
  for i = 1, #words, 2 do found[words[i]] = words[i + 1] end
  return found
end

-- Has a worker, by what is known of it, been heard of within its lease? Others get what it holds if not.
function M.is_heard(worker)
  return type(worker.age) == "number" and type(worker.lease) == "number" and worker.age <= worker.lease
end

-- The fields of the run, or false where there is no such run; or nil, err.
function M.facts(conn, id)
  local words, err = conn:call("HGETALL", keys.of(id, "run"))
  if not words then return nil, err end
  return #words > 0 and pairs_of(words)
end

-- What a worker wrote is not to be relied on.
local function worker_of(consumer, text)
  local ok, facts = pcall(json.decode, text)
  facts = ok and type(facts) == "table" and facts or {}
  facts.consumer = consumer
  return facts
end

local function add_chunk(look, entry)
  local id, rows, consumer, idle, deliveries = table.unpack(entry)
  if consumer == "" then
    look.waiting.chunks, look.waiting.rows = look.waiting.chunks + 1, look.waiting.rows + rows
    return
  end
  look.held.chunks, look.held.rows = look.held.chunks + 1, look.held.rows + rows
  look.pending[#look.pending + 1] = { chunk = id, rows = rows, consumer = consumer, idle = idle, deliveries = deliveries }
end

local function by_chunk(a, b)
  return a.chunk < b.chunk
end

local function by_consumer(a, b)
  return a.consumer < b.consumer
end

--[[
All of a run at one moment; false where there is no such run; or nil, err.
  { id =, facts = as above, coordinator = who or nil,
    waiting = { chunks =, rows = }, held = { chunks =, rows = }, pending = { { chunk, rows, consumer, idle, deliveries }, … },
    reports = how many that no journal has yet,
    workers = { { consumer, age, what it says of itself }, … },
    set_aside = how many, dead = { { chunk, rows, deliveries, consumers, age }, … } the last of them,
    age =, pause = of all workers }
`idle`, `age` and `pause` are ms.
]]
function M.look(conn, id, most_dead)
  local words, err = conn:script("look", id, most_dead or 20)
  if not words then return nil, err end
  if #words == 0 then return false end
  local facts, coordinator, pause, reports, set_aside, chunks, workers, dead, age = table.unpack(words)
  local look = { id = id, facts = pairs_of(facts), coordinator = coordinator ~= "" and coordinator or nil,
    waiting = { chunks = 0, rows = 0 }, held = { chunks = 0, rows = 0 }, pending = {}, reports = reports, workers = {},
    set_aside = set_aside, dead = {}, age = age, pause = pause }
  for _, entry in ipairs(chunks) do add_chunk(look, entry) end
  for i = 1, #workers, 2 do look.workers[#look.workers + 1] = worker_of(workers[i], workers[i + 1]) end
  for i, entry in ipairs(dead) do
    look.dead[i] = { chunk = entry[1], rows = entry[2], deliveries = entry[3], consumers = entry[4], age = entry[5] }
  end
  table.sort(look.pending, by_chunk)
  table.sort(look.workers, by_consumer)
  return look
end

return M
