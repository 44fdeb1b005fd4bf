--[[
Extensions: Lua modules of the user's that moonkey finds by their names. moonkey.command.hello is the command `moonkey hello`;
see extension/kinds.lua for the others, and extension/places.lua for where they are looked for.

Of two with one name, the first counts. Nothing is loaded before it is asked for by its name.
]]
local files = require "moonkey.files"
local kinds = require "moonkey.extension.kinds"
local nearest = require "moonkey.nearest"
local places = require "moonkey.extension.places"
local sys = require "moonkey.sys"

local M = {}

local loaded = {} -- "kind.name" → { value =, message = }

local function places_of(kind)
  return kinds[kind].of_profile and places.project_last() or places.list()
end

-- The file of the module `name` in a directory, or nil.
local function file_of(directory, entry)
  local name = entry:match("^([%a_][%w_%-]*)%.lua$")
  if name then return name, directory .. "/" .. entry end
  local path = directory .. "/" .. entry .. "/init.lua"
  if entry:find("^[%a_][%w_%-]*$") and sys.file_type(path) == "file" then return entry, path end
end

local function scan(kind, directory, visit)
  local found = {}
  for _, entry in ipairs(files.list(directory) or {}) do
    local name, path = file_of(directory, entry)
    if name then found[#found + 1] = { name = name, path = path } end
  end
  table.sort(found, function(a, b) return a.path < b.path end)
  for _, item in ipairs(found) do visit(item.name, ("moonkey.%s.%s"):format(kind, item.name), item.path) end
end

-- All of a kind: { name =, module =, path =, shadowed_by = nil, "moonkey itself" or the path of the one that counts }, in the
-- order in which they are found.
function M.all(kind)
  local first, all = {}, {}
  for _, place in ipairs(places_of(kind)) do
    scan(kind, ("%s/moonkey/%s"):format(place.path, kind), function(name, module, path)
      local by = kinds[kind].taken(name) and "moonkey itself" or first[name]
      all[#all + 1] = { name = name, module = module, path = path, shadowed_by = by }
      if not by then first[name] = path end
    end)
  end
  return all
end

-- Those that count, by name: { { name =, module =, path = }, … }. Loads nothing.
function M.list(kind)
  local list = {}
  for _, entry in ipairs(M.all(kind)) do
    if not entry.shadowed_by then list[#list + 1] = entry end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

-- The names of those that are built in, and of the extensions.
function M.names(kind, built_in)
  local names = table.move(built_in, 1, #built_in, 1, {})
  for _, entry in ipairs(M.list(kind)) do names[#names + 1] = entry.name end
  return names
end

-- Where the extension is, or nil. Looks for its file only.
function M.find(kind, name)
  if kinds[kind].taken(name) or not name:find("^[%a_][%w_%-]*$") then return nil end
  for _, place in ipairs(places_of(kind)) do
    local path = ("%s/moonkey/%s/%s"):format(place.path, kind, name)
    for _, file in ipairs{ path .. ".lua", path .. "/init.lua" } do
      if sys.file_type(file) == "file" then return file, ("moonkey.%s.%s"):format(kind, name) end
    end
  end
end

-- What the file returns; nil and why it does not.
local function evaluate(path, module)
  local mode = sys.file_mode(path)
  if mode and mode & 2 ~= 0 then return nil, ("it can be changed by everyone; run: chmod o-w %s"):format(path) end
  local script = require "moonkey.script"
  script.prepare_for_extensions()
  local chunk, message = loadfile(path, "t")
  if not chunk then return nil, message end
  local ok, value = pcall(script.adopt(chunk), module, path)
  if not ok then return nil, tostring(value) end
  return value == nil and true or value
end

local function load(kind, name, path, module)
  local value, message = evaluate(path, module)
  if value ~= nil then
    value, message = kinds[kind].accept(kinds[kind], value)
    message = message and ("%s: %s"):format(path, message)
  end
  if value ~= nil then return value end
  message = message:gsub("^%.%.%.[^:]*:", function() return path .. ":" end) -- Lua shortens long names of files
  if not message:find(path .. ":", 1, true) then message = ("%s: %s"):format(path, message) end
  return nil, ("the %s '%s' cannot be loaded: %s"):format(kinds[kind].what, name, message)
end

-- What to say of a name that no extension has.
local function unknown(kind, name)
  local names = M.names(kind, kinds[kind].built_in or {})
  local near = nearest(name, names)
  return ("there is no %s '%s'%s; %s; `moonkey modules-path` shows where it is looked for"):format(kinds[kind].what, name,
    near and (", did you mean '%s'?"):format(near) or "",
    #names > 0 and "there are " .. table.concat(names, ", ") or "there are none")
end

-- The module of an extension, as extension/kinds.lua has it; nil and a message that names its file where it cannot be had.
-- Loaded once, whatever comes of it.
function M.load(kind, name)
  local path, module = M.find(kind, name)
  if not path then return nil, unknown(kind, name) end
  local entry = loaded[module]
  if not entry then
    entry = {}
    loaded[module] = entry
    entry.value, entry.message = load(kind, name, path, module)
    if entry.value then package.loaded[module] = entry.value end
  end
  return entry.value, entry.message
end

return M
