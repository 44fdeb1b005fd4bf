-- Lists active tokens whose names tell of no team. Changes nothing.
--   moonkey --emulator run scripts/without_team.lua [LIMIT]
local rql = require "moonkey.rql"
local teams = require "teams"

local limit = tonumber((...)) or 20
for tok in token.list{ where = rql.eq("status", "Active"), order = "name", limit = limit } do
  if not teams.of(tok.name) then print(tok.id, tok.name) end
end
