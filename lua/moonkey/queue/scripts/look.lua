--[[
What there is to say of a run, all at one moment; changes nothing.
  ARGV    [2] how many of the chunks that were set aside last
  answer  {} · { field, value, … of the run; who coordinates it or ""; ms of a pause; reports; set aside;
          { chunk, rows, consumer or "", ms since given out or renewed, deliveries }, …; consumer, facts with `age`, …;
          { chunk, rows, deliveries, consumers, how long ago in ms }, …; for how many ms there is the run }: each of the
          parts with … is a list
]]
if redis.call("EXISTS", key.run) == 0 then return {} end
local now = now_ms()

local chunks, held, sizes = {}, all_held(), redis.call("HGETALL", key.sizes)
for i = 1, #sizes, 2 do
  local holder = held[sizes[i]] or { "", 0, 0 }
  chunks[#chunks + 1] = { sizes[i], tonumber(sizes[i + 1]), unpack(holder) }
end

local workers = redis.call("HGETALL", key.workers)
for i = 2, #workers, 2 do
  local facts = facts_of(workers[i])
  facts.age = now - facts.at
  workers[i] = text_of(facts)
end

local dead = {}
for _, entry in ipairs(redis.call("XREVRANGE", key.dead, "+", "-", "COUNT", ARGV[2])) do
  local fields = entry[2]
  local at = tonumber(string.match(entry[1], "^%d+"))
  dead[#dead + 1] = { fields[2], tonumber(fields[4]), tonumber(fields[6]), fields[8], now - at }
end

return { redis.call("HGETALL", key.run), redis.call("GET", key.coordinator) or "", pause_ms(), redis.call("XLEN", key.results),
  redis.call("XLEN", key.dead), chunks, workers, dead, now - (tonumber(redis.call("HGET", key.run, "begun")) or now) }
