-- `order=+a,-b` to SQL: nulls first when ascending, as SQLite sorts them anyway.
local properties = require "moonkey.emulator.properties"

local M = {}

M.MAX_TERMS = 20

-- translate(text, scope, may_use, faults) -> { sql = "… DESC, …", used = paths }; what is wrong is added to `faults`.
-- A "+" arrives as a blank. The order is always a whole one: by id where nothing else decides. What would come behind a unique
-- property is left out, because the database would sort by it; and what may not be used is passed over, as the platform may do
-- it: its clients sort by audit.created.at without select=audit.
function M.translate(text, scope, may_use, faults)
  local terms, used, count, decided = {}, {}, 0, false
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
      count = count + 1
      if not may_use(path) then
        goto continue
      end
      used[#used + 1] = path
      terms[#terms + 1] = not decided and property.sql .. (sign == "-" and " DESC" or "") or nil
      decided = decided or property.unique
    end
    ::continue::
  end
  if count > M.MAX_TERMS then
    refuse("rql_validation", ("The order is too long: at most %d properties are allowed."):format(M.MAX_TERMS))
  elseif count == 0 and text ~= "" and #faults == 0 then
    refuse("rql_validation", "No valid ordering properties were detected")
  end
  if not decided then
    terms[#terms + 1] = scope.by_name.id.sql
  end
  return { sql = table.concat(terms, ", "), used = used }
end

return M
