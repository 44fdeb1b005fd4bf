--[[
Makes the rows of a plan from those of an input: each is checked, and compared with the token that it names. Of two rows with
one id, the second is compared with what the first leaves behind.

Rows are read a window at a time: as many as can be compared at once, and no more in memory than that.
]]
local default_job = require "moonkey.batch.default_job"
local diff = require "moonkey.batch.plan.diff"
local planned = require "moonkey.batch.plan.row"
local redact = require("moonkey.secret").redact

local M = {}

local WINDOW, BYTES = 1000, 4 << 20 -- rows, and about how much of the input

local function with_problem(entry, kind, title, detail, status)
  return planned.new{ row = entry.row, line = entry.line, id = entry.id,
    problem = { kind = kind, status = status, title = redact(title), detail = detail and redact(detail) } }
end

-- A row of the input as { row =, line =, id =, and fields = or bad = the planned row that says what is wrong with it }.
local function entry_of(number, line, row, message)
  local entry = { row = number, line = line }
  if not row then
    entry.bad = with_problem(entry, "row", "unreadable row", message)
    return entry
  end
  local title, detail = default_job.check(row)
  local id = row.id
  if type(id) == "string" then
    entry.id = redact(id)
    if entry.id ~= id then title, detail = "wrong value", "the id is a credential; it has been sent nowhere" end
  end
  if title then entry.bad = with_problem(entry, "row", title, detail) end
  row.id = nil
  entry.fields = row
  return entry
end

-- The next rows of the source, with whether they are the last ones, and why if there should be more; and their ids.
local function read_window(source)
  local window, ids, seen = {}, {}, {}
  local from = source:progress() or 0
  while #window < WINDOW and (source:progress() or 0) - from < BYTES do
    local row, line, message = source:next()
    if row == nil then
      window.last, window.unusable = true, message and { line = line, message = message }
      break
    end
    local entry = entry_of(source.count, line, row, message)
    window[#window + 1] = entry
    if not entry.bad and not seen[entry.id] then
      seen[entry.id] = true
      ids[#ids + 1] = entry.id
    end
  end
  return window, ids
end

local function compare(entry, held)
  if entry.bad then return entry.bad end
  local state = held:get(entry.id)
  local problem = state.problem
  if problem then return with_problem(entry, problem.kind, problem.title, problem.detail, problem.status) end
  local changes = diff.changes(state, entry.fields)
  if #changes > 0 then
    for _, change in ipairs(changes) do state[change.field] = change.to end
    held:put(entry.id, state)
  end
  return planned.new{ row = entry.row, line = entry.line, id = entry.id, changes = changes }
end

--[[
emit(row) is called with each row of the plan, in the order of the input. `tokens`: see plan/tokens.lua. Returns how it ended:
{ stopped = nil or the reason (see Tokens.stopped), unusable = nil or { line =, message = } }.
]]
function M.run(source, tokens, emit)
  while true do
    local window, ids = read_window(source)
    local ok, reason = tokens:read(ids)
    if not ok then return { stopped = reason } end
    tokens.held:together(function()
      for _, entry in ipairs(window) do emit(compare(entry, tokens.held)) end
    end)
    if window.last then return { unusable = window.unusable } end
  end
end

return M
