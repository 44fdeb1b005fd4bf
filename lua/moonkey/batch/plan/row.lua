--[[
Rows of a plan: { row =, line =, id = } and either changes = { { field =, from =, to = }, … }, or for what cannot be done
problem = { kind =, title =, detail =, status = }.

They carry a mark, so that a row of somebody's input file is never taken for one, whatever it says.
]]
local harmless = require "moonkey.harmless"
local json = require "moonkey.json"
local redact = require("moonkey.secret").redact

local M = {}

local Row = { __name = "moonkey.plan.row" }

local ORDER = { order = { "row", "line", "id", "changes", "problem" } }
local LONGEST = 1 << 20 -- bytes of JSON, because moonkey.rows reads no longer row

function M.new(fields)
  if fields.changes then fields.changes = json.array(fields.changes) end
  return setmetatable(fields, Row)
end

function M.is(value)
  return getmetatable(value) == Row
end

local function instead_of(row, title, detail)
  return M.new{ row = row.row, line = row.line, id = row.id, problem = { kind = "row", title = title, detail = detail } }
end

-- The row as one line of JSON that can be shown, and the row; or one that says why that cannot be.
function M.encode(row)
  local text = harmless(json.encode(row, ORDER))
  if #text >= LONGEST then
    row = instead_of(row, "too long", "the old and the new values together are too long for a plan")
  elseif redact(text) ~= text then
    row = instead_of(row, "not planned", "it has a credential in it, which no plan may hold: change this token without one")
    row.id = row.id and redact(row.id)
  else
    return text, row
  end
  return harmless(json.encode(row, ORDER)), row
end

-- "changed", "unchanged", or what is in the way: "unknown" (no such token), "invalid" (the row is wrong), "drift" (the token
-- was changed since), "failed" (it could not be read).
function M.kind(row)
  local problem = row.problem
  if not problem then return #row.changes > 0 and "changed" or "unchanged" end
  if problem.status == 404 then return "unknown" end
  if problem.kind == "row" then return "invalid" end
  return problem.kind == "drift" and "drift" or "failed"
end

M.KINDS = { "changed", "unchanged", "unknown", "invalid", "drift", "failed" }

return M
