--[[
Where modules of the user's are looked for, in this order: the project's lua/, the one beside the configuration, and the trees
of LuaRocks - the project's lua_modules/, the user's, and those of the system, which are where Lua itself looks.
]]
local profiles = require "moonkey.profile"

local M = {}

local LUA_PATH, LUA_CPATH = package.path, package.cpath -- Lua's own, before we add to them

-- The directories of a search path that do not depend on where we are.
local function directories_of(path)
  local found, seen = {}, {}
  for template in path:gmatch("[^;]+") do
    local directory = template:match("^(/[^?]*)/%?")
    if directory and not seen[directory] then
      seen[directory] = true
      found[#found + 1] = directory
    end
  end
  return found
end

-- { { path = directory, what = for people, foreign = modules there are others' work, of_project = boolean }, … }, also those
-- that are not there.
function M.list()
  local home, configuration = os.getenv("HOME"), profiles.path()
  local list = {}
  local function add(path, what, foreign)
    list[#list + 1] = { path = path, what = what, foreign = foreign, of_project = path:sub(1, 2) == "./" }
  end
  add("./lua", "the project")
  if configuration then add(configuration:match("^(.*)/") .. "/lua", "yours") end
  add("./lua_modules", "the project's LuaRocks", true)
  add("./lua_modules/share/lua/5.4", "the project's LuaRocks", true)
  if home then add(home .. "/.luarocks/share/lua/5.4", "your LuaRocks", true) end
  for _, directory in ipairs(directories_of(LUA_PATH)) do add(directory, "the system", true) end
  return list
end

-- The same, the project's last. What a profile names is the user's: a project that somebody else has made must not put its own
-- in place of that.
function M.project_last()
  local list, later = {}, {}
  for _, place in ipairs(M.list()) do
    local into = place.of_project and later or list
    into[#into + 1] = place
  end
  return table.move(later, 1, #later, #list + 1, list)
end

local function join(templates)
  local seen, list = {}, {}
  for _, template in ipairs(templates) do
    if not seen[template] then list[#list + 1] = template end
    seen[template] = true
  end
  return table.concat(list, ";")
end

-- package.path and package.cpath for a script in the directory `here`: what stands beside it comes first.
function M.search_paths(here)
  local lua, c = {}, {}
  local function add(path)
    table.move({ path .. "/?.lua", path .. "/?/init.lua" }, 1, 2, #lua + 1, lua)
    c[#c + 1] = path:gsub("/share/lua/", "/lib/lua/") .. "/?.so"
  end
  add(here)
  add(here .. "/lua")
  for _, place in ipairs(M.list()) do
    if place.what ~= "the system" then add(place.path) end
  end
  lua[#lua + 1], c[#c + 1] = LUA_PATH, LUA_CPATH
  return join(lua), join(c)
end

-- Is a module that require has found at `path` somebody else's work?
function M.is_foreign(path)
  for _, place in ipairs(M.list()) do
    if place.foreign and path:sub(1, #place.path + 1) == place.path .. "/" then return true end
  end
  return false
end

return M
