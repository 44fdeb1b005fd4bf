-- moonkey emulator: serve the local stand-in of the token API until a signal.
local emulator = require "moonkey.emulator"
local fault_flags = require "moonkey.cli.fault_flags"
local log = require "moonkey.log"
local nearest = require "moonkey.nearest"
local seed = require "moonkey.emulator.seed"
local stop = require "moonkey.cli.stop"
local units = require "moonkey.cli.units"

local ACCOUNT_TYPES = { "Client", "Vendor", "Operations" }

local EPILOG = [[
Faults are a kind, the share of the requests that they strike, options, and after @ a limit:
  503:0.05                      one request in twenty gets a 503; any status from 400 to 599
  429:10%,retry-after=2         with Retry-After
  latency=50ms±20ms             answers are 30 to 70 ms late; +- for ±; :0.01 for few of them
  reset:0.01                    the connection breaks off
  timeout:0.01                  no answer, until the client gives up
  truncated:0.01 garbled:0.01   half of the reply; a reply that is not JSON
  504:0.1,applied               carried out, although the answer says otherwise; also with reset
                                and timeout; truncated and garbled always are
  503:0.5@PUT+POST              only these methods
  503:0.5@/accounts/modules     only this path; * is a part without a slash, ** is anything
  '503:0.5@PUT /accounts/api-tokens/*'
Several stand apart by spaces or commas, or have a --fault each. The first that strikes is it;
latencies are added. Which requests are struck depends on their number and on --fault-seed, not
on the time.

Examples:
  moonkey emulator --port 8080                     then paste the two lines in another terminal
  moonkey emulator --data tokens.db --seed 1000    keep the tokens, for one emulator at a time
  moonkey emulator --seed tokens.jsonl             tokens, accounts and secrets of your own
  moonkey emulator --fault '429:0.1,retry-after=2 reset:0.01' --fault 'latency=50ms±20ms'
  moonkey emulator --rate-limit 100/s              does the script keep to it?
  moonkey --emulator --fault 503:0.2 batch t.csv   the same without a server to start

A browser shows the tokens, the last requests and the faults at http://127.0.0.1:PORT/.]]

-- As a word that a shell takes as it is.
local function quoted(text)
  if text:find("^[%w:._/-]+$") then
    return text
  end
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function check_port(text)
  local port = math.tointeger(tonumber(text))
  if not port or port < 0 or port > 65535 then
    stop.usage(("--port %s: a port is a number from 0 to 65535; 0 picks a free one"):format(text))
  end
  return port
end

-- A count, or the path of a file; ./5 is a file.
local function check_seed(text)
  if not text or not text:find("^[-+]?%d+$") then
    return text
  end
  local count = math.tointeger(tonumber(text))
  if not count or count < 1 or count > seed.MAX then
    stop.usage(("--seed %s: give a number of tokens from 1 to %d, or a file"):format(text, seed.MAX))
  end
  return count
end

local function check_rate(text)
  if not text then return nil end
  local rate = units.rate("--rate-limit", text)
  local count = tonumber(text:match("^[%d.]+"))
  return { count = count, period = count / rate, text = text }
end

local function check_account_type(text)
  if not text then return nil end
  for _, name in ipairs(ACCOUNT_TYPES) do
    if name:lower() == text:lower() then return name end
  end
  local near = nearest(text, ACCOUNT_TYPES)
  stop.usage(("--account-type %s: expected %s%s"):format(text, table.concat(ACCOUNT_TYPES, ", "):gsub(", (%a+)$", " or %1"),
    near and ("; did you mean %s?"):format(near) or ""))
end

local function announce(url, credential, faults)
  io.stdout:write("export MPT_API_BASE_URL=", url, "\nexport MPT_API_TOKEN=", quoted(credential), "\n")
  io.stdout:flush()
  log.info("what happens here is shown at %s/", url)
  if faults then log.info("%s", fault_flags.describe(faults)) end
end

return {
  summary = "serve a local stand-in of the platform's token API",
  description = "Prints MPT_API_BASE_URL and MPT_API_TOKEN as two lines that a shell can evaluate,"
    .. " then serves until SIGTERM or Ctrl-C.",

  configure = function(cmd)
    cmd:option("--port", "Port on 127.0.0.1; 0 picks a free one.", "0"):argname("N")
    cmd:option("--data", "Keep the tokens in this file across restarts; without it they are in memory."):argname("FILE")
    cmd:option("--seed", "What an empty store starts with: a number of made-up tokens (default: 10), or a file of token"
      .. " objects, one JSON object a line."):argname("N|FILE")
    cmd:option("--fault", "Fail on purpose, as explained below; may be given several times."):argname("SPEC"):count("*")
      :target("own_fault")
    cmd:option("--fault-seed", "What decides which requests are struck (default: 1)."):argname("N")
    cmd:option("--rate-limit", "Answer 429 with Retry-After to a credential that calls more often (100/s, 600/m).")
      :argname("N/s")
    cmd:flag("--hide-token", "Leave the secrets of tokens out of reads and lists, as some versions of the platform do.")
    cmd:option("--account-type", "Whose credential is printed: of an account of type Client, Vendor or Operations; the"
      .. " accounts of --seed N are of that type."):argname("TYPE")
    cmd:epilog(EPILOG)
  end,

  run = function(args)
    if args.data == "" then stop.usage("--data needs the name of a file") end
    local faults = fault_flags.read(args)
    local ok, message = emulator.serve({
      port = check_port(args.port),
      data = args.data,
      seed = check_seed(args.seed),
      faults = faults and faults.list,
      fault_seed = faults and faults.seed,
      rate = check_rate(args.rate_limit),
      hide_token = args.hide_token,
      account_type = check_account_type(args.account_type),
      ready = function(url, credential) announce(url, credential, faults) end,
    })
    if not ok then
      stop.usage(message)
    end
    return 0
  end,
}
