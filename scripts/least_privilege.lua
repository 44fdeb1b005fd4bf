--[[
Take away the modules that a policy does not grant.

  moonkey scripts/least_privilege.lua scripts/examples/policy.lua              # what would be taken away
  moonkey scripts/least_privilege.lua scripts/examples/policy.lua --apply

The policy is a file of data, in Lua (`return { … }`) or JSON: a list of rules. The first rule whose account and name match
decides what a token may have; * stands for any text. A token that no rule matches is left alone, and named. Nothing is granted:
modules that the policy permits and the token has not stay away.

  return {
    { account = "ACC-0001-0001", name = "CRM*", modules = { "MOD-1756" } },
    { name = "*", modules = {} },
  }
]]
local changes = require "changes"
local glob = require "glob"
local http = require "moonkey.http"
local options = require "options"
local rql = require "moonkey.rql"

local parser = options.parser("least_privilege.lua", "Take away the modules that a policy does not grant.", [[
Examples:
  moonkey scripts/least_privilege.lua policy.lua
  moonkey scripts/least_privilege.lua policy.json --account ACC-0001-0001 --apply
The policy is a list of rules { account =, name =, modules = { … } }; the first that matches decides. The head of the
script says more. The token of the credential in use is left alone.]])
parser:argument("policy", "File of the policy, .lua or .json."):argname("POLICY")
options.account(parser)
options.writes(parser)
local opts = parser:parse(arg)

-- The rules with their patterns made into functions. A policy with a mistake is refused as a whole.
local function read_policy(path)
  local KINDS = { account = "string", name = "string", modules = "table" }
  local rules = {}
  for i, rule in ipairs(options.data(path)) do
    if type(rule) ~= "table" or type(rule.modules) ~= "table" then
      options.refuse("%s: rule %d: expected { account = …, name = …, modules = { … } }", path, i)
    end
    for key, value in pairs(rule) do
      if type(value) ~= KINDS[key] then
        options.refuse("%s: rule %d: %s: a rule has account and name, which are texts, and modules, a list", path, i, key)
      end
    end
    local granted = {}
    for _, id in ipairs(rule.modules) do
      if not tostring(id):find("^MOD%-") then options.refuse("%s: rule %d: '%s' is no id of a module", path, i, id) end
      granted[id] = true
    end
    rules[i] = { account = glob.one(rule.account or "*"), name = glob.one(rule.name or "*"), granted = granted }
  end
  if #rules == 0 then options.refuse("%s: there are no rules in it", path) end
  return rules
end

local rules = read_policy(opts.policy)
local _, _, _, own_id = http.origin()

local function rule_for(tok)
  for _, rule in ipairs(rules) do
    if rule.account(tok.account.id) and rule.name(tok.name) then return rule end
  end
end

-- The modules that a token keeps, and the ids of those that it loses.
local function divide(tok, rule)
  local kept, lost = {}, {}
  for _, module in ipairs(tok.modules or {}) do
    if rule.granted[module.id] then kept[#kept + 1] = module else lost[#lost + 1] = module.id end
  end
  return kept, lost
end

-- Reads the token again, so that it goes by the modules that it has by then.
local function strip(tok, rule)
  local result, changed = token.edit(tok.id, function(current) current.modules = divide(current, rule) end)
  if not result then return nil, changed end
  if not changed then return false, "it has lost them already" end
  return result
end

local list = changes.new(opts)
local where = opts.account and rql.eq("account.id", opts.account) or nil
for tok in token.list{ where = where, select = "modules", order = "name" } do
  local rule = rule_for(tok)
  local _, lost = divide(tok, rule or { granted = {} })
  if tok.status == "Deleted" or #lost == 0 then
    goto continue
  elseif not rule then
    list:skip(tok, "no rule of the policy matches it")
  elseif tok.id == own_id then
    list:skip(tok, "the credential in use is its own; it would lose " .. table.concat(lost, ", "))
  else
    list:add(tok, "take away " .. table.concat(lost, ", "), function() return strip(tok, rule) end)
  end
  ::continue::
end
list:finish()
