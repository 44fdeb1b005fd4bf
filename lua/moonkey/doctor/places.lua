-- Files that only their owner should read or change, and the place where the journals of runs are written.
local place = require "moonkey.batch.journal.place"
local probe = require "moonkey.probe"
local sorted_keys = require "moonkey.sorted_keys"
local sys = require "moonkey.sys"

local OTHERS, WRITERS = tonumber("077", 8), tonumber("022", 8)
local MIB = 1024 * 1024
local FREE_LEAST, FREE_WANTED = 16 * MIB, 256 * MIB -- a million rows are a journal of about 80 MiB

local function quoted(path)
  return path:find("[^%w/._+@%%:,-]") and "'" .. path:gsub("'", "'\\''") .. "'" or path
end

-- Whoever can change it decides where a credential is sent, and what is run to get one.
local function configuration(case)
  local path = case.path
  if not path then return end
  local mode, ours = sys.file_mode(path), probe.is_ours(path)
  if ours == false then
    case:warning("file modes", path .. " belongs to somebody else, who can change it", "chown it to yourself: " .. quoted(path))
  elseif mode and mode & WRITERS ~= 0 then
    case:warning("file modes", ("%s can be changed by others (mode %04o)"):format(path, mode), "chmod go-w " .. quoted(path))
  else
    case:ok("file modes", ("%s: only you can change it"):format(path))
  end
end

-- Those of all profiles: the one in force is read later, which says more.
local function credential_files(case)
  for _, name in ipairs(sorted_keys(case.profiles or {})) do
    local path = case.profiles[name].credential_file
    local mode, message = path and sys.file_mode(path), nil
    if path and not mode then message = select(2, sys.file_mode(path)) end
    if message then
      case:warning("file modes", ("profile '%s': credential_file: %s"):format(name, message),
        "write the file, and chmod 600 it")
    elseif mode and mode & OTHERS ~= 0 then
      case:warning("file modes",
        ("profile '%s': %s can be read by others (mode %04o), and is refused"):format(name, path, mode),
        "chmod 600 " .. quoted(path))
    end
  end
end

-- Of journals: they hold ids, names and descriptions.
local function journals(case, directory)
  local list, message = place.list()
  if not list then return case:warning("journals", message, "chmod u+rx " .. quoted(directory)) end
  local directory_mode = sys.file_mode(directory)
  if directory_mode and directory_mode & WRITERS ~= 0 then
    case:warning("journals", ("others can write to %s (mode %04o)"):format(directory, directory_mode),
      "chmod go-w " .. quoted(directory))
  end
  local open
  for _, run in ipairs(list) do
    local mode = sys.file_mode(run.path)
    if mode and mode & OTHERS ~= 0 then open = (open or 0) + 1 end
  end
  if open then
    return case:warning("journals", ("%d of the %d journals in %s can be read by others"):format(open, #list, directory),
      "chmod go-rwx " .. quoted(directory) .. "/*.journal")
  end
  case:ok("journals", #list == 0 and "there are none yet" or ("%d in %s, for you only"):format(#list, directory))
end

-- The directory, or what there is of the way to it.
local function existing(path)
  while path ~= "" and sys.file_type(path) ~= "directory" do
    if sys.file_type(path) then return nil, path .. " is no directory" end
    path = path:match("^(.*)/[^/]*$")
  end
  return path == "" and "/" or path
end

local function state(case)
  local directory, message = place.directory()
  if not directory then
    return case:warning("state", message .. ", so every run needs --journal FILE", "set HOME or XDG_STATE_HOME")
  end
  local elsewhere = "or say with XDG_STATE_HOME, or --journal FILE, where journals go"
  local there, wrong = existing(directory)
  if not there then return case:problem("state", wrong .. ": no journal can be written", "move it away, " .. elsewhere) end
  local writable, free = probe.place(there)
  if writable == nil then return case:warning("state", free, "look at that file system, " .. elsewhere) end
  if not writable then
    return case:problem("state", ("%s: nothing can be written there, so no run can begin"):format(there),
      ("chmod u+wx %s, %s"):format(quoted(there), elsewhere))
  end
  local room = ("%s: %d MiB free"):format(directory, free // MIB)
  if free < FREE_LEAST then
    return case:problem("state", room .. ", too little for a run", "make room on that disk, " .. elsewhere)
  elseif free < FREE_WANTED then
    return case:warning("state", room .. ", which a long run may fill", "make room on that disk, " .. elsewhere)
  end
  case:ok("state", room .. (there ~= directory and "; it will be made" or ""))
  if there == directory then journals(case, directory) end
end

return function(case)
  configuration(case)
  credential_files(case)
  state(case)
end
