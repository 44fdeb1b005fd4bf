-- Which files of specs there are: those that are named, or those that .busted says, as busted itself would find them.
local disk = require "moonkey.project.disk"
local sys = require "moonkey.sys"

local M = {}

-- What .busted says for a run that names no task; {} where there is none; nil and why it cannot be used.
function M.settings()
  if sys.file_type(".busted") ~= "file" then return {} end
  local chunk, message = loadfile(".busted", "t")
  if not chunk then return nil, message end
  local ok, value = pcall(chunk)
  if not ok then return nil, tostring(value) end
  if type(value) ~= "table" then return nil, ".busted: expected `return { default = { … } }`, a table" end
  local settings = {}
  for _, task in ipairs{ value._all or {}, value.default or {} } do
    for name, setting in pairs(task) do settings[name] = setting end
  end
  return settings
end

local function list_of(value, otherwise)
  if value == nil then return { otherwise } end
  return type(value) == "table" and value or { value }
end

local function matches_any(name, patterns)
  for _, pattern in ipairs(patterns) do
    if pattern ~= "" and name:find(pattern) then return true end
  end
  return false
end

-- The files, by the words of the command line; nil and why not.
function M.find(words, settings)
  local patterns, excluded = list_of(settings.pattern, "_spec"), list_of(settings["exclude-pattern"])
  local roots = #words > 0 and words or list_of(settings.ROOT, "spec")
  local list, message = disk.find(roots, function(name)
    return name:find("%.lua$") and matches_any(name, patterns) and not matches_any(name, excluded)
  end)
  if not list then
    if #words > 0 then return nil, "cannot test " .. message end
    return nil, ("there are no specs: %s; `moonkey init` makes a project that has some"):format(message)
  elseif #list == 0 then
    return nil, ("there are no specs in %s: no file there is called %s"):format(table.concat(roots, ", "),
      "*" .. table.concat(patterns, "*.lua or *") .. "*.lua")
  end
  return list
end

return M
