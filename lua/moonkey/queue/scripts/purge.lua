--[[
Removes all of a run from the server: not while somebody else coordinates it, nor while it has reports that no journal has yet.
  ARGV    [2] who coordinates it and wants that, or "" [3] "force": nevertheless
  answer  { "ok" } · { "alive", who coordinates it } · { "results", how many } · { "gone" }
]]
local coordinator, force = ARGV[2], ARGV[3] == "force"
if redis.call("EXISTS", key.run) == 0 then return { "gone" } end
local other = redis.call("GET", key.coordinator)
if other and other ~= coordinator and not force then return { "alive", other } end
local results = redis.call("XLEN", key.results)
if results > 0 and not force then return { "results", results } end
redis.call("DEL", unpack(KEYS))
return { "ok" }
