-- moonkey emulator: serve the local stand-in of the token API until a signal.
local emulator = require "moonkey.emulator"
local seed = require "moonkey.emulator.seed"
local stop = require "moonkey.cli.stop"

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

return {
  summary = "serve a local stand-in of the platform's token API",
  description = "Prints MPT_API_BASE_URL and MPT_API_TOKEN as two lines that a shell can evaluate,"
    .. " then serves until SIGTERM or Ctrl-C.",

  configure = function(cmd)
    cmd:option("--port", "Port on 127.0.0.1; 0 picks a free one.", "0"):argname("N")
    cmd:option("--data", "Keep the tokens in this file across restarts; without it they are in memory."):argname("FILE")
    cmd:option("--seed", "What an empty store starts with: a number of made-up tokens (default: 10), or a file of token"
      .. " objects, one JSON object a line."):argname("N|FILE")
  end,

  run = function(args)
    if args.data == "" then stop.usage("--data needs the name of a file") end
    local ok, message = emulator.serve({
      port = check_port(args.port),
      data = args.data,
      seed = check_seed(args.seed),
      ready = function(url, credential)
        io.stdout:write("export MPT_API_BASE_URL=", url, "\nexport MPT_API_TOKEN=", quoted(credential), "\n")
        io.stdout:flush()
      end,
    })
    if not ok then
      stop.usage(message)
    end
    return 0
  end,
}
