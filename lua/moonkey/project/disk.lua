-- What the commands for projects do with files and directories.
local files = require "moonkey.files"
local sys = require "moonkey.sys"

local M = {}

-- Is something called `path`, even a link to nowhere?
function M.is_there(path)
  local directory, name = path:match("^(.*)/([^/]+)$")
  for _, entry in ipairs(files.list(directory or ".") or {}) do
    if entry == (name or path) then return true end
  end
  return false
end

-- Remove a directory with all that is in it. Links are removed, and not followed.
function M.remove(path)
  if os.remove(path) then return end
  for _, entry in ipairs(files.list(path) or {}) do M.remove(path .. "/" .. entry) end
  os.remove(path)
end

local function add_files(list, directory, wanted)
  local names = files.list(directory) or {}
  table.sort(names)
  for _, name in ipairs(names) do
    local path = directory == "." and name or directory .. "/" .. name
    local kind = sys.file_type(path)
    if kind == "directory" and not name:find("^%.") and name ~= "lua_modules" then
      add_files(list, path, wanted)
    elseif kind == "file" and wanted(name) then
      list[#list + 1] = path
    end
  end
end

-- The files that `words` name, and those of the directories among them for which wanted(name): each once, in that order.
-- nil and why not. Hidden directories and lua_modules are left out.
function M.find(words, wanted)
  local list, once, seen = {}, {}, {}
  for _, word in ipairs(words) do
    local kind, message = sys.file_type(word)
    if not kind then return nil, message end
    word = #word > 1 and word:gsub("/+$", "") or word
    if kind == "directory" then add_files(list, word, wanted) else list[#list + 1] = word end
  end
  for _, path in ipairs(list) do
    if not seen[path] then once[#once + 1] = path end
    seen[path] = true
  end
  return once
end

-- The program `name` of the project's LuaRocks, of the user's, or of the search path; nil where there is none.
function M.find_program(name)
  local directories = { "./lua_modules/bin", (os.getenv("HOME") or "") .. "/.luarocks/bin" }
  for directory in (os.getenv("PATH") or ""):gmatch("[^:]+") do directories[#directories + 1] = directory end
  for _, directory in ipairs(directories) do
    local path = directory .. "/" .. name
    local mode = sys.file_type(path) == "file" and sys.file_mode(path)
    if mode and mode & 73 ~= 0 then return path end -- 73 is 0111: somebody may run it
  end
end

return M
