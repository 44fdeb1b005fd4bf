--[[
`require`, so that a module may wait while it loads: Lua's own calls the loader through C, where a task cannot be parked.

The search itself is Lua's (package.searchers, package.path, package.cpath), and so are its messages. A module that is being
loaded by one task is waited for by the others.
]]
local core = require "moonkey.task.core"

local M = {}

-- The loader of a module, an extra value for it, and the number of the searcher that has found them; nil and where was looked.
function M.find(name)
  local tried = {}
  for number, searcher in ipairs(package.searchers) do
    local loader, extra = searcher(name)
    if type(loader) == "function" then
      return loader, extra, number
    elseif type(loader) == "string" then
      tried[#tried + 1] = loader:find("^\n") and loader or "\n\t" .. loader
    end
  end
  return nil, table.concat(tried)
end

-- A `require` that keeps modules in `loaded`, and has them loaded by what find(name) returns: a loader and an extra value for
-- it, or nil and where it has looked.
function M.new(loaded, find)
  local loading = {} -- name → gates of the tasks that wait for it

  local function wait_for(name)
    local gate = core.gate()
    table.insert(loading[name].gates, gate)
    gate:wait()
  end

  local function finish(name)
    local gates = loading[name].gates
    loading[name] = nil
    for _, gate in ipairs(gates) do
      gate:open()
    end
  end

  return function(name)
    if type(name) ~= "string" then
      error(("bad argument #1 to 'require' (string expected, got %s)"):format(type(name)), 2)
    end
    while loading[name] do
      if loading[name].task == core.current() then
        error(("loop or previous error loading module '%s'"):format(name), 2)
      end
      wait_for(name)
    end
    if loaded[name] ~= nil then
      return loaded[name]
    end
    local loader, extra = find(name)
    if not loader then
      error(("module '%s' not found:%s"):format(name, extra), 2)
    end
    loading[name] = { task = core.current(), gates = {} }
    local guard <close> = setmetatable({}, { __close = function() finish(name) end }) -- luacheck: ignore 211
    local value = loader(name, extra)
    if value ~= nil then
      loaded[name] = value
    elseif loaded[name] == nil then
      loaded[name] = true
    end
    return loaded[name], extra
  end
end

M.require = M.new(package.loaded, M.find)

return M
