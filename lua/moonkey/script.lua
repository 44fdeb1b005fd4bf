--[[
The surroundings of a user's script or job: globals, where `require` looks, strictness, and loading with messages that help.
]]
local places = require "moonkey.extension.places"
local requiring = require "moonkey.require"
local stop = require "moonkey.cli.stop"
local strict = require "moonkey.strict"
local sys = require "moonkey.sys"

local M = {}

local FROM_PATH = 3 -- the one of package.searchers that finds files of Lua
local is_strict, is_prepared = true, false

-- The name of a file of the user's for Lua to know it by: one in a directory moonkey/ is not the host's, which limits spare.
function M.chunk_path(path)
  return path:find("^moonkey/") and "./" .. path or path
end

local function directory_of(script)
  return script and script ~= "-" and M.chunk_path(script):match("^(.*)/[^/]*$") or "."
end

-- Modules that are the user's own are watched, as the script itself is.
local require_watched = requiring.new(package.loaded, function(name)
  local loader, extra, searcher = requiring.find(name)
  if searcher == FROM_PATH and not places.is_foreign(extra) then strict.watch("@" .. extra) end
  return loader, extra
end)

-- Are undefined globals an error (--no-strict)? To be said before anything of the user's is loaded.
function M.be_strict(wanted)
  is_strict = wanted
end

-- Undefined globals in `globals` are an error for the user's chunks, unless that is not wanted.
function M.watch(globals)
  if is_strict then strict.enable(globals) end
end

-- Set up for the script at `path` (nil for code of the command line, "-" for standard input); `arguments` become `arg`.
function M.prepare(path, arguments)
  is_prepared = true
  package.path, package.cpath = places.search_paths(directory_of(path))
  _G.token = require "moonkey.token"
  _G.require = require_watched
  _G.arg = table.move(arguments, 1, #arguments, 1, { [0] = path or "-e", [-1] = "run", [-2] = "moonkey" })
  M.watch(_G)
end

-- The same for extensions, which are loaded where they are needed: before a script, beside one, or without any.
function M.prepare_for_extensions()
  if not is_prepared then M.prepare(nil, {}) end
end

-- The chunk of a file with these globals, as text only; stops with 2 for a file that cannot be read and 1 for one that is not
-- Lua.
function M.load(path, globals)
  if path ~= "-" and sys.file_type(path) == "directory" then
    stop.usage(("cannot run %s: it is a directory; name a Lua file in it"):format(path))
  end
  local chunk, message = loadfile(path ~= "-" and M.chunk_path(path) or nil, "t", globals or _G)
  if not chunk and message:find("^cannot open") then
    local _, why = io.open(path)
    stop.usage(("cannot run %s"):format(why or path))
  elseif not chunk then
    stop.with(1, message)
  end
  return M.adopt(chunk, globals)
end

-- A chunk of the user's, with its globals, is watched from here on.
function M.adopt(chunk, globals)
  strict.watch(debug.getinfo(chunk, "S").source)
  if globals and globals ~= _G then M.watch(globals) end
  return chunk
end

return M
