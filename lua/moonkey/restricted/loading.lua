-- How a restricted script gets more code: as text, and into its own globals.
local maker = require "moonkey.require"
local modules = require "moonkey.restricted.modules"
local places = require "moonkey.extension.places"
local strict = require "moonkey.strict"

local M = {}

local select_count = select

-- The `load` of the globals `env`.
function M.load_in(env)
  return function(chunk, name, mode, ...)
    if type(chunk) ~= "string" and type(chunk) ~= "function" then
      error(("bad argument #1 to 'load' (a function or a string expected, got %s)"):format(type(chunk)), 2)
    elseif name ~= nil and type(name) ~= "string" then
      error(("bad argument #2 to 'load' (string expected, got %s)"):format(type(name)), 2)
    end
    if mode == "b" then return nil, "bytecode is not for a restricted script" end
    local globals = env
    if select_count("#", ...) > 0 then globals = ... end
    name = name and name:gsub("^@", "=") -- the name of a file could be one of the host's, whose code no limit stops
    return load(chunk, name, "t", globals)
  end
end

-- A name that cannot lead out of the directories of package.path.
local function is_plain(name)
  return name:find("^[%w_][%w_%-.]*$") and not name:find("..", 1, true)
end

local function find_file(env, name)
  local path, tried = package.searchpath(name, package.path)
  if not path then
    if package.searchpath(name, package.cpath) then
      tried = "\n\tit is a C module, which a restricted script cannot load"
    end
    return nil, tried:find("^\n") and tried or "\n\t" .. tried
  end
  local chunk, message = loadfile(path, "t", env)
  if not chunk then error(("error loading module '%s' from file '%s':\n\t%s"):format(name, path, message), 0) end
  if not places.is_foreign(path) then strict.watch("@" .. path) end
  return chunk, path
end

-- The `require` of the globals `env`, whose `package` it goes by as far as that is the script's.
function M.require_in(env, own, policy)
  return maker.new(own.loaded, function(name)
    local copy = modules.copy(policy, name)
    if copy then return function() return copy end, ":host:" end
    local why = modules.why_not(name)
    if why then return nil, "\n\tnot for a restricted script: " .. why end
    local preload = rawget(own, "preload")
    local preloaded = type(preload) == "table" and rawget(preload, name)
    if preloaded then return preloaded, ":preload:" end
    if not is_plain(name) then return nil, "\n\ta name is of letters, digits, '_', '-' and '.'" end
    return find_file(env, name)
  end)
end

return M
