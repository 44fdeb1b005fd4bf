--[[
A check: the names that a plan gives tokens keep to a convention, "what - for whom", such as "CRM robot - Malmö", and no two
tokens get one name.

  moonkey plan tokens.csv --check naming -o changes.plan
  moonkey batch changes.plan                  # refused until the check is passed

With checks = { "naming" } in a profile, every plan that is applied there has to pass.

To use it, copy this file to ~/.config/moonkey/lua/moonkey/check/, or to lua/moonkey/check/ of a project. A check returns

  { summary =, check = function(change, report), finish = function(report) }

or only the first function. change: { row =, line =, id =, changes = { { field =, from =, to = } }, before = {}, after = {} }.
]]
local CONVENTION = "^%S.* %- %S.*$"

local ids = {} -- name → the tokens that get it

local function check(change, report)
  local name = change.after.name
  if not name then return end
  if not name:find(CONVENTION) then report(("the name \"%s\" is not of the form \"what - for whom\""):format(name)) end
  ids[name] = ids[name] or {}
  table.insert(ids[name], change.id)
end

local function finish(report)
  local names = {}
  for name, list in pairs(ids) do
    if #list > 1 then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do report(("%s would all be called \"%s\""):format(table.concat(ids[name], ", "), name)) end
end

return { summary = "names are of the form \"what - for whom\", and no two are the same", check = check, finish = finish }
