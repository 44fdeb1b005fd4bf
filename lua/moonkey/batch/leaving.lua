-- What is kept back is written also when a script leaves the process by os.exit.
local M = {}

local journals, outputs, leave = {}, {}, os.exit

function os.exit(...) -- luacheck: ignore 122
  for journal in pairs(journals) do journal:flush() end -- which may tell of more results
  for output in pairs(outputs) do output:flush() end
  return leave(...)
end

-- From here on the flush() of this journal or output is called then; until forget().
function M.journal(journal)
  journals[journal] = true
end

function M.output(output)
  outputs[output] = true
end

function M.forget(object)
  journals[object], outputs[object] = nil, nil
end

return M
