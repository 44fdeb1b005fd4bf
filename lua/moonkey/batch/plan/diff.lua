--[[
The difference between a token as it is and as it is to be: a list of { field =, from =, to = }, in one shape for previews,
plans, before-images and undo.

A value stands there as it is compared: text, or json.null for what is absent; modules are the sorted list of their ids, whose
order means nothing.
]]
local harmless = require "moonkey.harmless"
local json = require "moonkey.json"
local redact = require("moonkey.secret").redact

local M = {}

-- What an update may change, in the order in which it is sent and shown.
M.FIELDS = { "name", "description", "icon", "modules" }

local function module_ids(modules)
  local ids, seen = json.array(), {}
  for _, module in ipairs(type(modules) == "table" and modules or {}) do
    local id = type(module) == "table" and module.id or module
    if type(id) == "string" and not seen[id] then
      seen[id] = true
      ids[#ids + 1] = id
    end
  end
  table.sort(ids)
  return ids
end

-- A value of a token, or of a row, as it is compared.
function M.plain(field, value)
  if field == "modules" then return module_ids(value) end
  if value == nil then return json.null end
  return value
end

-- Of two plain values.
function M.equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  return json.encode(a) == json.encode(b)
end

-- A token with nothing but the plain values of its fields.
function M.state(tok)
  local state = {}
  for _, field in ipairs(M.FIELDS) do state[field] = M.plain(field, tok[field]) end
  return state
end

-- What writing `fields` would change of `tok`, a token or a state.
function M.changes(tok, fields)
  local changes = json.array()
  for _, field in ipairs(M.FIELDS) do
    if fields[field] ~= nil then
      local from, to = M.plain(field, tok[field]), M.plain(field, fields[field])
      if not M.equal(from, to) then changes[#changes + 1] = { field = field, from = from, to = to } end
    end
  end
  return changes
end

-- The fields of an update that makes these changes.
function M.fields(changes)
  local fields = {}
  for _, change in ipairs(changes) do fields[change.field] = change.to end
  return fields
end

-- The name of a field whose value holds what must not be kept in a file; nil for none.
function M.field_with_secret(changes)
  for _, change in ipairs(changes) do
    for _, value in ipairs{ change.from, change.to } do
      local text = type(value) == "table" and table.concat(value, " ") or tostring(value)
      if redact(text) ~= text then return change.field end
    end
  end
end

-- The ids of modules that are added and removed by a change.
local function moved_modules(change)
  local before, after, added, removed = {}, {}, {}, {}
  for _, id in ipairs(change.from) do before[id] = true end
  for _, id in ipairs(change.to) do
    after[id] = true
    if not before[id] then added[#added + 1] = id end
  end
  for _, id in ipairs(change.from) do
    if not after[id] then removed[#removed + 1] = id end
  end
  return added, removed
end

-- A plain value as people see it; safe on a terminal.
function M.shown(value)
  return harmless(redact(json.encode(value)))
end

local function unpainted(_, text)
  return text
end

-- 'name: "old" → "new"', 'modules: + MOD-9042, - MOD-1756'. paint("added" or "removed", text) returns the text in colour.
function M.describe(change, paint)
  paint = paint or unpainted
  if change.field ~= "modules" then
    return ("%s: %s → %s"):format(change.field, paint("removed", M.shown(change.from)), paint("added", M.shown(change.to)))
  end
  local added, removed = moved_modules(change)
  local parts = {}
  for _, id in ipairs(added) do parts[#parts + 1] = paint("added", "+ " .. harmless(redact(id))) end
  for _, id in ipairs(removed) do parts[#parts + 1] = paint("removed", "- " .. harmless(redact(id))) end
  return "modules: " .. table.concat(parts, ", ")
end

return M
