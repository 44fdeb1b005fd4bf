-- Jobs whose code is limited, or restricted: who pays for what they do, and what they are given.
local job = require "moonkey.batch.job"
local limits = require "moonkey.limits"

local M = {}

local LEAVING = setmetatable({}, { __close = limits.leave })

-- fn, as a part of the script rather than of a row.
function M.in_script(fn)
  return function(...)
    limits.script()
    local guard <close> = LEAVING -- luacheck: ignore 211
    return fn(...)
  end
end

-- What a restricted job may know of its row. The engine's own context keeps the books of the run.
local function public(ctx)
  return setmetatable({ row = ctx.row, line = ctx.line, id = ctx.id, state = ctx.state, run = ctx.run }, {
    __index = function(own, key)
      if key ~= "log" then return nil end
      local log = {}
      for level, write in pairs(ctx.log) do log[level] = write end
      rawset(own, "log", log)
      return log
    end,
    __metatable = false,
  })
end

-- The job of a restricted script, as the engine takes it; or nil, message. `value`: what its file returns.
function M.from(value, name)
  local made, message = job.from(value, name)
  if not made then return nil, message end
  local run = made.run
  return { custom = true, setup = made.setup, teardown = made.teardown,
    run = function(row, ctx) return run(row, public(ctx)) end }
end

-- With setup and teardown on the script's account.
function M.limited(made)
  local limited = {}
  for key, value in pairs(made) do limited[key] = value end
  limited.setup = made.setup and M.in_script(made.setup)
  limited.teardown = made.teardown and M.in_script(made.teardown)
  return limited
end

return M
