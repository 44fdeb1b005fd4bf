--[[
A journal that could be opened, and turns out to be damaged further on, is nobody's mistake: what is raised then says so as
text, and the command line ends with it instead of a traceback.
]]
local schema = require "moonkey.batch.journal.schema"

local M = {}

local Damage = {}
Damage.__tostring = function(self) return self.message end

function M.is(err)
  return getmetatable(err) == Damage
end

local function explained(err)
  local text = tostring(err):gsub("^.-cannot read the next row: ", "")
  return schema.explain(text, text:find("malformed", 1, true) and "notadb" or nil)
end

local function passed_on(path, ok, ...)
  if ok then return ... end
  local err = ...
  if M.is(err) or err == "not enough memory" then error(err, 0) end
  error(setmetatable({ message = ("cannot read the journal %s: %s"):format(path, explained(err)) }, Damage), 0)
end

-- fn(…), which reads the journal at `path`.
function M.told(path, fn, ...)
  return passed_on(path, pcall(fn, ...))
end

return M
