-- moonkey run: a script, with `token` as a global, `require` that looks beside the script, and every call a plain one.
local connect = require "moonkey.cli.connect"
local errors = require "moonkey.errors"
local http = require "moonkey.http"
local limits = require "moonkey.limits"
local log = require "moonkey.log"
local restricted = require "moonkey.cli.restricted"
local script = require "moonkey.script"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"
local traceback = require "moonkey.traceback"

local M = {
  summary = "run a Lua script",
  description = [[
Runs SCRIPT with the arguments that follow it, as `lua` does: they are in `arg` and `...`. The
global `token` has token.get and token.update; the rest is require'd: moonkey.api, .task, .json,
.log, .secret, .time, .errors, .batch.

`require` looks beside the script, in lua/ beside it, in ./lua_modules, then where Lua 5.4 and
LuaRocks put modules. A first line `#!/usr/bin/env -S moonkey run` makes a script a command.]],
}

local DEFAULT_JOBS = 64 -- how many requests are in flight is the script's to say, in task.map

function M.configure(cmd)
  cmd:option("-e --eval", "Run this code before the script, or instead of one."):argname("CODE"):count("*")
  cmd:argument("script", "Lua file, or - for standard input."):argname("SCRIPT"):args("?")
  cmd:usage("Usage: moonkey [GLOBAL] run [-e CODE] [SCRIPT|-] [ARG ...]")
end

-- Cut the arguments of the script off: they are its own, flags and all. `at` is where `run` stands.
function M.split(words, at, arity)
  local i = at + 1
  while i <= #words do
    local word = words[i]
    if word == "--" then
      table.remove(words, i)
      break
    end
    if word == "-" or not word:find("^%-") then break end
    i = i + ((arity[word] or word == "-e" or word == "--eval") and 2 or 1)
  end
  return table.move(words, 1, math.min(i, #words), 1, {}), table.move(words, i + 1, #words, 1, {})
end

local function load_code(code, globals)
  local chunk, message = load(code, "=(command line)", "t", globals)
  if not chunk then stop.with(1, message) end
  return chunk
end

-- Why nothing more was sent, whether or not the script looked at its errors. A lack of consent has been said already.
local function explain(reason)
  if reason == "consent" then return end
  log.error("%s; %s was sent after that", stop.why(reason), reason == "limit" and "none" or "nothing")
end

-- The exit code. What stopped all calls decides it: what the script ran into then is only a consequence.
local function run_chunk(chunk, ...)
  local trace
  local ok, err = xpcall(chunk, function(e) -- returns the error unchanged, because __close methods are given it
    trace = traceback.of(e)
    return e
  end, ...)
  if sys.interrupted() then return 128 + sys.interrupted() end
  if stop.is(err) then error(err, 0) end
  local limit, message = limits.reached()
  if limit then
    log.error("%s", trace and trace:find(message, 1, true) and trace or message)
    return stop.CODES[limit]
  end
  local reason = http.stop_reason()
  if not ok then log.error("%s", trace or tostring(err)) end
  if reason and not errors.is(err) then explain(reason) end
  return stop.CODES[reason] or ok and 0 or 1
end

function M.run(args)
  if not args.script and #args.eval == 0 then
    stop.usage("run needs a script: moonkey run SCRIPT.lua, - for standard input, or -e CODE")
  end
  local policy = restricted.of(args)
  script.prepare(args.script, args.rest)
  local globals, chunks = restricted.globals(policy, _G.arg), {}
  for i, code in ipairs(args.eval) do
    chunks[i] = load_code(code, globals)
  end
  if args.script then chunks[#chunks + 1] = script.load(args.script, globals) end
  connect.configure(args, DEFAULT_JOBS, "when needed")
  restricted.begin(policy)
  limits.script()
  for _, chunk in ipairs(chunks) do
    local code = run_chunk(chunk, table.unpack(args.rest))
    if code ~= 0 then return code end
  end
  return 0
end

return M
