--[[
What an update would do, under --dry-run: the token as it is now, with the fields laid over it. The difference goes to the log.

The host refuses every write under --dry-run by itself; this only makes the preview. The fields have been checked already.
]]
local json = require "moonkey.json"
local log = require "moonkey.log"

local M = {}

local function ids(modules)
  local list = {}
  for i, module in ipairs(modules or {}) do
    list[i] = type(module) == "table" and module.id or module
  end
  return list
end

-- The order of modules means nothing.
local function shown(field, value)
  if field == "modules" then
    local list = json.array(ids(value))
    table.sort(list)
    return json.encode(list)
  end
  return value == nil and "null" or json.encode(value)
end

-- The modules that are there already keep what is known of them; of the others there is the id.
local function merge_modules(old, new)
  local known, merged = {}, json.array()
  for _, module in ipairs(old or {}) do known[module.id] = module end
  for i, id in ipairs(ids(new)) do merged[i] = known[id] or { id = id } end
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

-- As token.update: the token that it would return, or nil, err.
function M.update(id, fields, opts)
  local tok, err = require("moonkey.token").get(id, opts)
  if not tok then return nil, err end
  local changes = {}
  for _, field in ipairs{ "name", "description", "icon", "modules" } do
    local value = fields[field]
    local before, after = shown(field, tok[field]), shown(field, value)
    if value ~= nil and before ~= after then changes[#changes + 1] = ("%s: %s -> %s"):format(field, before, after) end
    if value ~= nil then merge(tok, field, value) end
  end
  log.info("dry run: %s: %s", id, #changes > 0 and table.concat(changes, ", ") or "nothing would change")
  return tok
end

return M
