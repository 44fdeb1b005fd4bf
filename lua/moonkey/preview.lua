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

-- A field's value as it is compared and shown: modules are their ids, whose order means nothing; absent is null.
local function plain(field, value)
  if field ~= "modules" then
    return value == nil and json.null or value
  end
  local list = json.array(ids(value))
  table.sort(list)
  return list
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

local function difference(tok, fields)
  local changes = json.array()
  for _, field in ipairs{ "name", "description", "icon", "modules" } do
    if fields[field] ~= nil then
      local from, to = plain(field, tok[field]), plain(field, fields[field])
      if json.encode(from) ~= json.encode(to) then changes[#changes + 1] = { field = field, from = from, to = to } end
    end
  end
  return changes
end

local function describe(changes)
  local parts = {}
  for i, c in ipairs(changes) do parts[i] = ("%s: %s -> %s"):format(c.field, json.encode(c.from), json.encode(c.to)) end
  return #parts > 0 and table.concat(parts, ", ") or "nothing would change"
end

-- As token.update: the token that it would return, and what would change, a list of { field =, from =, to = }; or nil, err.
function M.update(id, fields, opts)
  local tok, err = require("moonkey.token").get(id, opts)
  if not tok then return nil, err end
  local changes = difference(tok, fields)
  log.info("dry run: %s: %s", id, describe(changes))
  for field, value in pairs(fields) do merge(tok, field, value) end
  return tok, changes
end

return M
