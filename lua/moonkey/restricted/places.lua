-- Which files a restricted script may open, and the `io` that opens them.
local beneath = require "moonkey.beneath"
local files = require "moonkey.files"

local M = {}

-- From the root, without ".", ".." and "//". By its letters alone: that no link is on the way is seen to when it is opened.
local function normal(path)
  local parts = {}
  for part in path:gmatch("[^/]+") do
    if part == ".." then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return "/" .. table.concat(parts, "/")
end

local function absolute(path)
  return normal(path:sub(1, 1) == "/" and path or files.absolute(".") .. "/" .. path)
end

-- For a list of directories: as they are named and as they really are. nil, message for one that is none.
function M.directories(names)
  local list = {}
  for i, name in ipairs(names) do
    local real, why = files.absolute(name)
    if not real then return nil, why end
    list[i] = { named = absolute(name), real = real }
  end
  return list
end

local function below(directory, path)
  if directory == "/" then return path:sub(2) end
  if path:sub(1, #directory + 1) == directory .. "/" then return path:sub(#directory + 2) end
end

-- The directory of `list` that the file is in, and its name there; nil where it is in none.
local function locate(list, path)
  path = absolute(path)
  for _, directory in ipairs(list) do
    local rest = below(directory.named, path) or below(directory.real, path)
    if rest and rest ~= "" then return directory.real, rest end
  end
end

local function refuse(what, verb, path, flag)
  local directory = absolute(path):match("^(.*)/[^/]*$")
  error(("%s: %s %s is not permitted to a restricted script; %s %s would permit it"):format(what, verb, path, flag,
    directory == "" and "/" or directory), 0)
end

-- The file's directory, which is permitted, and its name there; raises what would permit it. `reads`, `writes`: which is meant.
local function permitted(policy, what, path, reads, writes)
  if type(path) ~= "string" or path:find("\0", 1, true) then
    error(("%s: expected the name of a file, got %s"):format(what, type(path) == "string" and "a zero byte" or type(path)), 0)
  end
  local root, rest
  if reads then
    root, rest = locate(policy.read, path)
    if not root then refuse(what, "reading", path, "--allow-read") end
  end
  if writes then
    root, rest = locate(policy.write, path)
    if not root then refuse(what, "writing", path, "--allow-write") end
  end
  return root, rest
end

-- The absolute name of a file that the host is to read or write for the script.
function M.check(policy, what, path, writes)
  local root, rest = permitted(policy, what, path, not writes, writes)
  local ok, why = beneath.check(root, rest)
  if not ok then error(("%s: %s"):format(what, why), 0) end
  return root .. "/" .. rest
end

-- Run fn, and raise its errors where the caller was called from.
local function at_caller(fn, ...)
  local results = table.pack(pcall(fn, ...))
  if not results[1] then error(results[2], 3) end
  return table.unpack(results, 2, results.n)
end

local function open(policy, path, mode)
  mode = mode == nil and "r" or mode
  if type(mode) ~= "string" or not mode:find("^[rwa]%+?b?$") then error("io.open: invalid mode", 0) end
  local both = mode:find("+", 1, true) ~= nil
  local root, rest = permitted(policy, "io.open", path, both or mode:find("^r") ~= nil, both or not mode:find("^r"))
  return beneath.open(root, rest, mode)
end

-- As io.lines: the file is closed at its end, or by the loop that is left early.
local function lines_of(file, ...)
  local next_line = file:lines(...)
  return function()
    local values = table.pack(next_line())
    if values[1] == nil then file:close() end
    return table.unpack(values, 1, values.n)
  end, nil, nil, file
end

-- The `io` of a script: standard input, output and error, and the files that are permitted.
function M.io(policy)
  local own = { stdin = io.stdin, stdout = io.stdout, stderr = io.stderr, type = io.type }

  function own.open(path, mode)
    local results = table.pack(at_caller(open, policy, path, mode)) -- a tail call would have no caller
    return table.unpack(results, 1, results.n)
  end

  function own.lines(path, ...)
    if path == nil then return io.stdin:lines(...) end
    local file, message = at_caller(open, policy, path)
    if not file then error(message, 2) end
    return lines_of(file, ...)
  end

  function own.read(...)
    return io.stdin:read(...)
  end

  function own.write(...)
    return io.stdout:write(...)
  end

  function own.close(file)
    if io.type(file) ~= "file" then error("io.close: expected an open file", 2) end
    return file:close()
  end

  return own
end

return M
