-- moonkey types: where the types of all that scripts can use are, for the Lua language server of an editor.
local files = require "moonkey.files"
local resource = require "moonkey.resource"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {
  summary = "tell where the types for an editor are",
  description = [[
Prints the directory of the type stubs, which the Lua language server reads: they are in the
program, and are written there unless they are there already. Put it into .luarc.json:

  { "workspace.library": ["/home/me/.local/share/moonkey/types/…"] }

The directory has the version in its name, so two versions of moonkey do not disturb each other.
With --write they go to a directory of yours, such as one that a project keeps.]],
}

function M.configure(cmd)
  cmd:option("--write", "Write them to this directory instead."):argname("DIR")
end

-- $XDG_DATA_HOME/moonkey/types/VERSION; a relative one is to be ignored.
function M.directory()
  local base, home = os.getenv("XDG_DATA_HOME"), os.getenv("HOME")
  if not (base and base:find("^/")) then
    if not home or home == "" then
      stop.usage("neither XDG_DATA_HOME nor HOME says where the types are to be kept; name a directory with --write DIR")
    end
    base = home .. "/.local/share"
  end
  return ("%s/moonkey/types/%s"):format(base, sys.version():match("%S+"))
end

local function contents(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a")
  if file then file:close() end
  return text
end

-- An editor may be reading it: the new text takes the place of the old one at once.
local function replace(path, text)
  if contents(path) == text then return true end
  local new = path .. ".new"
  local file, message = io.open(new, "wb")
  if not file then return nil, message end
  local ok
  ok, message = file:write(text)
  local closed, trouble = file:close()
  if not ok or not closed then return nil, message or trouble end
  return os.rename(new, path)
end

-- Write all stubs; the directory, from the root.
function M.write(directory)
  local ok, message = files.make_directories(directory)
  for _, name in ipairs(resource.list("types/")) do
    if ok then ok, message = replace(directory .. "/" .. name:match("[^/]+$"), resource.read(name)) end
  end
  if not ok then stop.with(1, ("cannot write the types: %s; name another directory with --write DIR"):format(message)) end
  return files.absolute(directory)
end

function M.run(args)
  if args.write == "" then stop.usage("--write needs the name of a directory") end
  print(M.write(args.write or M.directory()))
  return 0
end

return M
