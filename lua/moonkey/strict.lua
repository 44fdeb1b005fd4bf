--[[
Reading a global that nobody has set is an error, at the line that reads it: nearly always it is a name that was mistyped.

Only in chunks that are watched, which are the user's own. Libraries ask for globals to find out where they run, and are left
alone. What is set costs nothing: Lua asks only for what is not there.
]]
local nearest = require "moonkey.nearest"

local M = {}

local watched = {} -- sources of chunks, as debug.getinfo names them
local getinfo = debug.getinfo

-- What scripts expect to be there, and have to require.
local MODULES = { api = true, batch = true, errors = true, http = true, json = true, log = true, modules = true, rql = true,
  secret = true, task = true, time = true }

local function names_in(globals)
  local names = {}
  for name in next, globals do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function advice(globals, name)
  if MODULES[name] then return (': local %s = require "moonkey.%s" makes it known'):format(name, name) end
  local near = #name > 1 and nearest(name, names_in(globals)) -- one letter is as near to any other
  if near then return ("; did you mean '%s'?"):format(near) end
  return ('; where it may be missing, ask for rawget(_G, "%s")'):format(name)
end

-- From now on chunks of this source are watched.
function M.watch(source)
  watched[source] = true
end

-- Watch what is read in the table of globals `globals`. One that has a metatable already is left alone.
function M.enable(globals)
  if getmetatable(globals) ~= nil then return end
  local set = {} -- names that were set by somebody, though maybe to nil
  setmetatable(globals, {
    __index = function(_, name)
      if set[name] or type(name) ~= "string" then return nil end
      local reader = getinfo(2, "S")
      if not reader or reader.what == "C" or not watched[reader.source] then return nil end
      error(("undefined global '%s'%s"):format(name, advice(globals, name)), 2)
    end,
    __newindex = function(_, name, value)
      set[name] = true
      rawset(globals, name, value)
    end,
  })
end

return M
