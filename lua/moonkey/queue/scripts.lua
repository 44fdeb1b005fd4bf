-- The texts of scripts/, as the server gets them.
local resource = require "moonkey.resource"

local M = {}

-- As a file, where MOONKEY_LUA names a directory, else as an embedded module.
local function read(name)
  local path = "moonkey/queue/scripts/" .. name
  return assert(resource.read(path .. ".lua") or resource.read((path:gsub("/", "."))), name)
end

local texts = {}

function M.text(name)
  texts[name] = texts[name] or read("prelude") .. read(name)
  return texts[name]
end

return M
