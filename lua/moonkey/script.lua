--[[
The surroundings of a user's script or job: globals, where `require` looks, and loading with messages that help.
]]
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {}

local function directory_of(script)
  return script and script ~= "-" and script:match("^(.*)/[^/]*$") or "."
end

-- What stands beside the script comes first, then the project's lua_modules (flat, or as LuaRocks lays it out), then Lua's own
-- places and the user's LuaRocks tree.
local function set_search_paths(script)
  local here, home = directory_of(script), os.getenv("HOME")
  local lua = { here .. "/?.lua", here .. "/?/init.lua", here .. "/lua/?.lua", here .. "/lua/?/init.lua",
    "./lua_modules/?.lua", "./lua_modules/?/init.lua", "./lua_modules/share/lua/5.4/?.lua",
    "./lua_modules/share/lua/5.4/?/init.lua", package.path }
  local c = { here .. "/?.so", here .. "/lua/?.so", "./lua_modules/?.so", "./lua_modules/lib/lua/5.4/?.so", package.cpath }
  if home then
    table.move({ home .. "/.luarocks/share/lua/5.4/?.lua", home .. "/.luarocks/share/lua/5.4/?/init.lua" }, 1, 2, #lua + 1, lua)
    c[#c + 1] = home .. "/.luarocks/lib/lua/5.4/?.so"
  end
  package.path, package.cpath = table.concat(lua, ";"), table.concat(c, ";")
end

-- Set up for the script at `path` (nil for code of the command line, "-" for standard input); `arguments` become `arg`.
function M.prepare(path, arguments)
  set_search_paths(path)
  _G.token = require "moonkey.token"
  _G.require = require("moonkey.require").require
  _G.arg = table.move(arguments, 1, #arguments, 1, { [0] = path or "-e", [-1] = "run", [-2] = "moonkey" })
end

-- The chunk of a file with these globals, as text only; stops with 2 for a file that cannot be read and 1 for one that is not
-- Lua.
function M.load(path, globals)
  if path ~= "-" and sys.file_type(path) == "directory" then
    stop.usage(("cannot run %s: it is a directory; name a Lua file in it"):format(path))
  end
  local chunk, message = loadfile(path ~= "-" and path or nil, "t", globals or _G)
  if not chunk and message:find("^cannot open") then
    local _, why = io.open(path)
    stop.usage(("cannot run %s"):format(why or path))
  elseif not chunk then
    stop.with(1, message)
  end
  return chunk
end

return M
