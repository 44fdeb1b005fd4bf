-- Where the journals of runs are, and which one somebody means.
local files = require "moonkey.files"
local sys = require "moonkey.sys"

local M = {}

local SUFFIX = ".journal"
local DIGITS = "234567abcdefghijklmnopqrstuvwxyz" -- in the order in which they sort

-- The directory of the program's state (XDG Base Directory Specification); nil, message where there is no home.
function M.state()
  local base, home = os.getenv("XDG_STATE_HOME"), os.getenv("HOME")
  if base and base:find("^/") then return base .. "/moonkey" end -- a relative one is to be ignored
  if home and home ~= "" then return home .. "/.local/state/moonkey" end
  return nil, "neither XDG_STATE_HOME nor HOME says where the state of runs is kept"
end

-- The directory of the journals; nil, message.
function M.directory()
  local state, message = M.state()
  return state and state .. "/runs", message
end

local function digits(number)
  local high, low = number // 32 % 32 + 1, number % 32 + 1
  return DIGITS:sub(high, high) .. DIGITS:sub(low, low)
end

-- YYYYMMDD-HHMMSS-mmrr, in UTC: milliseconds, and something random. Sorted by name they are sorted by time.
function M.new_id()
  local ms = sys.wall() * 1000 // 1 | 0
  return os.date("!%Y%m%d-%H%M%S-", ms // 1000) .. digits(ms % 1000) .. digits(string.unpack("<I2", sys.random(2)) % 1024)
end

-- Path and id of a journal for a new run, whose directory is there now; nil, message. `path`: where the user wants it.
function M.new(path)
  local id = M.new_id()
  if path then return path, id end
  local directory, message = M.directory()
  if not directory then return nil, message .. "; name a file with --journal FILE" end
  local ok
  ok, message = files.make_directories(directory)
  if not ok then
    return nil, ("cannot make the directory of the journals: %s; name a file with --journal FILE"):format(message)
  end
  return ("%s/%s%s"):format(directory, id, SUFFIX), id
end

-- How a command names a run: by its id, or by the path of its journal, as a shell takes it, where that is elsewhere.
function M.name(id, path)
  local directory = M.directory()
  if not path or (directory and path == ("%s/%s%s"):format(directory, id, SUFFIX)) then return id end
  if path:find("^%-") then path = "./" .. path end
  if not path:find("[^%w/._+@%%:,-]") then return path end
  return "'" .. path:gsub("'", "'\\''") .. "'"
end

-- All runs of the state directory, the newest first: { { id =, path = }, … }; nil, message when it cannot be read.
function M.list()
  local directory, message = M.directory()
  if not directory then return nil, message end
  if not sys.file_type(directory) then return {} end
  local names
  names, message = files.list(directory)
  if not names then return nil, "cannot look for runs: " .. message end
  local list = {}
  for _, name in ipairs(names) do
    local id = name:match("^(.+)%.journal$")
    if id then list[#list + 1] = { id = id, path = directory .. "/" .. name } end
  end
  table.sort(list, function(a, b) return a.id > b.id end)
  return list
end

local function ambiguous(text, matches)
  local ids = {}
  for i = 1, math.min(#matches, 5) do ids[i] = matches[i].id end
  local more = #matches > 5 and (" and %d more"):format(#matches - 5) or ""
  return ("%s could be %s%s; write more of it"):format(text, table.concat(ids, ", "), more)
end

-- The journal's path for what a user writes: an id, the beginning of only one, "last", or a path; nil, message.
function M.find(text)
  if text == "" then return nil, "the id of the run is empty; `moonkey runs list` shows them" end
  if text ~= "last" and (text:find("/", 1, true) or text:find("%.journal$") or sys.file_type(text) == "file") then
    if sys.file_type(text) == "file" then return text end
    return nil, ("there is no journal %s"):format(text)
  end
  local list, message = M.list()
  if not list then return nil, message end
  if text == "last" and list[1] then return list[1].path end
  local matches = {}
  for _, run in ipairs(list) do
    if run.id == text then return run.path end
    if run.id:sub(1, #text) == text then matches[#matches + 1] = run end
  end
  if #matches == 1 then return matches[1].path end
  if #matches > 1 then return nil, ambiguous(text, matches) end
  if #list == 0 then return nil, ("there is no run %s: there are no runs in %s"):format(text, M.directory()) end
  return nil, ("there is no run %s; `moonkey runs list` shows them, the last one is %s"):format(text, list[1].id)
end

return M
