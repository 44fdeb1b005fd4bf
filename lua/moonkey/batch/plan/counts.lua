-- Counts the rows of a plan by what becomes of them (see plan/row.lua), and says it.
local planned = require "moonkey.batch.plan.row"
local summary = require "moonkey.batch.summary"

local M = {}

local Counts = {}
Counts.__index = Counts

function Counts:add(row)
  local kind = planned.kind(row)
  self.rows, self[kind] = self.rows + 1, self[kind] + 1
end

-- Rows that the plan cannot carry out.
function Counts:problems()
  return self.unknown + self.invalid + self.drift + self.failed
end

local TEXTS = {
  { "changed", "to change", "to change" }, { "unchanged", "unchanged", "unchanged" },
  { "unknown", "unknown id", "unknown ids" }, { "invalid", "invalid row", "invalid rows" },
  { "drift", "changed since", "changed since" },
  { "failed", "could not be read", "could not be read" },
}

-- "2 to change, 1 unchanged, 1 unknown id". What there is none of is left out, but for changes.
function Counts:text()
  local parts = {}
  for _, item in ipairs(TEXTS) do
    local count = self[item[1]]
    if count > 0 or item[1] == "changed" then
      parts[#parts + 1] = ("%s %s"):format(summary.number(count), count == 1 and item[2] or item[3])
    end
  end
  return table.concat(parts, ", ")
end

function M.new()
  local self = { rows = 0 }
  for _, kind in ipairs(planned.KINDS) do self[kind] = 0 end
  return setmetatable(self, Counts)
end

return M
