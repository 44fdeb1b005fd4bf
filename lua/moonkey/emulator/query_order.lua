-- `order=+a,-b` to SQL: nulls first when ascending, as SQLite sorts them anyway.
local properties = require "moonkey.emulator.properties"

local M = {}

M.MAX_TERMS = 20

-- translate(text, scope, may_use, faults) -> { sql = "… DESC, …" or nil, used = paths }; what is wrong is added to `faults`.
-- A "+" arrives as a blank.
function M.translate(text, scope, may_use, faults)
  local terms, used = {}, {}
  local function refuse(key, message)
    faults[#faults + 1] = { key = key ~= "" and key or "rql_validation", message = message }
  end
  for sign, path in text:gmatch("([+ -]?)([^,&|;]*)") do
    local property, missing = properties.find(scope, path)
    if path == "" then
      goto continue
    elseif not property then
      refuse(missing, "Invalid property path.")
    elseif not property.sql then
      refuse(path, "Ordering is not permitted.")
    else
      local reason = may_use(path)
      if reason then
        refuse(path, reason)
      end
      used[#used + 1] = path
      terms[#terms + 1] = property.sql .. (sign == "-" and " DESC" or "")
    end
    ::continue::
  end
  if #terms > M.MAX_TERMS then
    refuse("rql_validation", ("The order is too long: at most %d properties are allowed."):format(M.MAX_TERMS))
  elseif #terms == 0 and text ~= "" and #faults == 0 then
    refuse("rql_validation", "No valid ordering properties were detected")
  end
  return { sql = #terms > 0 and table.concat(terms, ", ") or nil, used = used }
end

return M
