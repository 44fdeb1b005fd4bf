--[[
token.edit: read a token, let a function change a copy of it, and write what differs and nothing else.

No ETag exists (api-contract, section 7): just before the write the token is read again, and where somebody has changed it
meanwhile, nothing is written. What is left is the time between that reading and the write.
]]
local core = require "moonkey.token.core"
local diff = require "moonkey.batch.plan.diff"
local errors = require "moonkey.errors"
local json = require "moonkey.json"

local M = {}

-- A copy down to its last table; arrays stay arrays, and secrets, which nobody can change, are the same objects.
local function copy(value)
  if type(value) ~= "table" then return value end
  local new = json.is_array(value) and json.array() or {}
  for key, item in next, value do new[key] = copy(item) end
  return new
end

local function same(a, b)
  if a == json.null then a = nil end
  if b == json.null then b = nil end
  if type(a) ~= "table" or type(b) ~= "table" then return rawequal(a, b) or type(a) == "number" and a == b end
  for key, item in next, a do
    if not same(item, b[key]) then return false end
  end
  for key, item in next, b do
    if item ~= json.null and a[key] == nil then return false end
  end
  return true
end

-- What an update would have to name to make `wanted` of `tok`: also what it may not name, which is for the host to refuse.
local function named_fields(tok, wanted)
  local fields = {}
  for _, t in ipairs{ tok, wanted } do
    for name in next, t do
      if not same(tok[name], wanted[name]) then
        fields[name] = wanted[name] == nil and json.null or wanted[name]
      end
    end
  end
  return fields
end

-- The fields to write and the changes that they make; nil and what is wrong with `wanted`.
local function changed_fields(tok, wanted)
  local named = named_fields(tok, wanted)
  if next(named) == nil then return named, {} end
  local ok, message = pcall(core.check_fields, named)
  if not ok then return nil, message end
  local changes = diff.changes(tok, named)
  return diff.fields(changes), changes
end

-- What fn makes of a copy of the token; nil and what is wrong with it.
local function wanted_by(fn, tok)
  local new = copy(tok)
  local returned = fn(new)
  if returned == nil then return new end
  if type(returned) ~= "table" then
    return nil, ("fn may return the token that is wanted, or nothing; it returned a %s"):format(type(returned))
  elseif returned.id == nil then
    return nil, "fn returned a table that is no whole token: change the one that it is given, or return that"
  end
  return returned
end

local function updated_at(tok)
  local audit = type(tok.audit) == "table" and tok.audit or {}
  return type(audit.updated) == "table" and audit.updated.at or json.null
end

-- What somebody else has done between two readings of a token, as text; nil for nothing.
local function drift(before, now)
  local parts = {}
  for i, change in ipairs(diff.changes(before, diff.state(now))) do parts[i] = diff.describe(change) end
  if #parts > 0 then return table.concat(parts, ", ") end
  local function moved(name, from, to)
    if not same(from, to) then return ("%s: %s → %s"):format(name, diff.shown(from), diff.shown(to)) end
  end
  return moved("revision", before.revision or json.null, now.revision or json.null)
    or moved("audit.updated.at", updated_at(before), updated_at(now))
end

local function drifted(tok, what)
  return nil, errors.new{ kind = "drift", title = "changed since it was read", detail = what, method = "PUT",
    path = "/public/v1/accounts/api-tokens/" .. tok.id }
end

-- The token as it is now, and whether it was changed; or nil, err. What fn raises goes through.
-- The host has checked the arguments, and stands between this and the caller.
function M.edit(id, fn, opts)
  local tok, err = core.get(id, opts)
  if not tok then return nil, err end
  local wanted, wrong = wanted_by(fn, tok)
  if not wanted then error("token.edit: " .. wrong, 3) end
  local fields, changes = changed_fields(tok, wanted)
  if not fields then error("token.edit: " .. changes, 3) end
  if #changes == 0 then return tok, false end
  local now
  now, err = core.get(id, opts)
  if not now then return nil, err end
  local what = drift(tok, now)
  if what then return drifted(tok, what) end
  tok, err = core.update(id, fields, opts)
  if not tok then return nil, err end
  return tok, true
end

return M
