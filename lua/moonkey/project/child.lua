-- A program that is waited for while other tasks run, and that ends when we do.
local disk = require "moonkey.project.disk"
local files = require "moonkey.files"
local process = require "moonkey.process"
local task = require "moonkey.task"

local M = {}

local EVERY = 0.01 -- seconds between two looks at whether it has ended
local GRACE = 1 -- seconds for it to end when it is told to; what it leaves behind is thrown away

-- Run `words`, a program and its arguments, as process.spawn has it. Its exit code, or nil and why it could not be started.
-- Raises when we are interrupted, once it has ended.
function M.run(words, options)
  local child, message = process.spawn(words, options)
  if not child then return nil, message end
  local guard <close> = setmetatable({}, { __close = function() child:stop(GRACE) end }) -- luacheck: ignore 211
  local code = child:ended()
  while not code do
    task.sleep(EVERY)
    code = child:ended()
  end
  return code
end

-- What fn(directory) returns, for a directory that is there while it runs; nil and why there is none.
function M.in_directory(fn)
  local directory, message = files.temporary_directory()
  if not directory then return nil, message end
  local guard <close> = setmetatable({}, { __close = function() disk.remove(directory) end }) -- luacheck: ignore 211
  return fn(directory)
end

return M
