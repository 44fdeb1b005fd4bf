-- The emulator's store: accounts, modules and tokens in SQLite, one connection, one transaction for each batch of requests.
-- Functions raise when the database fails: whoever runs a batch rolls it back.
local catalog = require "moonkey.emulator.catalog"
local found = require "moonkey.emulator.found"
local lists = require "moonkey.emulator.lists"
local schema = require "moonkey.emulator.schema"
local values = require "moonkey.emulator.query_values"

local M = {}
local Store = {}
Store.__index = Store

for _, methods in ipairs({ catalog, lists }) do
  for name, method in pairs(methods) do
    Store[name] = method
  end
end

local COLUMNS = "id, name, description, icon, status, secret, last_access_at, account, revision, created_at, created_by,"
  .. " updated_at, updated_by, enabled_at, enabled_by, disabled_at, disabled_by, deleted_at, deleted_by, extensions"

local SELECT = "SELECT n, " .. COLUMNS .. ", (SELECT group_concat(module, ';') FROM"
  .. " (SELECT module FROM token_module WHERE token = n ORDER BY position)) FROM token "

local SELECT_ONE, SELECT_AT = SELECT .. "WHERE id = ?", SELECT .. "WHERE n = ?"

-- A token as a Lua table: the columns of the same names, and `modules` as "MOD-1;MOD-2".
local function record(n, id, name, description, icon, status, secret, last_access_at, account, revision, created_at,
    created_by, updated_at, updated_by, enabled_at, enabled_by, disabled_at, disabled_by, deleted_at, deleted_by, extensions,
    modules)
  return {
    n = n, id = id, name = name, description = description, icon = icon, status = status, secret = secret,
    last_access_at = last_access_at, account = account, revision = revision,
    created_at = created_at, created_by = created_by, updated_at = updated_at, updated_by = updated_by,
    enabled_at = enabled_at, enabled_by = enabled_by, disabled_at = disabled_at, disabled_by = disabled_by,
    deleted_at = deleted_at, deleted_by = deleted_by, extensions = extensions, modules = modules or "",
  }
end

-- The first column of every row that the store reads is never NULL, so nil with a message is an error, and nil alone is no row.
local function checked(first, second, ...)
  if first == nil and second then
    error("the emulator's store: " .. second, 0)
  end
  return first, second, ...
end

-- open(path or nil) -> store | nil, message. Without a path the store is in memory.
function M.open(path)
  local db, message = schema.open(path)
  if not db then
    return nil, message
  end
  return setmetatable({
    db = db, statements = {}, seen = {}, last_seen = {}, found = found.new(), principals = {}, secret_of = {},
    known_accounts = {}, known_modules = {},
  }, Store)
end

-- The prepared statement of `sql`, kept for the next time.
function Store:statement(sql)
  local statement = self.statements[sql]
  if not statement then
    statement = checked(self.db:prepare(sql))
    self.statements[sql] = statement
  end
  return statement
end

function Store:run(sql, ...)
  return checked(self:statement(sql):run(...))
end

function Store:row(sql, ...)
  return checked(self:statement(sql):row(...))
end

function Store:close()
  return checked(self.db:close())
end

-- ---- transactions ----

function Store:begin()
  self:run("BEGIN")
end

-- Write down when the credentials of the calls so far were used.
function Store:write_seen()
  for n, at in pairs(self.seen) do
    self:run("UPDATE token SET last_access_at = ? WHERE n = ?", at, n)
    self.found:touched(self.last_seen[n])
    self.seen[n], self.last_seen[n] = nil, at
  end
end

function Store:commit()
  self:write_seen()
  self:run("COMMIT")
end

function Store:rollback()
  self.seen, self.last_seen, self.principals, self.secret_of = {}, {}, {}, {}
  self.found:clear()
  self.db:exec("ROLLBACK") -- fails when SQLite has already rolled back, which is what is wanted
end

-- ---- credentials ----

-- Whoever calls with this secret: { n, id, name, account, type }, or nil. The secret must be that of an Active token.
function Store:principal(secret)
  local principal = self.principals[secret]
  if not principal then
    local n, id, name, account, type = self:row("SELECT n, t.id, t.name, account, type FROM token t"
      .. " JOIN account a ON a.id = account WHERE secret = ? AND t.status = 'Active' ORDER BY n LIMIT 1", secret)
    if not n then
      return nil
    end
    principal = { n = n, id = id, name = name, account = account, type = type }
    self.principals[secret], self.secret_of[id] = principal, secret
  end
  return principal
end

-- The token has changed: what is known of it as a caller, and of lists, no longer holds.
function Store:forget(id)
  self.found:clear()
  local secret = self.secret_of[id]
  if secret then
    self.principals[secret], self.secret_of[id] = nil, nil
  end
end

-- Note the time of a call; it is written once for each transaction.
function Store:touch(principal, at)
  self.seen[principal.n] = at
end

-- The secret that the emulator prints: of the first Active token of an Operations account, otherwise of the first Active token;
-- with `account_type`, of the first Active token of such an account, or nil.
function Store:credential(account_type)
  return (self:row("SELECT secret FROM token t JOIN account a ON a.id = account WHERE t.status = 'Active' AND secret <> ''"
    .. " AND (?1 IS NULL OR type = ?1) ORDER BY type = 'Operations' DESC, n LIMIT 1", account_type))
end

-- ---- tokens ----

function Store:count()
  return (self:row("SELECT count(*) FROM token"))
end

function Store:record(n, ...)
  if not n then
    return nil
  end
  local token = record(n, ...)
  token.last_access_at = self.seen[n] or token.last_access_at
  return token
end

-- The token, if `principal` may see it: Operations sees all, others what is their account's and not deleted.
function Store:token(id, principal)
  local token = self:record(self:row(SELECT_ONE, id))
  if token and (principal.type == "Operations" or token.account == principal.account and token.status ~= "Deleted") then
    return token
  end
end

function Store:token_at(n)
  return self:record(self:row(SELECT_AT, n))
end

-- A time as the store keeps it: in the platform's form, so that they can be compared. What is none stays as it is.
local function instant(text)
  return text and (values.timestamp(text) or text)
end

-- Add a token given as such a table, with `modules` as an array of ids.
function Store:add(token)
  self.found:clear()
  self:run("INSERT INTO token (" .. COLUMNS .. ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    token.id, token.name, token.description, token.icon, token.status, token.secret,
    instant(token.last_access_at), token.account, token.revision, instant(token.created_at), token.created_by,
    instant(token.updated_at), token.updated_by, instant(token.enabled_at), token.enabled_by, instant(token.disabled_at),
    token.disabled_by, instant(token.deleted_at), token.deleted_by, token.extensions)
  token.n = self.db:last_rowid()
  self:insert_modules(token.n, token.modules)
  token.modules = table.concat(token.modules, ";")
end

function Store:insert_modules(n, modules)
  for position, module in ipairs(modules) do
    self:run("INSERT INTO token_module (token, position, module) VALUES (?,?,?)", n, position, module)
  end
end

-- Write the name, description, icon and extensions of `token`, and `modules` (an array of ids) if given, as a change by `by`.
function Store:update(token, modules, at, by)
  token.revision, token.updated_at, token.updated_by = token.revision + 1, at, by
  self:run("UPDATE token SET name = ?, description = ?, icon = ?, extensions = ?, revision = ?, updated_at = ?, updated_by = ?"
    .. " WHERE n = ?", token.name, token.description, token.icon, token.extensions, token.revision, at, by, token.n)
  if modules then
    self:run("DELETE FROM token_module WHERE token = ?", token.n)
    self:insert_modules(token.n, modules)
    token.modules = table.concat(modules, ";")
  end
  self:forget(token.id)
end

-- Give the token another status; `event` is "enabled", "disabled" or "deleted".
function Store:set_status(token, status, event, at, by)
  token.status, token.revision, token[event .. "_at"], token[event .. "_by"] = status, token.revision + 1, at, by
  self:run(("UPDATE token SET status = ?, revision = ?, %s_at = ?, %s_by = ? WHERE n = ?"):format(event, event),
    status, token.revision, at, by, token.n)
  self:forget(token.id)
end

-- An id that no token has. TKN-0000-0000 is never one: clients use it as an id that does not exist.
function Store:free_id()
  local number = self.last_id or self:count()
  local id
  repeat
    number = number + 1
    id = ("TKN-%04d-%04d"):format(number // 10000 % 10000, number % 10000)
  until not self:row("SELECT n FROM token WHERE id = ?", id)
  self.last_id = number
  return id
end

return M
