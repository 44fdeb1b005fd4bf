-- moonkey run: a script, with `token` as a global, `require` that looks beside the script, and every call a plain one.
local connect = require "moonkey.cli.connect"
local execute = require "moonkey.cli.execute"
local limits = require "moonkey.limits"
local restricted = require "moonkey.cli.restricted"
local script = require "moonkey.script"
local stop = require "moonkey.cli.stop"

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
  return script.adopt(chunk, globals)
end

-- Each row that a script makes for itself with batch.run has the time of a row: a script of others could go on for ever.
local function bound_rows(policy)
  local limit = policy.limits
  if policy.restricted and not limit.cpu_total then limit.cpu_total = limit.cpu + 1 end
end

function M.run(args)
  if not args.script and #args.eval == 0 then
    stop.usage("run needs a script: moonkey run SCRIPT.lua, - for standard input, or -e CODE")
  end
  local policy = restricted.of(args)
  bound_rows(policy)
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
    local code = execute(chunk, table.unpack(args.rest))
    if code ~= 0 then return code end
  end
  return 0
end

return M
