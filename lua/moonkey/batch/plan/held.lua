--[[
What is known of tokens while a plan is made, by id, in memory that does not grow with their number: what does not fit into
SQLite's cache goes to a temporary file, which is gone with the process.
]]
local json = require "moonkey.json"
local sqlite = require "moonkey.sqlite"

local M = {}

local Held = {}
Held.__index = Held

local SETUP = [[
  PRAGMA temp_store = FILE;
  CREATE TEMP TABLE held(id TEXT PRIMARY KEY, value TEXT NOT NULL, rank INTEGER)]]

local STATEMENTS = {
  get = "SELECT value FROM held WHERE id = ?",
  put = "INSERT INTO held VALUES (?, ?, ?)"
    .. " ON CONFLICT (id) DO UPDATE SET value = excluded.value, rank = coalesce(rank, excluded.rank)",
  ranked = "SELECT id, value FROM held WHERE rank IS NOT NULL ORDER BY rank",
}

-- Without room for temporary files there is no going on.
local function must(value, message)
  if value == nil and message then error("cannot keep what is known of the tokens in a temporary file: " .. message, 0) end
  return value
end

-- A table, or nil.
function Held:get(id)
  local text = must(self.get_one:row(id))
  return text and json.decode(text)
end

-- `rank`: see ranked(); the first one that is given stays.
function Held:put(id, value, rank)
  must(self.put_one:run(id, json.encode(value), rank))
end

-- fn(…), with all that it puts as one transaction.
function Held:together(fn, ...)
  must(self.db:exec("BEGIN"))
  fn(...)
  must(self.db:exec("COMMIT"))
end

-- for id, value in held:ranked() do: those with a rank, by it. Nothing may be put meanwhile.
function Held:ranked()
  local step, statement, first, closing = self.get_ranked:rows()
  return function()
    local id, text = step(statement)
    if id then return id, json.decode(text) end
  end, nil, first, closing
end

function Held:close()
  self.db:close()
end

Held.__close = Held.close

function M.new()
  local db = must(sqlite.open(":memory:")) -- its temporary tables are not in memory
  must(db:exec(SETUP))
  return setmetatable({ db = db, get_one = must(db:prepare(STATEMENTS.get)), put_one = must(db:prepare(STATEMENTS.put)),
    get_ranked = must(db:prepare(STATEMENTS.ranked)) }, Held)
end

return M
