--[[
The lines of earlier sessions, in a file that only its owner can read. It has at most M.MOST lines, and none that holds a
secret.
]]
local files = require "moonkey.files"
local place = require "moonkey.batch.journal.place"
local redact = require("moonkey.secret").redact
local sys = require "moonkey.sys"

local M = {}

M.MOST = 1000
local LONGEST = 4000 -- bytes of a line that is kept
local OWNER_ONLY = 6 * 8 * 8

local History = {}
History.__index = History

-- A line that had better not be kept: one with a secret, or that makes one.
local function is_secret(line)
  return redact(line) ~= line or line:lower():find("idt:", 1, true) or line:find("secret[\"']?%)?%s*%.%s*new")
end

local function read_lines(path)
  local file, message = io.open(path, "r")
  if not file then return nil, message end
  local lines = {}
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  return lines
end

-- The last lines of the file, in a new one that takes its place.
local function rewrite(path, lines)
  local draft = ("%s.%d"):format(path, sys.getpid())
  os.remove(draft) -- of a process that had our number and was killed
  local from = math.max(1, #lines - M.MOST + 1)
  local text = table.concat(lines, "\n", from) .. "\n"
  local file, message = files.create(draft, #text)
  if not file then return nil, message end
  local ok
  ok, message = file:write(text)
  file:close()
  if ok then ok, message = os.rename(draft, path) end
  if not ok then os.remove(draft) end
  return ok, message
end

local function prepare(path)
  local ok, message = files.make_directories(path:match("^(.*)/"))
  if not ok then return nil, message end
  ok, message = files.claim(path, "")
  if ok == nil then return nil, message end
  local lines
  lines, message = read_lines(path)
  if lines and (#lines > M.MOST or sys.file_mode(path) ~= OWNER_ONLY) then ok, message = rewrite(path, lines) end
  if not lines or ok == nil then return nil, message end
  return table.move(lines, math.max(1, #lines - M.MOST + 1), #lines, 1, {})
end

-- { lines = } of earlier sessions; and a message where they cannot be kept.
function M.open()
  local state, message = place.state()
  local path = state and state .. "/repl_history"
  local lines
  if path then lines, message = prepare(path) end
  local file = lines and io.open(path, "a") -- a restricted session cannot open it any more
  return setmetatable({ path = lines and path, file = file, lines = lines or {} }, History), not lines and message or nil
end

-- Keep a line, unless it is empty, the same as the last one, or secret. Returns whether it may be recalled in this session.
function History:add(line)
  if not line:find("%S") or is_secret(line) then return false end
  if line == self.lines[#self.lines] then return true end
  self.lines[#self.lines + 1] = line
  if self.path and #line <= LONGEST and utf8.len(line) then self:append(line) end
  return true
end

function History:append(line)
  local file = io.open(self.path, "a")
  local target = file or self.file
  if not target then return end
  target:write(line, "\n")
  target:flush()
  if file then file:close() end
  if #self.lines <= M.MOST then return end
  table.remove(self.lines, 1)
  local all = read_lines(self.path) -- with what other sessions have added
  if all and #all > M.MOST then rewrite(self.path, all) end
end

return M
