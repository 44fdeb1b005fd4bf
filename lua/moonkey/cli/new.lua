-- moonkey init: a project for scripts, jobs, modules and their specs, with an example of each.
local disk = require "moonkey.project.disk"
local files = require "moonkey.files"
local output = require "moonkey.cli.output"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"
local template = require "moonkey.project.template"
local types = require "moonkey.cli.types"

local M = {
  summary = "make a project for scripts, modules and their specs",
  description = [[
Makes a project in DIR (default: here): scripts/, lua/ and spec/ with an example of each, the
settings of editor, luacheck and busted, a README and a .gitignore that keeps secrets out. DIR may
be there already, with git or files of yours in it. Nothing is overwritten: where a file of that
name is in the way, nothing is made at all.

  moonkey init tokens && cd tokens
  moonkey --emulator run scripts/without_team.lua
  moonkey --emulator batch scripts/teams.csv --job scripts/assign_team.lua
  moonkey test; moonkey check
  moonkey init --keep              add what is missing to a directory that has a README already

.luarc.json names the directory of the types (see moonkey types), so that an editor with the Lua
language server completes token.update and all the rest.]],
}

function M.configure(cmd)
  cmd:argument("dir", "Directory of the project, made where there is none (default: this one)."):argname("DIR"):args("?")
  cmd:flag("--keep", "Leave files that are in the way as they are, and make the others.")
end

local PUBLIC = 511 -- 0777, less what the umask takes away

-- For the settings of an editor: the same for all whose home is elsewhere.
local function of_home(path)
  local home = os.getenv("HOME")
  if home and #home > 1 and path:sub(1, #home + 1) == home .. "/" then return "~" .. path:sub(#home + 1) end
  return path
end

local function name_of(directory)
  local real = files.absolute(directory) or directory
  return real:match("([^/]+)/*$") or "tokens"
end

-- Of a file below the project: what is in its way, which is itself, or a file that would have to be a directory.
local function obstacle(root, path)
  local at = root
  for part in path:gmatch("[^/]+") do
    at = at .. "/" .. part
    if #at < #root + 1 + #path then
      if disk.is_there(at) and sys.file_type(at) ~= "directory" then return at end
    elseif disk.is_there(at) then
      return at
    end
  end
end

-- Those that can be made, and those that cannot.
local function sort_out(root, list)
  local free, taken, seen = {}, {}, {}
  for _, file in ipairs(list) do
    local at = obstacle(root, file.path)
    if not at then
      free[#free + 1] = file
    elseif not seen[at] then
      taken[#taken + 1], seen[at] = at:gsub("^%./", ""), true
    end
  end
  return free, taken
end

local function write_file(path, text)
  local file, message = io.open(path, "wb")
  if not file then return nil, message end
  local ok, why = file:write(text)
  local closed, trouble = file:close()
  if ok and closed then return true end
  return nil, ("%s: %s"):format(path, why or trouble)
end

-- Makes the directory, and those above it; those that were not there go to `made`.
local function make_directory(path, made)
  if sys.file_type(path) == "directory" then return true end
  local above = path:match("^(.+)/[^/]+$")
  if above then
    local ok, message = make_directory(above, made)
    if not ok then return nil, message end
  end
  local ok, message = files.make_directories(path, PUBLIC)
  if ok then made[#made + 1] = path end
  return ok, message
end

-- All or nothing.
local function write_all(root, list)
  local made = {}
  local function take_back(message)
    for i = #made, 1, -1 do os.remove(made[i]) end
    stop.with(1, ("cannot make the project: %s; what was made of it is removed again"):format(message))
  end
  for _, file in ipairs(list) do
    local path = root .. "/" .. file.path
    local ok, message = make_directory(path:match("^(.*)/"), made)
    if not ok then take_back(message) end
    made[#made + 1] = path
    ok, message = write_file(path, file.text)
    if not ok then take_back(message) end
  end
end

local NEXT = [[

Next:
%s  moonkey --emulator run scripts/without_team.lua
  moonkey --emulator batch scripts/teams.csv --job scripts/assign_team.lua
  moonkey test      the specs; moonkey check: what can be found without running anything
README.md tells the rest.
]]

-- As a word that a shell takes as it is.
local function quoted(text)
  if text:find("^[%w._/-]+$") then return text end
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function report(root, made, kept)
  for _, file in ipairs(made) do output.write("made ", root == "." and "" or root .. "/", file.path, "\n") end
  for _, path in ipairs(kept) do output.write("kept ", path, "\n") end
  output.write(NEXT:format(root == "." and "" or "  cd " .. quoted(root) .. "\n"))
  output.flush()
end

function M.run(args)
  local root = args.dir or "."
  if root == "" then stop.usage("init: expected the name of a directory") end
  root = #root > 1 and root:gsub("/+$", "") or root
  if sys.file_type(root) and sys.file_type(root) ~= "directory" then
    stop.usage(("cannot make a project in %s: it is a file; name a directory"):format(root))
  end
  local list = template.files{ types = of_home(types.directory()), name = name_of(root) }
  local free, taken = sort_out(root, list)
  if #taken > 0 and not args.keep then
    stop.usage(("nothing was made, because this is in the way: %s; move it away, name another directory, or leave it as it is"
      .. " and have the rest made with --keep"):format(table.concat(taken, ", ")))
  end
  types.write(types.directory())
  write_all(root, free)
  report(root, free, taken)
  return 0
end

return M
