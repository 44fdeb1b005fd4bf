--[[
A coordinator comes to a run that an earlier session has begun: chunks may be with the workers still, and reports may wait that
nobody has read. Their rows are on their way, and are not given out again.
]]
local chunks = require "moonkey.queue.chunk"
local comparing = require "moonkey.queue.coordinator.comparing"
local keys = require "moonkey.queue.keys"
local log = require "moonkey.log"
local reports = require "moonkey.queue.coordinator.reports"
local windows = require "moonkey.queue.coordinator.window"

local M = {}

local function adopt(self, id, items)
  local session, wanted = windows.parts(id), {}
  for _, item in ipairs(items) do
    if not self.taken[item.row] and self.over:is_wanted(item.row, session) then
      self.taken[item.row] = true
      item.intent = self.over:intent_of(item.row)
      wanted[#wanted + 1] = item
    end
  end
  if #wanted > 0 then self.window:adopt(id, wanted) end
end

-- The items of a chunk that is there; an empty list where it is not there any more, or cannot be read. nil, err.
local function items_of(self, id)
  local found, err = self.conn:call("XRANGE", keys.of(self.run, "chunks"), id, id)
  if not found then return nil, err end
  if not found[1] then return {} end
  local items, problem = chunks.decode_rows(found[1][2][2])
  if not items then
    log.warn("queue: chunk %s cannot be read, and its rows are given out anew: %s", id, problem)
    return {}
  end
  for _, item in ipairs(items) do
    item.text = chunks.encode_row(item)
    item.data = nil
  end
  return items
end

local function adopt_chunks(self, ids)
  local list = {}
  for id in pairs(ids) do
    if windows.parts(id) and not self.over:is_over(id) then list[#list + 1] = id end
  end
  table.sort(list, windows.is_before)
  for _, id in ipairs(list) do
    local items, err = items_of(self, id)
    if not items then return nil, err end
    adopt(self, id, items)
  end
  return true
end

-- A chunk of which only the report is left. Rows that were handed back are read from the input again.
local function adopt_report(self, entry)
  local id = entry.chunk
  if entry.kind ~= "rows" or self.window.out[id] or not windows.parts(id) or self.over:is_over(id) then return end
  local report = chunks.decode_report(entry.body)
  local items = {}
  for _, r in ipairs(report and report.results or {}) do
    if r.outcome ~= "pending" then items[#items + 1] = { row = r.row, line = r.line, id = r.id, hash = r.hash } end
  end
  adopt(self, id, items)
end

local function adopt_all(self, ids)
  local ok, err = adopt_chunks(self, ids)
  if not ok then return nil, err end
  return reports.read_all(self, function(entries)
    for _, entry in ipairs(entries) do adopt_report(self, entry) end
  end)
end

local function tell(self)
  if self.window.count == 0 then return end
  log.info("queue: %d rows that were given out before are on their way still, or done", self.window.open)
end

-- Takes over what there is; false where the server has nothing of the run. nil, err.
function M.run(self)
  local ids, top = comparing.list(self)
  if not ids then return nil, top end
  if not top then return false end
  self.window.session = math.max(self.window.session, windows.parts(top) + 1)
  local ok, err = adopt_all(self, ids)
  if not ok then return nil, err or self.err end -- what was read told itself
  tell(self)
  return true
end

return M
