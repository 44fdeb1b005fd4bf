--[[
Of a run over a queue: which chunks of rows are over, in a table of their own in its journal. That is written with the results
of a chunk, in one transaction; so a report that is met a second time, because its removal from the server was lost, is known.
]]
local entries = require "moonkey.batch.journal.entries"
local schema = require "moonkey.batch.journal.schema"

local M = {}

local Chunks = {}
Chunks.__index = Chunks

local TABLE = "CREATE TABLE IF NOT EXISTS chunks(id TEXT PRIMARY KEY) WITHOUT ROWID"

local STATEMENTS = {
  over = "INSERT OR IGNORE INTO chunks VALUES (?)",
  is_over = "SELECT 1 FROM chunks WHERE id = ?",
  state = "SELECT state FROM rows WHERE row = ?",
  kind = "SELECT kind FROM sessions WHERE number = ?",
  value = "SELECT value FROM run WHERE key = ?",
  intent = "SELECT intent FROM intents JOIN rows USING (row) WHERE row = ? AND state = 0",
}

function Chunks:is_over(id)
  return self.statements.is_over:row(id) ~= nil
end

-- fn() calls the writer's add() for what came of the rows of a chunk: that, and that it is over, is committed all at once. What
-- the rows had announced whose numbers it returns as a list was not carried out.
function Chunks:take_in(id, fn)
  local withdrawn
  self.writer:together(function() withdrawn = fn() end, function(writer)
    local ok, message, kind = self.statements.over:run(id)
    if ok == nil then error({ message = message, kind = kind }, 0) end
    for _, row in ipairs(withdrawn or {}) do entries.take_back(writer, row) end
  end)
end

-- Does a report of a chunk of this session tell anything new of the row? One that has failed is tried again by `retry` alone.
function Chunks:is_wanted(row, session)
  local state = schema.NAMES[self.statements.state:row(row) or schema.STATES.new]
  return state == "new" or (state == "failed" and self.statements.kind:row(session) == "retry")
end

-- What was announced for the row and has no outcome yet; or nil.
function Chunks:intent_of(row)
  return (self.statements.intent:row(row))
end

-- Something that an earlier session has put into the table `run`.
function Chunks:value(key)
  return (self.statements.value:row(key))
end

-- For the writer of a journal; nil, message where it cannot be.
function M.of(writer)
  local ok, message, kind = writer.db:exec(TABLE)
  if not ok then return nil, schema.explain(message, kind) end
  local self = setmetatable({ writer = writer, statements = {} }, Chunks)
  for name, sql in pairs(STATEMENTS) do
    self.statements[name], message, kind = writer.db:prepare(sql)
    if not self.statements[name] then return nil, schema.explain(message, kind) end
  end
  return self
end

return M
