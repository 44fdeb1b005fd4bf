-- What a job is given beside the row: { row =, line =, id =, state = what setup returned, run = the run's id, log = }.
local log = require "moonkey.log"

local M = {}

local LEVELS = { "debug", "info", "warn", "error" }

-- ctx.log.info("…"): as moonkey.log, with the row before each line.
local function log_of(ctx)
  local prefix = (ctx.id and ("row %d (%s): "):format(ctx.row, ctx.id) or ("row %d: "):format(ctx.row)):gsub("%%", "%%%%")
  local own = {}
  for _, level in ipairs(LEVELS) do
    own[level] = function(format, ...) return log[level](prefix .. format, ...) end
  end
  return own
end

local function is_recorded(ok, message)
  if ok then return true end
  return nil, { kind = "cancelled", title = "not sent: the journal cannot be written: " .. tostring(message) }
end

-- Returns make(row, line, id, hash): the context of a row. `journal`: its writer, or nil.
function M.maker(journal, state)
  local methods = { state = state, run = journal and journal.id }

  -- Park until the row's before-image is in the journal: [{ field, from, to }]. true, or nil, err. Once, before the write.
  function methods:intend(changes)
    if not journal then return true end
    self.intended = true
    return is_recorded(journal:record{ row = self.row, id = self.id, changes = changes })
  end

  -- The same, for a request that must not be repeated: "POST /path".
  function methods:record(intent)
    return is_recorded(journal:record{ row = self.row, line = self.line, id = self.id, hash = self.hash, intent = intent })
  end

  local class = {
    __index = function(ctx, key)
      if key ~= "log" then return methods[key] end
      local own = log_of(ctx)
      rawset(ctx, "log", own)
      return own
    end,
  }

  return function(row, line, id, hash)
    return setmetatable({ row = row, line = line, id = id, hash = hash }, class)
  end
end

return M
