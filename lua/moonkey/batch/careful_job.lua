--[[
A job that looks before it writes: it reads the token, compares, has the before-image recorded, and only then sends the update.

For a row of a plan: what the plan was made from must still be so; a token that somebody has changed since is a failure
("drift"), not overwritten. One that has the planned values already is skipped. Of any other row: the fields are those of
token.update.
]]
local core = require "moonkey.token.core"
local default_job = require "moonkey.batch.default_job"
local diff = require "moonkey.batch.plan.diff"
local http = require "moonkey.http"
local planned = require "moonkey.batch.plan.row"
local preview = require "moonkey.preview"
local token = require "moonkey.token"

local M = {}

local OPTIONS = { reply = false } -- the result of a row has no place for the token

local function failure(kind, title, detail, status)
  return { kind = kind, title = title, detail = detail, status = status }
end

-- Where the token is neither as it was nor as it is to be. nil when it is.
local function drift(tok, changes)
  local parts = {}
  for _, change in ipairs(changes) do
    local now = diff.plain(change.field, tok[change.field])
    if not diff.equal(now, change.from) and not diff.equal(now, change.to) then
      parts[#parts + 1] = ("%s: planned from %s, is %s"):format(change.field, diff.shown(change.from), diff.shown(now))
    end
  end
  if #parts > 0 then return failure("drift", "changed since the plan was made", table.concat(parts, "; ")) end
end

-- Under --dry-run nothing is written, so that of two rows with one id the second would find what the first should have changed.
local function lay_over(tok, fields)
  for field, value in pairs(fields or {}) do tok[field] = value end
end

-- The token as it is, or under --dry-run would be by now; nil, err. `previews`: id → the fields that it would have.
local function look_at(id, previews)
  local tok, err = token.get(id)
  if tok then lay_over(tok, previews[id]) end
  return tok, err
end

local function preview_of(tok, fields, changes, previews)
  previews[tok.id] = previews[tok.id] or {}
  lay_over(previews[tok.id], fields)
  preview.apply(tok, fields, changes)
  return tok, changes
end

-- nil where what is to change may stand in a journal.
local function unrecordable(changes)
  local field = diff.field_with_secret(changes)
  return field and failure("row", "not recorded", ("the %s has a credential in it, before or after; no file may hold that, so "
    .. "that the change could not be undone: make it without a plan and without --undoable"):format(field))
end

-- Send the fields, which make these changes, or under --dry-run show that; `keep`: what was there before is recorded first.
-- token.update's results, with the changes behind the token.
local function write(tok, fields, changes, ctx, keep, previews)
  local why_not = keep and unrecordable(changes)
  if why_not then return nil, why_not end
  if http.dry_run() then
    if not core.locks_out(tok.id, fields) then return preview_of(tok, fields, changes, previews) end
  elseif keep and #changes > 0 then
    local recorded, err = ctx:intend(changes)
    if not recorded then return nil, err end
  end
  local updated, err = token.update(tok.id, fields, OPTIONS) -- refused, under --dry-run as without
  if not updated then return nil, err end
  return updated, changes
end

local function run_planned(row, ctx, force, previews)
  local problem = row.problem
  if problem then return nil, failure(problem.kind, problem.title, problem.detail, problem.status) end
  if #row.changes == 0 then return "skipped" end
  local tok, err = look_at(row.id, previews)
  if not tok then return nil, err end
  local drifted = not force and drift(tok, row.changes)
  if drifted then return nil, drifted end
  local changes = diff.changes(tok, diff.fields(row.changes))
  if #changes == 0 then return "skipped" end
  return write(tok, diff.fields(changes), changes, ctx, true, previews)
end

local function run_plain(row, ctx, options, previews)
  local id = row.id
  row.id = nil
  local tok, err = look_at(id, previews)
  if not tok then return nil, err end
  local changes = diff.changes(tok, row)
  if options.skip_unchanged and #changes == 0 then return "skipped" end
  return write(tok, row, changes, ctx, options.undoable, previews)
end

-- M.new{ skip_unchanged = equal rows are not written, undoable = the before-image is recorded before each write (for rows of a
-- plan it always is), force = a plan's row is written also where the token was changed since }
function M.new(options)
  local previews = {}
  return {
    check = function(row)
      if not planned.is(row) then return default_job.check(row) end
    end,
    run = function(row, ctx)
      if planned.is(row) then return run_planned(row, ctx, options.force, previews) end
      return run_plain(row, ctx, options, previews)
    end,
    custom = false,
  }
end

return M
