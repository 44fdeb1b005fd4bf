-- moonkey run: a script, with `token` as a global, `require` that looks beside the script, and every call a plain one.
local errors = require "moonkey.errors"
local log = require "moonkey.log"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {
  summary = "run a Lua script",
  description = [[
Runs SCRIPT with the arguments that follow it, as `lua` does: they are in `arg` and `...`. The global `token` has token.get and
token.update; the rest is require'd: moonkey.task, .json, .log, .secret, .time.

require looks beside the script, in lua/ beside it, in ./lua_modules, then where Lua 5.4 and LuaRocks put modules.
A first line `#!/usr/bin/env -S moonkey run` makes a script a command.]],
  client = true,
  jobs = 64,
}

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

local function directory_of(script)
  return script and script ~= "-" and script:match("^(.*)/[^/]*$") or "."
end

-- What stands beside the script comes first, then the project's lua_modules (flat, or as LuaRocks lays it out), then Lua's own places
-- and the user's LuaRocks tree.
function M.set_search_paths(script)
  local here, home = directory_of(script), os.getenv("HOME")
  local lua = { here .. "/?.lua", here .. "/?/init.lua", here .. "/lua/?.lua", here .. "/lua/?/init.lua",
    "./lua_modules/?.lua", "./lua_modules/?/init.lua", "./lua_modules/share/lua/5.4/?.lua", "./lua_modules/share/lua/5.4/?/init.lua",
    package.path }
  local c = { here .. "/?.so", here .. "/lua/?.so", "./lua_modules/?.so", "./lua_modules/lib/lua/5.4/?.so", package.cpath }
  if home then
    table.move({ home .. "/.luarocks/share/lua/5.4/?.lua", home .. "/.luarocks/share/lua/5.4/?/init.lua" }, 1, 2, #lua + 1, lua)
    c[#c + 1] = home .. "/.luarocks/lib/lua/5.4/?.so"
  end
  package.path, package.cpath = table.concat(lua, ";"), table.concat(c, ";")
end

function M.set_globals(script, arguments)
  _G.token = require "moonkey.token"
  _G.require = require("moonkey.require").require
  _G.arg = table.move(arguments, 1, #arguments, 1, { [0] = script or "-e", [-1] = "run", [-2] = "moonkey" })
end

local function load_script(script)
  if script ~= "-" and sys.file_type(script) == "directory" then
    stop.usage(("cannot run %s: it is a directory; name a Lua file in it"):format(script))
  end
  local chunk, message = loadfile(script ~= "-" and script or nil, "t")
  if not chunk and message:find("^cannot open") then
    stop.usage(("cannot run %s: %s"):format(script, message:gsub("^cannot open ", "", 1)))
  elseif not chunk then
    stop.with(1, message)
  end
  return chunk
end

-- The traceback ends where the script begins; the frames below are ours.
local function on_error(err)
  local message = tostring(err)
  if type(err) ~= "string" and not (getmetatable(err) or {}).__tostring then
    message = ("(error object is a %s value)"):format(type(err))
  end
  local trace = debug.traceback(message, 2):gsub("\n%s*%[C%]: in function 'xpcall'\n.*$", "")
  return { trace = trace, unauthorised = errors.is(err) and err.status == 401 }
end

local function run_chunk(chunk, ...)
  local ok, failure = xpcall(chunk, on_error, ...)
  if sys.interrupted() then return 128 + sys.interrupted() end
  if ok then return 0 end
  log.error("%s", failure.trace)
  return failure.unauthorised and 4 or 1
end

function M.run(args)
  local script = args.script
  if not script and #args.eval == 0 then
    stop.usage("run needs a script: moonkey run SCRIPT.lua, - for standard input, or -e CODE")
  end
  M.set_search_paths(script)
  M.set_globals(script, args.rest)
  local chunks = {}
  for _, code in ipairs(args.eval) do
    local chunk, message = load(code, "=(command line)", "t")
    if not chunk then stop.with(1, message) end
    chunks[#chunks + 1] = chunk
  end
  if script then chunks[#chunks + 1] = load_script(script) end
  for _, chunk in ipairs(chunks) do
    local code = run_chunk(chunk, table.unpack(args.rest))
    if code ~= 0 then return code end
  end
  return 0
end

return M
