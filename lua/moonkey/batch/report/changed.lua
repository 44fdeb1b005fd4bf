-- What the run changed: how often each field, which modules, and the first rows in full.
local M = {}

local Changed = {}
Changed.__index = Changed

local MOST_ROWS, MOST_MODULES = 200, 200

function M.new()
  return setmetatable({ count = 0, fields = {}, modules = {}, known_modules = 0, other_modules = 0, rows = {} }, Changed)
end

local function as_set(list)
  local set = {}
  for _, id in ipairs(type(list) == "table" and list or {}) do set[id] = true end
  return set
end

-- What is in `a` and not in `b`, both lists, in order.
function M.missing(a, b)
  local there, list = as_set(b), {}
  for _, id in ipairs(type(a) == "table" and a or {}) do
    if not there[id] then list[#list + 1] = id end
  end
  return list
end

function Changed:module(id, what)
  local entry = self.modules[id]
  if not entry then
    if self.known_modules >= MOST_MODULES then
      self.other_modules = self.other_modules + 1
      return
    end
    entry = { id = id, added = 0, removed = 0 }
    self.modules[id], self.known_modules = entry, self.known_modules + 1
  end
  entry[what] = entry[what] + 1
end

function Changed:add(r)
  if not r.changes or #r.changes == 0 then return end
  self.count = self.count + 1
  for _, change in ipairs(r.changes) do
    self.fields[change.field] = (self.fields[change.field] or 0) + 1
    if change.field == "modules" then
      for _, id in ipairs(M.missing(change.to, change.from)) do self:module(id, "added") end
      for _, id in ipairs(M.missing(change.from, change.to)) do self:module(id, "removed") end
    end
  end
  if #self.rows < MOST_ROWS then
    self.rows[#self.rows + 1] = { row = r.row, line = r.line, id = r.id, changes = r.changes }
  end
end

local function sorted(map, make, before)
  local list = {}
  for key, value in pairs(map) do list[#list + 1] = make(key, value) end
  table.sort(list, before)
  return list
end

-- { count = rows that were changed, fields = { { field =, count = }, … }, modules = { { id =, added =, removed = }, … },
-- other_modules = changes of modules beyond those, rows = { { row =, line =, id =, changes = }, … } the first of them }
function Changed:finish()
  local fields = sorted(self.fields, function(field, count) return { field = field, count = count } end, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return a.field < b.field
  end)
  local modules = sorted(self.modules, function(_, entry) return entry end, function(a, b)
    local x, y = a.added + a.removed, b.added + b.removed
    if x ~= y then return x > y end
    return a.id < b.id
  end)
  return { count = self.count, fields = fields, modules = modules, other_modules = self.other_modules, rows = self.rows }
end

return M
