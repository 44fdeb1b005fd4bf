--[[
What an update would do, under --dry-run: the token as it is now, with the fields laid over it. The difference goes to the log.

The host refuses every write under --dry-run by itself; this only makes the preview. The fields have been checked already.
]]
local diff = require "moonkey.batch.plan.diff"
local json = require "moonkey.json"
local log = require "moonkey.log"

local M = {}

-- The modules that are there already keep what is known of them; of the others there is the id.
local function merge_modules(old, new)
  local known, merged = {}, json.array()
  for _, module in ipairs(old or {}) do
    if type(module) == "table" then known[module.id] = module end
  end
  for i, module in ipairs(new) do
    local id = type(module) == "table" and module.id or module
    merged[i] = known[id] or { id = id }
  end
  return merged
end

local function merge(tok, field, value)
  if field == "modules" then
    tok.modules = merge_modules(tok.modules, value)
  elseif value == json.null then
    tok[field] = nil
  else
    tok[field] = value
  end
end

-- Say what would change, and lay the fields over the token.
function M.apply(tok, fields, changes)
  local parts = {}
  for i, change in ipairs(changes) do parts[i] = diff.describe(change) end
  log.info("dry run: %s: %s", tok.id, #parts > 0 and table.concat(parts, ", ") or "nothing would change")
  for field, value in pairs(fields) do merge(tok, field, value) end
end

-- As token.update: the token that it would return, and what would change, a list of { field =, from =, to = }; or nil, err.
function M.update(id, fields, opts)
  local limits = opts and { max_time = opts.max_time, retry = opts.retry } -- not what only an update knows
  local tok, err = require("moonkey.token").get(id, limits)
  if not tok then return nil, err end
  local changes = diff.changes(tok, fields)
  M.apply(tok, fields, changes)
  return tok, changes
end

return M
