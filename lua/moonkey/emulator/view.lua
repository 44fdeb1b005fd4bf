-- Tokens, modules and pages as the JSON text that the platform sends. Put together by hand, because every reply passes here;
-- what is said of an account or of a set of modules is kept, since neither changes after seeding.
local json = require "moonkey.json"

local M = {}
local View = {}
View.__index = View

local quote = json.encode
local KEPT = 1000 -- texts kept of each kind

function M.new(store)
  return setmetatable({ store = store, account_texts = {}, module_texts = {}, kept = 0 }, View)
end

local function optional(value)
  return value and quote(value) or "null"
end

function View:keep(texts, key, text)
  if self.kept >= KEPT then
    self.account_texts, self.module_texts, self.kept = {}, {}, 0
  else
    texts[key], self.kept = text, self.kept + 1
  end
  return text
end

function View:account(id)
  local text = self.account_texts[id]
  if text then
    return text
  end
  local account = self.store:account(id)
  return self:keep(self.account_texts, id, ('{"id":%s,"icon":%s,"type":%s,"status":%s,"name":%s}'):format(quote(id),
    optional(account.icon), quote(account.type), quote(account.status), optional(account.name)))
end

function M.module(module)
  return ('{"id":%s,"name":%s,"description":%s,"settings":%s}'):format(quote(module.id), optional(module.name),
    optional(module.description), module.settings)
end

-- ids: "MOD-1;MOD-2"
function View:modules(ids)
  local text = self.module_texts[ids]
  if text then
    return text
  end
  local parts = {}
  for id in ids:gmatch("[^;]+") do
    local module = self.store:module(id) or { id = id, settings = "{}" }
    parts[#parts + 1] = ('{"id":%s,"description":%s,"name":%s,"filters":{"group.buyers":[]},"settings":%s}'):format(quote(id),
      optional(module.description), optional(module.name), module.settings)
  end
  return self:keep(self.module_texts, ids, "[" .. table.concat(parts, ",") .. "]")
end

local function event(parts, name, at, by)
  if at then
    parts[#parts + 1] = '"' .. name .. '":{"at":' .. quote(at) .. (by and ',"by":' .. by or "") .. "}"
  end
end

local function audit(token)
  local parts = {}
  event(parts, "created", token.created_at, token.created_by)
  event(parts, "updated", token.updated_at, token.updated_by)
  event(parts, "enabled", token.enabled_at, token.enabled_by)
  event(parts, "disabled", token.disabled_at, token.disabled_by)
  event(parts, "deleted", token.deleted_at, token.deleted_by)
  return "{" .. table.concat(parts, ",") .. "}"
end

local function head(self, token, omitted, without_secret)
  return '{"$meta":{"omitted":' .. omitted .. '},"id":' .. quote(token.id) .. ',"revision":' .. token.revision
    .. ',"status":' .. quote(token.status) .. ',"name":' .. optional(token.name)
    .. ',"description":' .. optional(token.description) .. ',"icon":' .. optional(token.icon)
    .. ',"lastAccessAt":' .. optional(token.last_access_at) .. (without_secret and "" or ',"token":' .. quote(token.secret))
    .. ',"account":' .. self:account(token.account)
end

-- The whole token.
function View:token(token)
  return head(self, token, "[]") .. ',"modules":' .. self:modules(token.modules) .. ',"audit":' .. audit(token) .. "}"
end

-- What the tokens of a list leave out, as JSON: audit and modules, where `select` does not ask for them; the secret on demand.
function M.omitted(select)
  local names = json.array()
  if not select.audit then names[#names + 1] = "audit" end
  if not select.modules then names[#names + 1] = "modules" end
  if select.token == false then names[#names + 1] = "token" end
  return json.encode(names)
end

-- The token as one of a list.
function View:summary(token, select, omitted)
  return head(self, token, omitted, select.token == false)
    .. (select.modules and ',"modules":' .. self:modules(token.modules) or "")
    .. (select.audit and ',"audit":' .. audit(token) or "") .. "}"
end

-- items: an array of JSON texts; omitted: the JSON of the list of what they leave out.
function M.page(items, offset, limit, total, omitted)
  return ('{"$meta":{"pagination":{"offset":%d,"limit":%d,"total":%d},"omitted":%s},"data":['):format(offset, limit, total,
    omitted) .. table.concat(items, ",") .. "]}"
end

return M
