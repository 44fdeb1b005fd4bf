--[[
The globals of a restricted script: what is on the list, and nothing else.

Every table is a copy of the script's own, so that the host's code, which runs in the same state, sees nothing of what it
changes. What is shared and could be changed is kept from it: metatables that it has not set itself, and that of strings.
]]
local loading = require "moonkey.restricted.loading"
local modules = require "moonkey.restricted.modules"
local places = require "moonkey.restricted.places"

local M = {}

local PLAIN = { "assert", "error", "ipairs", "next", "pairs", "pcall", "print", "rawequal", "rawget", "rawlen", "rawset",
  "select", "tonumber", "tostring", "type", "xpcall", "_VERSION" }
local LIBRARIES = { "coroutine", "math", "table", "utf8" }
local OS = { "clock", "date", "difftime", "time" }

local BESIDE = "require loads modules beside the script"

local function copy(library)
  local own = {}
  for name, value in pairs(library) do own[name] = value end
  return own
end

-- A function that says that it is not there.
local function denied(name, advice)
  local message = ("%s is not available to a restricted script%s"):format(name, advice and "; " .. advice or "")
  return function() error(message, 2) end
end

-- The functions of a library that `own` does not have.
local function deny_others(own, library, name)
  for key, value in pairs(library) do
    if own[key] == nil and type(value) == "function" then own[key] = denied(name .. "." .. key) end
  end
  return own
end

-- ---- metatables

local get, get_any, set = getmetatable, debug.getmetatable, setmetatable

-- getmetatable and setmetatable, for metatables that came through the latter.
local function metatables()
  local own = set({}, { __mode = "k" })

  local function getmetatable(value)
    local metatable = get_any(value)
    if metatable and own[metatable] then return get(value) end
    return nil
  end

  local function setmetatable(value, metatable)
    local before = get_any(value)
    if type(value) ~= "table" then
      error(("bad argument #1 to 'setmetatable' (table expected, got %s)"):format(type(value)), 2)
    elseif metatable ~= nil and type(metatable) ~= "table" then
      error("bad argument #2 to 'setmetatable' (nil or table expected)", 2)
    end
    if before and (not own[before] or rawget(before, "__metatable") ~= nil) then
      error("cannot change a protected metatable", 2)
    end
    if metatable then
      if rawget(metatable, "__gc") ~= nil then
        error("__gc is not available to a restricted script; a variable with <close> and __close does it at a known time", 2)
      end
      own[metatable] = true
    end
    return set(value, metatable)
  end

  return getmetatable, setmetatable
end

local function strings()
  local own = copy(string)
  own.dump = denied("string.dump")
  return own
end

-- Methods of strings come from a table that nobody else has; who asks for the metatable, gets nothing. For all of the process.
local function lock_strings()
  local metatable = get_any("")
  metatable.__index, metatable.__metatable = strings(), false
end

-- ---- libraries

local function os_of(policy)
  local own = {}
  for _, name in ipairs(OS) do own[name] = os[name] end
  function own.getenv(name)
    if type(name) ~= "string" then error("os.getenv: expected a name, got " .. type(name), 2) end
    if not policy.env[name] then
      error(("os.getenv: reading %s is not permitted to a restricted script; --allow-env %s would permit it")
        :format(name, name), 2)
    end
    return os.getenv(name)
  end
  return deny_others(own, os, "os")
end

-- Texts only: of a message and, where it is one, a coroutine of the script's.
local function debug_of()
  local own = {}
  function own.traceback(...)
    local thread, message, level = ...
    if type(thread) ~= "thread" then message, level = thread, message end
    if message ~= nil and type(message) ~= "string" and type(message) ~= "number" then return message end
    if type(thread) == "thread" then return debug.traceback(thread, message, level) end
    return debug.traceback(message, (math.tointeger(level) or 1) + 1)
  end
  return deny_others(own, debug, "debug")
end

--[[
M.new(policy, arguments): the globals, for load(…, env). policy: { read =, write = directories (see places),
env = { NAME = true }, secret = may secrets be revealed }.
]]
function M.new(policy, arguments)
  local env = {}
  env._G = env
  for _, name in ipairs(PLAIN) do env[name] = _G[name] end
  for _, name in ipairs(LIBRARIES) do env[name] = copy(_G[name]) end
  env.getmetatable, env.setmetatable = metatables()
  env.string, env.debug, env.os = strings(), debug_of(), os_of(policy)
  env.io = deny_others(places.io(policy), io, "io")
  env.collectgarbage = denied("collectgarbage")
  env.dofile, env.loadfile = denied("dofile", BESIDE), denied("loadfile", BESIDE)
  env.load = loading.load_in(env)
  env.package = { loaded = {}, preload = {}, path = "", cpath = "", config = package.config,
    loadlib = denied("package.loadlib"), searchpath = denied("package.searchpath", BESIDE) }
  env.require = loading.require_in(env, env.package, policy)
  for _, name in ipairs(LIBRARIES) do env.package.loaded[name] = env[name] end
  for _, name in ipairs{ "string", "debug", "os", "io", "package" } do env.package.loaded[name] = env[name] end
  env.package.loaded._G = env
  env.token = env.require "moonkey.token"
  env.arg = arguments and copy(arguments)
  modules.preload()
  lock_strings()
  return env
end

return M
