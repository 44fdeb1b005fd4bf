-- Tokens, modules and pages as the JSON text that the platform sends. Put together by hand, because every reply passes here;
-- what is said of an account or of a set of modules is kept, since neither changes after seeding.
--
-- `shown` says what of a thing is shown: true, or a tree of its fields (query_select.lua).
local json = require "moonkey.json"
local sorted_keys = require "moonkey.sorted_keys"

local M = {}
local View = {}
View.__index = View

local quote = json.encode
local KEPT = 1000 -- texts kept of each kind

function M.new(store)
  return setmetatable({ store = store, account_texts = {}, module_texts = {}, kept = 0 }, View)
end

-- What is null is left out of every reply, as the platform does it.
local function optional(value)
  return value and quote(value)
end

function View:keep(texts, key, text)
  if self.kept >= KEPT then
    self.account_texts, self.module_texts, self.kept = {}, {}, 0
  else
    texts[key], self.kept = text, self.kept + 1
  end
  return text
end

-- An object of those of `names` that are shown; write(name, shown) gives the text of each, or nil where there is none.
local function object(names, shown, write)
  local parts = {}
  for _, name in ipairs(names) do
    local part = shown == true or shown[name]
    local text = part and write(name, part)
    if text then
      parts[#parts + 1] = '"' .. name .. '":' .. text
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- Those fields of JSON text that are shown.
local function pick(text, shown)
  local decoded = shown ~= true and json.decode(text)
  if type(decoded) ~= "table" then
    return text
  end
  return object(sorted_keys(decoded), shown, function(name)
    return quote(decoded[name])
  end)
end

-- ---- accounts and modules ----

local ACCOUNT = { "id", "icon", "type", "status", "name" }

function View:account(id, shown)
  local text = shown == true and self.account_texts[id]
  if text then
    return text
  end
  local account = self.store:account(id)
  text = object(ACCOUNT, shown, function(name)
    return optional(account[name])
  end)
  return shown == true and self:keep(self.account_texts, id, text) or text
end

local MODULE = { "id", "name", "description", "settings", "accountTypes" } -- as the modules' own endpoint gives them,
local TOKEN_MODULE = { "id", "description", "name", "filters", "settings" } -- and as a token does

local function module_text(names, module, shown)
  return object(names, shown, function(name, part)
    if name == "settings" then
      return pick(module.settings, part)
    elseif name == "filters" then
      return '{"group.buyers":[]}'
    elseif name == "accountTypes" then
      return module.account_types
    end
    return optional(module[name])
  end)
end

-- selection: see query_select.lua; everything when there is none
function M.module(module, selection)
  return module_text(MODULE, module, selection and selection.fields or true)
end

-- ids: "MOD-1;MOD-2"
function View:modules(ids, shown)
  local text = shown == true and self.module_texts[ids]
  if text then
    return text
  end
  local parts = {}
  for id in ids:gmatch("[^;]+") do
    parts[#parts + 1] = module_text(TOKEN_MODULE, self.store:module(id) or { id = id, settings = "{}" }, shown)
  end
  text = "[" .. table.concat(parts, ",") .. "]"
  return shown == true and self:keep(self.module_texts, ids, text) or text
end

-- ---- tokens ----

local EVENTS, EVENT = { "created", "updated", "enabled", "disabled", "deleted" }, { "at", "by" }

local function whole_event(parts, name, at, by)
  if at then
    parts[#parts + 1] = '"' .. name .. '":{"at":' .. quote(at) .. (by and ',"by":' .. by or "") .. "}"
  end
end

local function whole_audit(token)
  local parts = {}
  whole_event(parts, "created", token.created_at, token.created_by)
  whole_event(parts, "updated", token.updated_at, token.updated_by)
  whole_event(parts, "enabled", token.enabled_at, token.enabled_by)
  whole_event(parts, "disabled", token.disabled_at, token.disabled_by)
  whole_event(parts, "deleted", token.deleted_at, token.deleted_by)
  return "{" .. table.concat(parts, ",") .. "}"
end

local function part_of_audit(token, shown)
  return object(EVENTS, shown, function(event, part)
    local at, by = token[event .. "_at"], token[event .. "_by"]
    return at and object(EVENT, part, function(name, inner)
      if name == "at" then
        return quote(at)
      end
      return by and pick(by, inner)
    end)
  end)
end

local function column(name)
  return function(_, token)
    return optional(token[name])
  end
end

-- The fields of a token in their order, and what writes each: write(view, token, shown) -> JSON text.
local FIELDS = {
  { "id", column("id") }, { "revision", column("revision") }, { "status", column("status") }, { "name", column("name") },
  { "description", column("description") }, { "icon", column("icon") }, { "lastAccessAt", column("last_access_at") },
  { "token", column("secret") },
  { "account", function(self, token, shown) return self:account(token.account, shown) end },
  { "modules", function(self, token, shown) return self:modules(token.modules, shown) end },
  { "extensions", function(_, token) return token.extensions end },
  { "audit", function(_, token, shown) return shown == true and whole_audit(token) or part_of_audit(token, shown) end },
}

-- The steps that write a token as a selection shows it, three things each: the name of a field, its writer, what of it is
-- shown. Made once for each selection.
local function steps_of(selection)
  local steps = {}
  for _, field in ipairs(FIELDS) do
    local shown = selection.fields == true or selection.fields[field[1]]
    if shown then
      table.move({ ',"' .. field[1] .. '":', field[2], shown }, 1, 3, #steps + 1, steps)
    end
  end
  return steps, '{"$meta":{"omitted":' .. quote(selection.omitted) .. "}"
end

local EVERYTHING = { fields = true, omitted = json.array() }

-- The token, or what `selection` shows of it.
function View:token(token, selection)
  selection = selection or EVERYTHING
  if not selection.steps then
    selection.steps, selection.start = steps_of(selection)
  end
  local steps, parts = selection.steps, { selection.start }
  for i = 1, #steps, 3 do
    local text = steps[i + 1](self, token, steps[i + 2])
    if text then
      parts[#parts + 1] = steps[i]
      parts[#parts + 1] = text
    end
  end
  parts[#parts + 1] = "}"
  return table.concat(parts)
end

-- items: an array of JSON texts
function M.page(items, page, total)
  return ('{"$meta":{"pagination":{"offset":%d,"limit":%d,"total":%d},"omitted":%s},"data":['):format(page.offset, page.limit,
    total, quote(page.select.omitted)) .. table.concat(items, ",") .. "]}"
end

return M
