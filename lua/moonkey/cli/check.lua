-- moonkey check: what is wrong with the Lua files of a project, as far as that can be found without running them.
local color = require "moonkey.cli.color"
local disk = require "moonkey.project.disk"
local log = require "moonkey.log"
local luacheck = require "moonkey.project.luacheck"
local output = require "moonkey.cli.output"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {
  summary = "find mistakes in the Lua files of a project",
  description = [[
Compiles the Lua files here, or those given, and has luacheck look at those that compile: globals
that nobody sets, variables that nobody uses, and more. Nothing of them is run. What moonkey gives
to scripts is known; .luacheckrc says what else is to be permitted.

  moonkey check                       all *.lua files below this directory, without lua_modules/
  moonkey check scripts/import.lua
  moonkey check --syntax-only         without luacheck

Exit: 0 nothing was found, 1 something was, 2 there is nothing to look at, or no luacheck.]],
}

function M.configure(cmd)
  cmd:argument("files", "Files, and directories with *.lua files (default: this directory)."):argname("FILE"):args("*")
  cmd:flag("--syntax-only", "Only compile them: for a machine without luacheck.")
end

-- Why the file is no Lua, or nil.
local function mistake_in(path)
  local chunk, message = loadfile(path, "t")
  if chunk then return nil end
  return message
end

-- Those that compile. What is wrong with the others is written, and counted.
local function compile(list)
  local good, bad = {}, 0
  for _, path in ipairs(list) do
    local message = mistake_in(path)
    if message then
      bad = bad + 1
      output.write(message, "\n")
    else
      good[#good + 1] = path
    end
  end
  output.flush()
  return good, bad
end

local function look(args, good)
  local program = luacheck.find()
  if not program then stop.usage(luacheck.ADVICE .. "; --syntax-only does without it") end
  local code, message = luacheck.run(program, good, color.wanted(args.color, 1))
  if not code then stop.with(1, ("cannot start %s: %s"):format(program, message)) end
  if code > 2 then -- not warnings (1) and errors (2), but that it could not do its work
    stop.with(2, ("%s could not look at them (exit code %d); its message stands above"):format(program, code))
  end
  return code == 0 and 0 or 1
end

function M.run(args)
  local list, message = disk.find(#args.files > 0 and args.files or { "." }, function(name) return name:find("%.lua$") end)
  if not list then stop.usage(("cannot check %s"):format(message)) end
  if #list == 0 then stop.usage("there are no *.lua files; name others, or make a project with `moonkey init`") end
  local good, bad = compile(list)
  if bad > 0 then log.error("%d of %d files cannot be compiled", bad, #list) end
  local code = bad > 0 and 1 or 0
  if args.syntax_only or #good == 0 then return code end
  local ok, found = pcall(look, args, good)
  if sys.interrupted() then return 128 + sys.interrupted() end
  if not ok then
    if code > 0 and stop.is(found) then log.warn("%s", tostring(found)) return code end
    error(found, 0)
  end
  return math.max(code, found)
end

return M
