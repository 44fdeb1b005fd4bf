--[[
What a write would do, under --dry-run: each function is called in place of the one of moonkey.token with its name, says in the
log what would be done, and returns what that one would.

The host refuses every write under --dry-run by itself; this only makes the preview. The arguments have been checked already.
]]
local core = require "moonkey.token.core"
local diff = require "moonkey.batch.plan.diff"
local errors = require "moonkey.errors"
local json = require "moonkey.json"
local log = require "moonkey.log"

local M = {}

-- The token as it is. opts may have what only an update knows.
local function read(id, opts)
  return core.get(id, opts and { max_time = opts.max_time, retry = opts.retry })
end

-- nil and the error that the platform would answer with.
local function refused(method, id, action, status, detail)
  return nil, errors.new{ kind = "api", status = status, title = errors.reason(status), method = method,
    path = ("/public/v1/accounts/api-tokens/%s%s"):format(id, action), detail = "dry run: " .. detail }
end

local GONE = "the token has been deleted, for good"

-- ---- update ----

-- The modules that are there already keep what is known of them; of the others there is the id.
local function merge_modules(old, new)
  local known, merged = {}, json.array()
  for _, module in ipairs(old or {}) do
    if type(module) == "table" then known[module.id] = module end
  end
  for i, module in ipairs(new) do
    local id = type(module) == "table" and module.id or module
    merged[i] = known[id] or { id = id }
  end
  return merged
end

local function merge(tok, field, value)
  if field == "modules" then
    tok.modules = merge_modules(tok.modules, value)
  elseif value == json.null then
    tok[field] = nil
  else
    tok[field] = value
  end
end

-- Say what would change, and lay the fields over the token.
function M.apply(tok, fields, changes)
  local parts = {}
  for i, change in ipairs(changes) do parts[i] = diff.describe(change) end
  log.info("dry run: %s: %s", tok.id, #parts > 0 and table.concat(parts, ", ") or "nothing would change")
  for field, value in pairs(fields) do merge(tok, field, value) end
end

-- The token that it would return, and what would change, a list of { field =, from =, to = }; or nil, err.
function M.update(id, fields, opts)
  local tok, err = read(id, opts)
  if not tok then return nil, err end
  local changes = diff.changes(tok, fields)
  M.apply(tok, fields, changes)
  return tok, changes
end

-- ---- create ----

-- The token that it would return, without what only the platform makes: its id, its secret, its audit.
function M.create(fields)
  local tok = { status = "Active" }
  local account = type(fields.account) == "table" and fields.account.id or fields.account
  for _, field in ipairs(diff.FIELDS) do
    if fields[field] ~= nil then merge(tok, field, fields[field]) end
  end
  tok.account, tok.modules = account and { id = account }, tok.modules or json.array()
  local parts = {}
  if account then parts[1] = "account: " .. diff.shown(account) end
  for _, field in ipairs(diff.FIELDS) do
    if fields[field] ~= nil then parts[#parts + 1] = field .. ": " .. diff.shown(diff.plain(field, fields[field])) end
  end
  log.info("dry run: would create a token: %s", table.concat(parts, ", "))
  return tok
end

-- ---- status ----

local function switch(action, to)
  return function(id, opts)
    local tok, err = read(id, opts)
    if not tok then return nil, err end
    if tok.status == "Deleted" then return refused("POST", tok.id, action, 404, GONE) end
    if tok.status == to then
      return refused("POST", tok.id, action, 400, ("the token is %s already, which the platform refuses"):format(to))
    end
    log.info("dry run: %s: status: %s → %s", tok.id, diff.shown(tok.status), diff.shown(to))
    tok.status = to
    return tok
  end
end

M.enable = switch("/enable", "Active")
M.disable = switch("/disable", "Disabled")

function M.delete(id, opts)
  local tok, err = read(id, opts)
  if not tok then return nil, err end
  if tok.status == "Deleted" then return refused("DELETE", tok.id, "", 404, GONE) end
  log.info("dry run: %s: would be deleted, for good: %s", tok.id, diff.shown(tok.name))
  return true
end

return M
