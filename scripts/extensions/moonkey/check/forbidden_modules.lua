--[[
A check: no plan grants a token one of the modules that are forbidden here. One that a token has already may stay.

  moonkey plan tokens.csv --check forbidden_modules

To use it, change the list, and copy this file to ~/.config/moonkey/lua/moonkey/check/; then, in a profile of config.lua,

  production = { …, checks = { "forbidden_modules" } },

has every plan that is applied there checked.
]]
local FORBIDDEN = { ["MOD-1756"] = "Access Management: whoever has it can make tokens" }

return function(change, report)
  local had = {}
  for _, id in ipairs(change.before.modules or {}) do had[id] = true end
  for _, id in ipairs(change.after.modules or {}) do
    if FORBIDDEN[id] and not had[id] then report(("%s is not to be granted (%s)"):format(id, FORBIDDEN[id])) end
  end
end
