-- Counts results, and groups failures by their cause, in memory that does not grow with the number of rows.
local M = {}

local Tally = {}
Tally.__index = Tally

local MAX_CAUSES = 100 -- further ones are counted together
local MAX_EXAMPLES = 5

local function first_field_error(r)
  local e = type(r.errors) == "table" and r.errors[1]
  if type(e) ~= "table" then return "" end
  return (e.field and e.field .. ": " or "") .. (e.message or "")
end

-- Details of bad rows name fields, and say where in the row: what differs in numbers only has one cause.
function Tally:cause_of(r)
  local reason = r.kind == "row" and r.detail or first_field_error(r)
  local key = table.concat({ r.outcome, r.kind or "", r.status or "", r.title or "", (reason:gsub("%d+", "0")) }, "\0")
  local cause = self.by_key[key]
  if cause then return cause end
  if #self.causes >= MAX_CAUSES then
    key = "others"
    if self.by_key[key] then return self.by_key[key] end
    cause = { title = "other causes" }
  else
    cause = { outcome = r.outcome, kind = r.kind, status = r.status, title = r.title }
    cause.reason = reason ~= "" and reason or r.detail
  end
  cause.count, cause.examples = 0, {}
  self.by_key[key] = cause
  self.causes[#self.causes + 1] = cause
  return cause
end

function Tally:add(r)
  self[r.outcome] = self[r.outcome] + 1
  if r.outcome == "done" or r.outcome == "skipped" or (r.outcome == "pending" and not r.kind) then return end
  if r.outcome == "pending" and (r.kind == "cancelled" or r.kind == "refused") then -- a consequence, and no cause of its own
    self.not_sent = self.not_sent or r.title
    return
  end
  local cause = self:cause_of(r)
  cause.count = cause.count + 1
  if #cause.examples < MAX_EXAMPLES then
    cause.examples[#cause.examples + 1] = { row = r.row, line = r.line, id = r.id }
  end
end

-- Rows that are dealt with, whatever came of them.
function Tally:settled()
  return self.done + self.failed + self.unknown + self.skipped
end

-- { done =, failed =, unknown =, skipped =, pending =, causes = list of { count =, outcome =, kind =, status =, title =,
-- reason =, examples = list of { row =, line =, id = } }, not_sent = what the first row that was not sent any more was told }
function M.new()
  return setmetatable({ done = 0, failed = 0, unknown = 0, skipped = 0, pending = 0, causes = {}, by_key = {} }, Tally)
end

return M
