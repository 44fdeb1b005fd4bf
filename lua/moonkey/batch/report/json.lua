-- The facts of a report (see facts.lua) as one JSON object, with instants as the API writes them: 2025-07-15T17:41:44.029Z.
local json = require "moonkey.json"
local time = require "moonkey.time"
local visible = require "moonkey.batch.report.visible"

local M = {}

local ORDER = { order = { "run", "running", "said", "totals", "seconds", "requests", "sessions" } }

local INSTANTS = { created = true, started = true, ended = true }
local LISTS = { sessions = true, failures = true, unknowns = true, rows = true, errors = true, next = true, segments = true,
  bins = true, fields = true, modules = true, changes = true }

-- Empty lists stay lists; what is called `rows` can also be a number.
local function prepared(value, name)
  if INSTANTS[name] and math.type(value) == "integer" then return time.format(value / 1000) end
  if type(value) == "string" and not json.is_utf8(value) then return visible.text(value) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in next, value do copy[key] = prepared(item, key) end
  if #copy > 0 or json.is_array(value) or LISTS[name] and next(copy) == nil then return json.array(copy) end
  return copy
end

function M.render(facts)
  return json.encode(prepared(facts), ORDER)
end

return M
