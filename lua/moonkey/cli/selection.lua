--[[
--select: what the platform sends of each object, and what a table or a CSV file has columns for, in the platform's own terms.
"a,b" adds to what there is by default, "-a" takes away, and "-*,+a" begins with nothing.
]]
local columns = require "moonkey.cli.output.columns"
local nearest = require "moonkey.nearest"
local stop = require "moonkey.cli.stop"

local M = {}

-- The path in the case that the objects have, because the platform minds none: of what is known, at least.
local function canonical(path, known)
  local first, rest = path:match("^([^.]+)(.*)$")
  for _, name in ipairs(known) do
    if name:lower() == first:lower() then return name .. rest end
  end
  return path
end

local function check(flag, path, known)
  if not path:find("^[%a$][%w.]*$") or path:find("%.%.") or path:find("%.$") then
    stop.usage(("%s: '%s' is not the name of a field"):format(flag, path))
  end
  path = canonical(path, known)
  local first = path:match("^[^.]+")
  for _, name in ipairs(known) do
    if name == first then return path end
  end
  local near = nearest(first, known)
  if near then stop.usage(("%s: there is no field '%s', did you mean '%s'?"):format(flag, path, near)) end
  return path -- of a version that is newer than we are
end

-- The items of "a,+b,-c" as { sign = "", "+" or "-", path = }; `known`: the names of the fields.
function M.items(flag, text, known)
  local items = {}
  for item in (text .. ","):gmatch("%s*(.-)%s*,") do
    local sign, path = item:match("^([+-]?)(.*)$")
    if path == "" then stop.usage(("%s '%s': expected names of fields with commas between them"):format(flag, text)) end
    items[#items + 1] = { sign = sign, path = path == "*" and path or check(flag, path, known) }
  end
  return items
end

-- --order, checked and in the platform's case; nil without one.
function M.order(text, known)
  if not text then return nil end
  local list = {}
  for i, item in ipairs(M.items("--order", text, known)) do
    if item.path == "*" then stop.usage("--order: * is not the name of a field") end
    list[i] = (item.sign == "-" and "-" or "") .. item.path
  end
  return list
end

-- The names but for a path and what is below it.
local function without(names, path)
  local kept = {}
  for _, name in ipairs(names) do
    if path ~= "*" and name ~= path and name:sub(1, #path + 1) ~= path .. "." then kept[#kept + 1] = name end
  end
  return kept
end

-- What select makes of the columns that there are by default.
local function apply(names, items)
  for _, item in ipairs(items) do
    if item.sign == "-" then
      names = without(names, item.path)
    elseif item.path ~= "*" and #without(names, item.path) == #names then
      names[#names + 1] = item.path
    end
  end
  return names
end

--[[
M.choose{ select = text or nil, known = names of all fields, columns = names by default, special = { name = options of
columns.new }, optional = set of names that the platform sends only where they are asked for }
returns the columns, and the items of select as the platform is to get them.
]]
function M.choose(options)
  local items = options.select and M.items("--select", options.select, options.known) or {}
  local names = apply(table.move(options.columns, 1, #options.columns, 1, {}), items)
  if #names == 0 and #options.columns > 0 then stop.usage(("--select %s leaves no column"):format(options.select)) end
  local chosen, select, mentioned = {}, {}, {}
  for i, item in ipairs(items) do
    select[i], mentioned[item.path] = item.sign .. item.path, true
  end
  for i, name in ipairs(names) do
    chosen[i] = columns.new(name, options.special[name])
    if options.optional[name] and not mentioned[name] then select[#select + 1] = name end
  end
  return chosen, select
end

return M
