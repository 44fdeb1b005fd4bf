-- A module of your own: any Lua file beside the script, or in lua/ beside it, can be required.
local M = {}

-- "CRM  robot 0007" → "CRM Robot 0007"
function M.tidy(name)
  local words = {}
  for word in name:gmatch("%S+") do
    words[#words + 1] = word:sub(1, 1):upper() .. word:sub(2)
  end
  return table.concat(words, " ")
end

return M
