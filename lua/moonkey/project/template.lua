--[[
The files of a new project, from lua/project: each as it is there, but dot-NAME is .NAME, and {{WORD}} stands for what the
project has for it.
]]
local known = require "moonkey.project.known"
local resource = require "moonkey.resource"

local M = {}

local PREFIX = "project/"

local function quoted(texts)
  local list = {}
  for i, text in ipairs(texts) do list[i] = ('"%s"'):format(text:gsub('[\\"]', "\\%0")) end
  return table.concat(list, ", ")
end

-- The text of one file; `values` may leave out what it does not need.
function M.text(name, values)
  return (resource.read(PREFIX .. name):gsub("{{(%u+)}}", function(word)
    if word == "GLOBALS" then return quoted(known.globals()) end
    return word == "TYPES" and quoted{ values.types } or word == "NAME" and values.name
  end))
end

-- { { path =, text = }, … }, by path. values: types, the directory of the types; name, of the project.
function M.files(values)
  local list = {}
  for _, file in ipairs(resource.list(PREFIX)) do
    local name = file:sub(#PREFIX + 1)
    list[#list + 1] = { path = (name:gsub("^dot%-", ".")), text = M.text(name, values) }
  end
  table.sort(list, function(a, b) return a.path < b.path end)
  return list
end

return M
