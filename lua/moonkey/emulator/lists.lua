-- Pages of tokens and of modules: methods that store.lua takes over. A page is what query.lua makes of a query string.
local MOST_KEYS = require("moonkey.emulator.found").MOST_KEYS

local M = {}

local KEPT = 64 -- statements of queries; beyond that, all are dropped

local function failed(message)
  error("the emulator's store: " .. message, 0)
end

-- The prepared statement of a query. Queries are as many as people think of, so only some are kept.
local function statement(store, sql)
  local kept = store.queries
  if not kept or kept.count >= KEPT and not kept[sql] then
    kept = { count = 0 }
    store.queries = kept
  end
  if not kept[sql] then
    local prepared, message = store.db:prepare(sql)
    if not prepared then
      failed(message)
    end
    kept[sql], kept.count = prepared, kept.count + 1
  end
  return kept[sql]
end

-- The first column of the rows of a query.
local function keys_of(store, sql, args)
  local keys = {}
  for key in statement(store, sql):rows(table.unpack(args)) do
    keys[#keys + 1] = key
  end
  return keys
end

-- The part of `keys` that is on the page.
local function slice(keys, page)
  return table.move(keys, page.offset + 1, math.min(page.offset + page.limit, #keys), 1, {})
end

local PATIENCE = 2 -- pages of a query that are found one by one; whoever asks for another reads all of it

-- What a page of `source` holds: the first column of its rows, and how many rows there are in all.
local function select_page(store, source, page, args)
  local from = "FROM " .. source.from
  if #source.where > 0 then
    from = from .. " WHERE " .. table.concat(source.where, " AND ")
  end
  local found = store.found:entry(from, page.order, args)
  if not found.total then
    local total, message = statement(store, "SELECT count(*) " .. from):row(table.unpack(args))
    found.total = total or failed(message)
  end
  local total = found.total
  if page.limit == 0 or page.offset >= total then
    return {}, total
  end
  local sql = ("SELECT %s %s ORDER BY %s"):format(source.key, from, page.order)
  if not found.keys and found.asked > PATIENCE and total <= MOST_KEYS then
    found.keys = keys_of(store, sql, args)
  end
  if found.keys then
    return slice(found.keys, page), total
  end
  args[#args + 1], args[#args + 2] = page.limit, page.offset
  return keys_of(store, sql .. " LIMIT ? OFFSET ?", args), total
end

-- The tokens of the page that `principal` sees, and how many there are in all.
function M:list(principal, page)
  self:write_seen()
  local where, args = {}, {}
  if principal.type ~= "Operations" then
    where[1], args[1] = "t.account = ? AND t.status <> 'Deleted'", principal.account
  end
  where[#where + 1] = page.where
  table.move(page.args, 1, #page.args, #args + 1, args)
  local source = { from = "token t", key = "t.n", where = where }
  local keys, total = select_page(self, source, page, args)
  local tokens = {}
  for i, n in ipairs(keys) do
    tokens[i] = self:token_at(n)
  end
  return tokens, total
end

-- The modules of the page, and how many there are in all, likewise.
function M:list_modules(page)
  local source = { from = "module m", key = "m.id", where = { page.where } }
  local ids, total = select_page(self, source, page, { table.unpack(page.args) })
  local modules = {}
  for i, id in ipairs(ids) do
    modules[i] = self:module(id)
  end
  return modules, total
end

return M
