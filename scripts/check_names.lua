--[[
Enforce a convention for the names of tokens: name those that break it, and rename them by a rule.

  moonkey scripts/check_names.lua --pattern '^%u%w+ %- '                          # only a report
  moonkey scripts/check_names.lua scripts/examples/convention.lua                 # and the new names
  moonkey scripts/check_names.lua scripts/examples/convention.lua --apply
  moonkey scripts/check_names.lua --pattern '^%u' --detailed-exitcode             # for CI

A convention is a Lua file of yours that returns { pattern = a Lua pattern, advice = what people are told, rename =
function(tok) that returns the new name, or nil }. A new name that breaks the convention itself, that is empty or longer than
200 characters, or that another token of the account has, is not used.
]]
local changes = require "changes"
local options = require "options"
local rql = require "moonkey.rql"

local LONGEST = 200 -- characters, of the platform

local parser = options.parser("check_names.lua", "Find names that break a convention, and rename them by a rule.", [[
Examples:
  moonkey scripts/check_names.lua --pattern '^%u%w+ %- '
  moonkey scripts/check_names.lua convention.lua --apply
A convention is a Lua file that returns { pattern =, advice =, rename = function(tok) … end }.]])
parser:argument("convention", "File of the convention."):argname("CONVENTION.lua"):args("?")
parser:option("--pattern", "Lua pattern of good names, instead of a file."):argname("PATTERN")
options.account(parser)
options.writes(parser)
local opts = parser:parse(arg)

local function read_convention()
  if opts.convention and opts.pattern then options.refuse("give a file or --pattern, not both") end
  if opts.pattern then return { pattern = opts.pattern } end
  if not opts.convention then options.refuse("give the file of a convention, or --pattern") end
  local chunk, message = loadfile(opts.convention, "t")
  if not chunk then options.refuse("%s", message) end
  local convention = chunk()
  if type(convention) ~= "table" or type(convention.pattern) ~= "string" then
    options.refuse("%s: expected return { pattern = \"…\" }", opts.convention)
  end
  return convention
end

local convention = read_convention()
local ok, problem = pcall(string.find, "", convention.pattern)
if not ok then options.refuse("the pattern '%s' is none: %s", convention.pattern, problem) end

local function is_good(name)
  return name:find(convention.pattern) ~= nil
end

local taken = {} -- account and name → is there such a token?

local function key(tok, name)
  return (tok.account.id or "") .. "\n" .. name
end

-- The new name; nil and why there is none.
local function better_name(tok)
  local name = convention.rename and convention.rename(tok)
  if name == nil or name == false then return nil, convention.advice or "it does not match " .. convention.pattern end
  if type(name) ~= "string" or not is_good(name) then
    return nil, ("the rule makes '%s' of it, which breaks the convention too"):format(tostring(name))
  elseif name == "" or (utf8.len(name) or math.huge) > LONGEST then
    return nil, ("the rule makes a name of it that is empty, or longer than %d characters"):format(LONGEST)
  elseif taken[key(tok, name)] then
    return nil, ("the rule makes '%s' of it, which another token of the account is called"):format(name)
  end
  return name
end

-- Only where the name is still the one that was found wanting.
local function rename(tok, name)
  local result, changed = token.edit(tok.id, function(current)
    if current.name == tok.name then current.name = name end
  end)
  if not result then return nil, changed end
  if not changed then return false, "somebody has renamed it" end
  return result
end

local violations = {}
for tok in token.list{ where = opts.account and rql.eq("account.id", opts.account) or nil, order = "name" } do
  taken[key(tok, tok.name)] = true
  if not is_good(tok.name) then violations[#violations + 1] = tok end
end

local list = changes.new(opts)
for _, tok in ipairs(violations) do
  local name, why = better_name(tok)
  if name then
    taken[key(tok, name)] = true
    list:add(tok, ("rename to '%s'"):format(name), function() return rename(tok, name) end)
  else
    list:skip(tok, why)
  end
end
if opts.detailed_exitcode and not opts.apply and #violations > 0 and #list.changes == 0 then
  list:finish()
  os.exit(6)
end
list:finish()
