-- Shows the rows of a plan as they are made: for people, field by field, or as one JSON document.
local diff = require "moonkey.batch.plan.diff"
local harmless = require "moonkey.harmless"
local json = require "moonkey.json"
local planned = require "moonkey.batch.plan.row"
local redact = require("moonkey.secret").redact

local M = {}

local CODES = { added = "32", removed = "31", title = "1", problem = "33" }

local function painted(kind, text)
  return ("\27[%sm%s\27[0m"):format(CODES[kind], text)
end

local function plain(_, text)
  return text
end

local function safe(text)
  return harmless(redact(text))
end

-- ---- for people ----

local Text = {}
Text.__index = Text

function Text:add(row)
  local paint = self.paint
  local title = paint("title", row.id and safe(row.id) or "(no id)")
  if row.line then title = ("%s (line %d)"):format(title, row.line) end
  local problem = row.problem
  if problem then
    local status = problem.status and problem.status .. " " or ""
    local why = problem.detail and ": " .. safe(problem.detail) or ""
    return self.write(("%s\n  %s\n"):format(title, paint("problem", "! " .. status .. safe(problem.title) .. why)))
  elseif #row.changes == 0 then
    return
  end
  local lines = { title }
  for i, change in ipairs(row.changes) do lines[i + 1] = "  " .. diff.describe(change, paint) end
  self.write(table.concat(lines, "\n") .. "\n")
end

function Text:finish(counts)
  self.write(counts:text() .. "\n")
end

-- ---- JSON ----

local Json = {}
Json.__index = Json

function Json:add(_, text)
  self.write((self.begun and ",\n" or "") .. text)
  self.begun = true
end

function Json:finish(counts)
  local totals = { rows = counts.rows }
  for _, kind in ipairs(planned.KINDS) do totals[kind] = counts[kind] end
  self.write(("\n],\"counts\":%s}\n"):format(json.encode(totals, { order = { "rows", table.unpack(planned.KINDS) } })))
end

-- Something with add(row, text), which planned.encode gives, and finish(counts). format: "text" or "json"; write(text); color:
-- boolean; head: what a JSON document begins with (see plan/file.lua).
function M.new(format, write, color, head)
  if format ~= "json" then return setmetatable({ write = write, paint = color and painted or plain }, Text) end
  write(json.encode(head, { order = { "target", "host", "account", "own_id", "input", "undo_of" } }):sub(1, -2)
    .. ',"plan":[\n')
  return setmetatable({ write = write }, Json)
end

return M
