-- From flags and a file to the fields of a token that `token create` and `token update` write. What contradicts is refused.
local bodies = require "moonkey.cli.body"
local default_job = require "moonkey.batch.default_job"
local filter = require "moonkey.cli.token.filter"
local json = require "moonkey.json"
local nearest = require "moonkey.nearest"
local sorted_keys = require "moonkey.sorted_keys"
local stop = require "moonkey.cli.stop"

local Change = {}
Change.__index = Change

local M = {}

local PLATFORM = "the platform writes it"
local READ_ONLY = {
  id = { update = "it is the command's argument", create = "the platform makes it" },
  account = { update = "a token cannot move to another account" },
  status = { update = "`moonkey token enable` and `disable` change it", create = "a new token is Active" },
  token = { update = "the secret of a token cannot be changed", create = "the platform makes the secret" },
  audit = { update = PLATFORM, create = PLATFORM },
  revision = { update = PLATFORM, create = PLATFORM },
  lastAccessAt = { update = PLATFORM, create = PLATFORM },
}
local TEXTS = { name = true, description = true, icon = true }
local CLEARED = { description = json.null, icon = json.null }

-- `verb`: "create" or "update".
function M.new(verb)
  local names = { "name", "description", "icon", "modules" }
  if verb == "create" then table.insert(names, 1, "account") end
  return setmetatable({ verb = verb, names = names, fields = {}, said_by = {} }, Change)
end

function Change:check_name(where, field)
  for _, name in ipairs(self.names) do
    if name == field then return end
  end
  local hint = READ_ONLY[field] and READ_ONLY[field][self.verb]
  if hint then stop.usage(("%s: the field '%s' cannot be given: %s"):format(where, field, hint)) end
  local near = nearest(field, self.names)
  stop.usage(("%s: there is no field '%s' to write; %s"):format(where, field,
    near and ("did you mean '%s'?"):format(near) or "there are " .. table.concat(self.names, ", ")))
end

-- `where`: the flag that says so, for errors.
function Change:put(where, field, value)
  local other = self.said_by[field]
  if other then
    stop.usage(other == where and ("%s says twice what '%s' is to be"):format(where, field)
      or ("%s and %s both say what '%s' is to be"):format(other, where, field))
  end
  self.fields[field], self.said_by[field] = value, where
end

-- FIELD=VALUE of --set.
function Change:set(text)
  local field, value = text:match("^([^=]*)=(.*)$")
  if not field or field == "" then stop.usage(("--set %s: expected FIELD=VALUE, such as name='CRM robot'"):format(text)) end
  self:check_name("--set " .. field, field)
  if not TEXTS[field] then
    stop.usage(("--set %s: %s"):format(field, field == "modules" and "modules are given with --module, --add-module and "
      .. "--remove-module" or "that is given with --" .. field))
  end
  self:put("--set", field, value)
end

-- FIELD of --null.
function Change:null(field)
  self:check_name("--null " .. field, field)
  if field == "modules" then return self:put("--null", field, json.array()) end
  if not CLEARED[field] then stop.usage(("--null %s: it cannot be cleared, a token always has one"):format(field)) end
  self:put("--null", field, CLEARED[field])
end

-- Ids of a flag that may be repeated, and hold several with commas.
function M.module_ids(flag, values)
  local list, seen = json.array(), {}
  for _, value in ipairs(values) do
    for word in (value .. ","):gmatch("%s*(.-)%s*,") do
      local id = filter.module_id(flag, word)
      if not seen[id] then seen[id], list[#list + 1] = true, id end
    end
  end
  return list
end

function Change:modules(values)
  if #values > 0 then self:put("--module", "modules", M.module_ids("--module", values)) end
end

-- The account, of --account or of a file.
function Change:account(where, value)
  local id = type(value) == "table" and value.id or value
  if type(id) ~= "string" or not id:find("^ACC%-%d[%d-]*$") then
    stop.usage(("%s: %s is not the id of an account; expected something like ACC-1234-5678"):format(where, json.encode(value)))
  end
  self:put(where, "account", id)
end

-- A JSON object from `path`, which may be "-".
function Change:from(path)
  local where = bodies.name("--from", path)
  local object = bodies.decode(where, bodies.read("--from", path))
  if type(object) ~= "table" or json.is_array(object) then
    stop.usage(('%s: expected a JSON object such as {"name": "CRM robot"}, not %s'):format(where,
      json.is_array(object) and "a list" or "a " .. (object == json.null and "null" or type(object))))
  end
  for _, field in ipairs(sorted_keys(object)) do
    self:check_name(where, field)
    if field == "account" then
      self:account(where, object.account)
    else
      local _, mistake = default_job.check{ id = "TKN", [field] = object[field] }
      if mistake then stop.usage(("%s: %s"):format(where, mistake)) end
      self:put(where, field, object[field])
    end
  end
end

return M
