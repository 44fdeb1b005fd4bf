-- Patterns as people write them: * stands for any text, all else for itself, whatever the case.
local M = {}

-- A function that says whether a text matches.
function M.one(pattern)
  local lua = "^" .. pattern:lower():gsub("[^%w%s*]", "%%%0"):gsub("%*", ".*") .. "$"
  return function(text) return text ~= nil and text:lower():find(lua) ~= nil end
end

-- A function that says whether a text matches one of them.
function M.any(patterns)
  local tests = {}
  for i, pattern in ipairs(patterns) do tests[i] = M.one(pattern) end
  return function(text)
    for _, test in ipairs(tests) do
      if test(text) then return true end
    end
    return false
  end
end

return M
