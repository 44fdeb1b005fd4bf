--[[
Halt rules: when so many rows have failed that going on would do more harm than good.

  fail=N     stop once N rows have failed
  fail=N%    stop once N percent of the rows tried so far have failed, looked at from the 20th row on
]]
local M = {}

M.LEAST_TRIED = 20 -- of fewer, a share says little

-- A rule from its text: rule(counts of the outcomes so far) is why to stop, or nil. Or nil, message.
function M.parse(text)
  local number, percent = text:match("^fail=(%d+)(%%?)$")
  local n = math.tointeger(tonumber(number))
  if not n or n < 1 or (percent == "%" and n > 100) then
    return nil, ("%s: expected fail=N (rows) or fail=N%% (of the rows tried, 1 to 100)"):format(text)
  end
  return function(counts)
    local failed = counts.failed + counts.unknown
    local tried = counts.done + counts.skipped + failed
    if percent == "" then
      return failed >= n and ("%d of %d rows failed"):format(failed, tried) or nil
    end
    return tried >= M.LEAST_TRIED and failed * 100 >= n * tried and ("%d of %d rows failed"):format(failed, tried) or nil
  end
end

return M
