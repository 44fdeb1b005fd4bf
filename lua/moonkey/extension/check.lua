--[[
Checks of the user's, moonkey.check.NAME, that a plan has to pass before it is applied:

  check(change, report)   is called with each row that changes something: { row =, line =, id =, changes = { { field =, from =,
                          to = }, … }, before = { field = value }, after = { field = value } }
  finish(report)          optional, once after the last: for what no row shows alone

report(message) says what is wrong; the row is told by moonkey.
]]
local extension = require "moonkey.extension"
local harmless = require "moonkey.harmless"
local json = require "moonkey.json"
local log = require "moonkey.log"
local planned = require "moonkey.batch.plan.row"
local stop = require "moonkey.cli.stop"
local summary = require "moonkey.batch.summary"

local M = {}

local MOST = 100 -- violations that are told one by one

local Checks = {}
Checks.__index = Checks

-- The checks with these names, each once; none: nil. Stops where one of them cannot be had: nothing is applied unchecked.
function M.open(names)
  local list, seen = {}, {}
  for _, name in ipairs(names) do
    if not seen[name] then
      seen[name] = true
      local module, message = extension.load("check", name)
      if not module then stop.with(2, message) end
      list[#list + 1] = { name = name, check = module.check, finish = module.finish }
    end
  end
  return #list > 0 and setmetatable({ list = list, found = {}, count = 0 }, Checks) or nil
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local own = {}
  for key, item in next, value do own[key] = copy(item) end
  return json.is_array(value) and json.array(own) or own
end

-- A change for others, who may do with it what they like: the plan stays as it is.
local function change_of(row)
  local change = { row = row.row, line = row.line, id = row.id, changes = {}, before = {}, after = {} }
  for i, item in ipairs(row.changes) do
    change.changes[i] = copy(item)
    change.before[item.field], change.after[item.field] = copy(item.from), copy(item.to)
  end
  return change
end

local function place_of(row)
  if not row then return "" end
  return harmless(row.id) .. (row.line and (" (line %d)"):format(row.line) or "") .. ": "
end

local function reporter(self, entry, row)
  return function(message)
    self.count = self.count + 1
    if self.count > MOST then return end
    self.found[self.count] = ("check '%s': %s%s"):format(entry.name, place_of(row),
      harmless(message == nil and "it is not permitted" or tostring(message)))
  end
end

local function call(entry, row, fn, ...)
  local ok, message = pcall(fn, ...)
  if ok then return end
  if stop.is(message) then error(message, 0) end
  stop.with(1, ("the check '%s' (%s) failed: %s%s; nothing was applied"):format(entry.name, extension.find("check", entry.name),
    place_of(row), tostring(message)))
end

-- A row of the plan (batch/plan/row.lua).
function Checks:add(row)
  if planned.kind(row) ~= "changed" then return end
  for _, entry in ipairs(self.list) do
    call(entry, row, entry.check, change_of(row), reporter(self, entry, row))
  end
end

-- All rows were there: tells what is wrong; nil where nothing is, otherwise the exit code.
function Checks:finish()
  for _, entry in ipairs(self.list) do
    if entry.finish then call(entry, nil, entry.finish, reporter(self, entry)) end
  end
  if self.count == 0 then return nil end
  for _, text in ipairs(self.found) do log.error("%s", text) end
  if self.count > MOST then log.error("… and %s more", summary.number(self.count - MOST)) end
  log.error("%s %s in the way: the plan does not pass its checks", summary.number(self.count),
    self.count == 1 and "violation stands" or "violations stand")
  return 5
end

return M
