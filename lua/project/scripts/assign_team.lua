-- A job: moonkey runs it for each row of a file, several at a time.
--   moonkey --emulator batch scripts/teams.csv --job scripts/assign_team.lua
local teams = require "teams"

return function(row)
  if not row.team then return nil, "the row names no team" end
  local tok, changed = teams.assign(row.id, row.team)
  if not tok then return nil, changed end -- the row has failed; moonkey says so, and goes on with the others
  return { name = tok.name, changed = changed }
end
