-- What the emulator's lists cost with many tokens, beside few: milliseconds of CPU for a request, the median of some, and their ratio.
--   build/moonkey run tests/bench/lists.lua [TOKENS [FEW]]     100000 and 1000 without
local emulator = require "moonkey.emulator"
local routes = require "moonkey.emulator.routes"

local many, few = tonumber(arg[1]) or 100000, tonumber(arg[2]) or 1000
local ROUNDS = 15

-- %d stands for an offset near the end.
local QUERIES = {
  { "first page", "limit=100" },
  { "one by id", "id='TKN-0000-0500'" },
  { "two comparisons", "status=Active&revision=1&limit=100" },
  { "few of one status", "status=Disabled&limit=100" },
  { "by name", "name='Catalog import 0002'" },
  { "names that begin with", "like(name,'Catalog import 00*')&limit=100" },
  { "names that contain", "ilike(name,*ROBOT*)&limit=100" },
  { "names that contain nothing such", "ilike(name,*zzz*)&limit=100" },
  { "any module", "any(modules,id=MOD-9042)&limit=100" },
  { "modules that are paid", "any(modules,settings.paid=true)&limit=100" },
  { "all modules", "all(modules,id=MOD-3381)&limit=100" },
  { "unused since", "lt(lastAccessAt,'2024-06-01')|lastAccessAt=null()&limit=100" },
  { "made between", "select=audit&gt(audit.created.at,'2024-01-01T08:00:00Z')&lt(audit.created.at,'2024-01-01T09:00:00Z')&limit=100" },
  { "sorted by last access", "order=lastAccessAt,id&limit=100" },
  { "sorted by last access, latest first", "order=-lastAccessAt,id&limit=100" },
  { "sorted by name", "order=-name&limit=100" },
  { "sorted by description", "order=description,id&limit=100" },
  { "by account", "account.type=Operations&limit=100" },
  { "by the maker's name", "select=audit&audit.created.by.name=Nobody&limit=100" },
  { "the end", "order=id&limit=100&offset=%d" },
  { "the end, sorted by name", "order=name,id&limit=100&offset=%d" },
  { "everything there is", "select=*&limit=100" },
}

local function fill(count)
  local started = os.clock()
  local store, credential = emulator.open({ seed = count })
  assert(store, credential)
  -- What a store looks like that has been in use: a tenth never used, a hundredth disabled.
  store:run("UPDATE token SET last_access_at = strftime('%Y-%m-%dT%H:%M:%S.000Z', 1704067200 + n * 293, 'unixepoch') WHERE n % 10 > 0")
  store:run("UPDATE token SET status = 'Disabled' WHERE n % 100 = 50")
  return { store = store, headers = { authorization = "Bearer " .. credential }, count = count, seconds = os.clock() - started }
end

local function ask(side, query)
  local store = side.store
  store.found:clear() -- as after a change: what it costs to find them, not to have found them
  local started = os.clock()
  store:begin()
  local answer = routes.handle(store, {
    method = "GET", path = "/public/v1/accounts/api-tokens", query = query:gsub("%%d", side.count - 150), headers = side.headers,
  })
  store:commit()
  local took = os.clock() - started
  assert(answer.status == 200, answer.body)
  return took * 1000, answer.body:match('"total":(%d+)')
end

local function median(side, query)
  local times, total = {}, nil
  for i = 1, ROUNDS do
    times[i], total = ask(side, query)
  end
  table.sort(times)
  return times[(ROUNDS + 1) // 2], total
end

local small, large = fill(few), fill(many)
print(("%d tokens were seeded in %.2f s, %d in %.2f s (ratio %.0f)"):format(few, small.seconds, many, large.seconds,
  large.seconds / small.seconds))
print(("| %-36s | %8s | %8s | %6s | %7s |"):format("", few, many, "ratio", "found"))
print("| ------------------------------------ | -------: | -------: | -----: | ------: |")
for _, case in ipairs(QUERIES) do
  local a = median(small, case[2])
  local b, total = median(large, case[2])
  print(("| %-36s | %5.2f ms | %5.2f ms | %6.1f | %7s |"):format(case[1], a, b, b / a, total))
end
small.store:close()
large.store:close()
