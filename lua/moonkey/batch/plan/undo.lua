--[[
Makes the rows of a plan that takes a run back, from the before-images in its journal and the tokens as they are now. There is
one row a token, however often the run changed it.

Per field, the run's changes are walked from the last to the first: where the token has what a change wrote, the change is taken
back; where it has what was there before, the change was never made, or is undone already. Where it has something else, somebody
has changed it since, and the whole token is left alone.
]]
local diff = require "moonkey.batch.plan.diff"
local planned = require "moonkey.batch.plan.row"

local M = {}

local WINDOW = 1000 -- changed rows that are looked at together

-- One step back: `walk` is of one field, { now =, target = what undoing leads to so far, wrote = what should be there }.
local function step(walk, change)
  if walk.ended then return end
  if walk.wrote == nil and diff.equal(walk.target, change.to) then
    walk.target = change.from
  elseif diff.equal(walk.target, change.from) then
    walk.wrote = nil
  elseif diff.equal(walk.target, walk.now) then
    walk.wrote = walk.wrote or change.to
  else -- what was there before the later changes is not this run's
    walk.ended = true
  end
end

local function walk_back(held, row, id, changes)
  local token = held:get(id)
  if not token.problem then
    token.walks = token.walks or {}
    for _, change in ipairs(changes) do
      local field = change.field
      local walk = token.walks[field] or { now = token[field], target = token[field] }
      step(walk, change)
      token.walks[field] = walk
    end
  end
  held:put(id, token, -row) -- rows come last first
end

-- The row for a token that the run has changed, or may have.
local function row_of(number, id, token)
  local row = planned.new{ row = number, id = id, problem = token.problem }
  if token.problem then return row end
  local parts, changes = {}, {}
  for _, field in ipairs(diff.FIELDS) do
    local walk = token.walks[field]
    if walk and walk.wrote ~= nil then
      parts[#parts + 1] = ("%s: the run wrote %s, is %s"):format(field, diff.shown(walk.wrote), diff.shown(walk.now))
    elseif walk and not diff.equal(walk.now, walk.target) then
      changes[#changes + 1] = { field = field, from = walk.now, to = walk.target }
    end
  end
  if #parts > 0 then
    row.problem = { kind = "drift", title = "changed since the run, left alone", detail = table.concat(parts, "; ") }
    return row
  end
  return planned.new{ row = number, id = id, changes = changes }
end

-- The next changed rows: a list of { row =, id =, changes = }, and their ids.
local function read_window(next_change)
  local window, ids, seen = {}, {}, {}
  while #window < WINDOW do
    local row, id, _, changes = next_change()
    if not row then break end
    window[#window + 1] = { row = row, id = id, changes = changes }
    if not seen[id] then
      seen[id] = true
      ids[#ids + 1] = id
    end
  end
  return window, ids
end

-- emit(row) is called with each row of the plan: the token that was changed last comes first. `tokens`: see plan/tokens.lua.
-- Returns nil, or the reason why it had to stop.
function M.run(journal, tokens, emit)
  local next_change <const> = journal:changes()
  repeat
    local window, ids = read_window(next_change)
    local ok, reason = tokens:read(ids)
    if not ok then return reason end
    tokens.held:together(function()
      for _, change in ipairs(window) do walk_back(tokens.held, change.row, change.id, change.changes) end
    end)
  until #window < WINDOW
  local number = 0
  for id, token in tokens.held:ranked() do
    number = number + 1
    emit(row_of(number, id, token))
  end
end

return M
