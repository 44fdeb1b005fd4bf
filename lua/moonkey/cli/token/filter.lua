-- Which tokens `token list` is for: flags to one expression of RQL.
local nearest = require "moonkey.nearest"
local query = require "moonkey.pages.query"
local rql = require "moonkey.rql"
local stop = require "moonkey.cli.stop"
local time = require "moonkey.time"
local units = require "moonkey.cli.units"

local M = {}

M.STATUSES = { "Active", "Disabled", "Deleted" }
local LONGEST = 100 * 365 * 86400 -- seconds: what --unused-for takes

function M.configure(cmd)
  cmd:option("--status", "Active, Disabled or Deleted, in any case. Several, by commas or by repeating it: one of them.")
    :argname("STATUS"):count("*")
  cmd:option("--name", "Tokens of this name, in any case. A * at its beginning or end stands for anything: 'crm*', '*robot*'. "
    .. "Repeated: one of them."):argname("NAME"):count("*")
  cmd:option("--module", "Tokens that have this module (MOD-1756). By commas: one of them; repeated: all of them.")
    :argname("MOD"):count("*")
  cmd:option("--unused-for", "Tokens last used longer ago than that (90d, 12w, 36h), and those never used that were made "
    .. "before then."):argname("TIME")
  cmd:option("--where", "An expression of RQL, the platform's query language; it is added to the other conditions.")
    :argname("RQL")
end

-- The words of all values, split at commas, without what stands there twice.
local function words(flag, values)
  local list, seen = {}, {}
  for _, value in ipairs(values) do
    for word in (value .. ","):gmatch("%s*(.-)%s*,") do
      if word == "" then stop.usage(("%s '%s': there is an empty value in it"):format(flag, value)) end
      if not seen[word] then seen[word], list[#list + 1] = true, word end
    end
  end
  return list
end

local function canonical_status(word)
  for _, status in ipairs(M.STATUSES) do
    if status:lower() == word:lower() then return status end
  end
  local near = nearest(word, M.STATUSES)
  stop.usage(("--status %s: a token is Active, Disabled or Deleted%s"):format(word,
    near and ("; did you mean %s?"):format(near) or ""))
end

local function by_status(values)
  local list, seen = {}, {}
  for _, word in ipairs(words("--status", values)) do
    local status = canonical_status(word)
    if not seen[status] then seen[status], list[#list + 1] = true, status end
  end
  return #list == 1 and rql.eq("status", list[1]) or rql.in_("status", list)
end

local function any_of(expressions)
  return #expressions == 1 and expressions[1] or rql.or_(table.unpack(expressions))
end

local function by_name(values)
  local list = {}
  for i, name in ipairs(values) do
    if name == "" then stop.usage("--name is empty: a token always has a name") end
    if name:find("'", 1, true) and name:find('"', 1, true) then
      stop.usage(("--name %s: the platform's query language has no way to write both kinds of quote in one value; use a "
        .. "part of the name with * at its ends"):format(name))
    end
    if name:gsub("\\%*", ""):gsub("^%*", ""):gsub("%*$", ""):find("*", 1, true) then
      stop.usage(("--name %s: the platform takes * only at the beginning and at the end of a name"):format(name))
    end
    list[i] = rql.ilike("name", name)
  end
  return any_of(list)
end

-- MOD-1756, from what somebody typed.
function M.module_id(flag, word)
  local id = word:upper()
  if not id:find("^MOD%-%d[%d-]*$") then
    stop.usage(("%s %s: expected the id of a module, such as MOD-1756; `moonkey modules` lists them, for operations accounts, "
      .. "and `moonkey token get` shows those of a token"):format(flag, word == "" and "''" or word))
  end
  return id
end

local function by_modules(values)
  local all = {}
  for i, value in ipairs(values) do
    local ids = words("--module", { value })
    for k, word in ipairs(ids) do ids[k] = M.module_id("--module", word) end
    all[i] = rql.any("modules", #ids == 1 and rql.eq("id", ids[1]) or rql.in_("id", ids))
  end
  return #all == 1 and all[1] or rql.and_(table.unpack(all))
end

-- Who was never used may be brand-new.
local function by_use(text)
  local before = time.format(time.now() - units.duration("--unused-for", text, LONGEST))
  local never = rql.eq("lastAccessAt", rql.null) & rql.lt("audit.created.at", before)
  return rql.lt("lastAccessAt", before) | never
end

function M.expression(text)
  local conditions, wrong = query.check_text(text)
  if not conditions then stop.usage("--" .. (wrong:gsub("give it as (%l+) = …", "there is --%1"))) end
  local expression, err = rql.parse(text)
  if not expression then
    stop.usage(("--where: %s; values are best quoted, as in status='Active', and within them %%26 stands for & and %%25 for %%")
      :format(tostring(err)))
  end
  return expression
end

-- The expression, or nil where every token is meant.
function M.of(args)
  local all = {}
  local function add(build, value)
    if value ~= nil and (type(value) ~= "table" or #value > 0) then all[#all + 1] = build(value) end
  end
  add(by_status, args.status)
  add(by_name, args.name)
  add(by_modules, args.module)
  add(by_use, args.unused_for)
  add(M.expression, args.where)
  if #all < 2 then return all[1] end
  return rql.and_(table.unpack(all))
end

return M
