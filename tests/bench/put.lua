-- For wrk: PUTs of tokens, put together beforehand so that the script costs as little as it can, with the headers of moonkey.
-- Its last line is for the bench: requests, seconds, and how many of them went wrong.
local HEADERS = {
  ["User-Agent"] = "moonkey/0.1.0",
  ["Accept-Encoding"] = "gzip",
  ["traceparent"] = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
  ["Authorization"] = "Bearer idt:TKN-9999-9999:madeupmadeupmadeupmadeupmadeupmadeup",
  ["Accept"] = "application/json",
  ["Content-Type"] = "application/json",
}
local BODY = '{"name":"CRM robot %d","description":"Keeps the CRM up to date","modules":[{"id":"MOD-1756"}]}'
local COUNT = 1000

local requests, at = {}, 0

function init() -- luacheck: ignore 111
  for i = 1, COUNT do
    local path = ("/public/v1/accounts/api-tokens/TKN-0000-%04d"):format(i)
    requests[i] = wrk.format("PUT", path, HEADERS, BODY:format(i)) -- luacheck: ignore 113
  end
end

function request() -- luacheck: ignore 111
  at = at % COUNT + 1
  return requests[at]
end

function done(summary) -- luacheck: ignore 111
  local e = summary.errors
  print(("%d %.6f %d"):format(summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout))
end
