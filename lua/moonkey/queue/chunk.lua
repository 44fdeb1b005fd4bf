--[[
What coordinator and workers send each other through Redis, as text: rows in chunks, and what came of them in reports and notes.

  rows     [{"n":row,"l":line,"h":hash as hex,"p":1 for a plan's row,"r":the row}, …]
  report   {"results":[what batch/result.lua says, and "hash" as hex, "withdrawn"], "changes":writes sent, "retries":n,
            "stopped":why the worker stops}
  note     {"row":n, "changes":[{"field","from","to"}, …]} or {"row":n, "intent":"POST /path"}

Whatever comes is checked before it is believed: on the server, others may write, too.
]]
local diff = require "moonkey.batch.plan.diff"
local hex = require "moonkey.hex"
local json = require "moonkey.json"
local planned = require "moonkey.batch.plan.row"
local redact = require("moonkey.secret").redact
local result = require "moonkey.batch.result"

local M = {}

M.DEFAULT_ROWS, M.MAX_ROWS = 100, 100
M.MAX_BYTES = 256 * 1024 -- of the rows' text; one row may be longer

-- An item { row =, line =, hash =, data = the row } as text; or nil, title, detail of why the row cannot be queued.
function M.encode_row(item)
  local row = item.data
  local entry = { n = item.row, l = item.line, h = item.hash and hex.encode(item.hash), p = planned.is(row) and 1 or nil,
    r = row }
  local ok, text = pcall(json.encode, { entry }) -- as it is read: one that is nested too deep there would take others along
  if not ok then return nil, "not queued", "the row cannot be written as JSON: " .. tostring(text) end
  text = text:sub(2, -2)
  if redact(text) ~= text then
    return nil, "not queued", "it has a credential in it, which no queue may hold: run this row without --queue"
  end
  return text
end

-- The texts of rows as those of a chunk.
function M.encode_rows(texts)
  return "[" .. table.concat(texts, ",") .. "]"
end

local function integer_or_nil(value)
  return value == nil or math.type(value) == "integer"
end

local function item_of(entry)
  if type(entry) ~= "table" or math.type(entry.n) ~= "integer" or type(entry.r) ~= "table" or not integer_or_nil(entry.l) then
    return nil
  end
  local row = entry.r
  if entry.p then
    if row.changes ~= nil and type(row.changes) ~= "table" then return nil end
    row = planned.new(row)
  end
  local id = row.id
  return { row = entry.n, line = entry.l, hash = hex.decode(entry.h), id = type(id) == "string" and id or nil, data = row }
end

local function decoded(text, what)
  local ok, value = pcall(json.decode, text)
  if ok and type(value) == "table" then return value end
  return nil, ("%s is not what moonkey writes: %s"):format(what, ok and "no table" or tostring(value))
end

-- The items { row =, line =, hash =, id =, data = } of a chunk's text; or nil, message.
function M.decode_rows(text)
  local list, message = decoded(text, "the chunk")
  if not list then return nil, message end
  local items, numbers = {}, {}
  for i, entry in ipairs(list) do
    items[i] = item_of(entry)
    if not items[i] then return nil, ("the chunk is not what moonkey writes: its row %d is none"):format(i) end
    if numbers[entry.n] then return nil, ("the chunk is not what moonkey writes: row %d is in it twice"):format(entry.n) end
    numbers[entry.n] = true
  end
  if #items == 0 then return nil, "the chunk has no rows" end
  return items
end

-- With all secrets masked. `at`, `intended`, `withdrawn` and `carried_out` are between an engine and its journal; `announced`:
-- this worker has announced a write of the row that must not be repeated, so that it knows what came of it.
local function encode_result(r)
  local shown = {}
  for key, value in next, r do shown[key] = value end
  for _, name in ipairs{ "hash", "at", "intended", "withdrawn", "carried_out", "announced" } do shown[name] = nil end
  local more = (r.hash and (',"hash":"%s"'):format(hex.encode(r.hash)) or "") .. (r.announced and ',"announced":true' or "")
  return result.to_jsonl(shown):sub(1, -3) .. more .. "}"
end

-- { results =, changes =, retries =, stopped = } as text.
function M.encode_report(report)
  local texts = {}
  for i, r in ipairs(report.results) do texts[i] = encode_result(r) end
  local rest = json.encode({ changes = report.changes or 0, retries = report.retries or 0, stopped = report.stopped })
  return ('{"results":[%s],%s'):format(table.concat(texts, ","), rest:sub(2))
end

local OUTCOMES = { done = true, failed = true, unknown = true, skipped = true, pending = true }
local TEXTS = { "kind", "title", "detail", "trace_id", "traceparent" }
local LONGEST_TEXT = 16 * 1024 -- bytes; a worker cuts them (worker/bounded.lua)
local NUMBERS = { "line", "status", "attempts", "ms" }

local function is_traceparent(text)
  return #text == 55 and text:find("^00%-%x+%-%x+%-%x%x$") ~= nil
end

local function text_or_nil(value)
  return value == nil or (type(value) == "string" and #value <= LONGEST_TEXT)
end

-- Is it a list in which is(item) holds for each?
local function is_list_of(is, list)
  if type(list) ~= "table" or not json.is_array(list) then return false end
  for _, item in ipairs(list) do
    if not is(item) then return false end
  end
  return true
end

local function is_error(e)
  return type(e) == "table" and text_or_nil(e.field) and text_or_nil(e.message)
end

local FIELDS = {}
for _, field in ipairs(diff.FIELDS) do FIELDS[field] = true end

local function is_text(value)
  return type(value) == "string"
end

-- As of moonkey.batch.plan.diff: reports and `undo` rely on it.
local function is_change(change)
  if type(change) ~= "table" or not FIELDS[change.field] or change.from == nil or change.to == nil then return false end
  return change.field ~= "modules" or (is_list_of(is_text, change.from) and is_list_of(is_text, change.to))
end

local function is_result(r)
  if type(r) ~= "table" or math.type(r.row) ~= "integer" or not OUTCOMES[r.outcome] then return false end
  for _, name in ipairs(TEXTS) do
    if not text_or_nil(r[name]) then return false end
  end
  for _, name in ipairs(NUMBERS) do
    if not integer_or_nil(r[name]) then return false end
  end
  if r.traceparent and not is_traceparent(r.traceparent) then return false end
  return (r.errors == nil or is_list_of(is_error, r.errors)) and (r.changes == nil or is_list_of(is_change, r.changes))
end

-- Of which many can be added up.
local MOST = 1 << 40
local function count_of(value)
  return math.type(value) == "integer" and value >= 0 and value <= MOST and value or 0
end

-- The report { results =, changes =, retries =, stopped = } of a text; or nil, message.
function M.decode_report(text)
  local report, message = decoded(text, "the report")
  if not report then return nil, message end
  if type(report.results) ~= "table" or not json.is_array(report.results) then
    return nil, "the report is not what moonkey writes: it has no results"
  end
  for i, r in ipairs(report.results) do
    if not is_result(r) then return nil, ("the report is not what moonkey writes: its result %d is none"):format(i) end
    r.hash, r.announced, r.withdrawn, r.intended = hex.decode(r.hash), r.announced == true, nil, nil
    r.attempts, r.ms = r.attempts or 0, r.ms or 0
  end
  return { results = report.results, changes = count_of(report.changes), retries = count_of(report.retries),
    stopped = type(report.stopped) == "string" and report.stopped or nil }
end

-- { row =, changes = } or { row =, intent = } as text.
function M.encode_note(note)
  local text = json.encode{ row = note.row, changes = note.changes and json.array(note.changes), intent = note.intent }
  return redact(text)
end

function M.decode_note(text)
  local note, message = decoded(text, "the note")
  if not note then return nil, message end
  local says = is_list_of(is_change, note.changes) or (note.changes == nil and type(note.intent) == "string")
  if math.type(note.row) == "integer" and says then return { row = note.row, changes = note.changes, intent = note.intent } end
  return nil, "the note is not what moonkey writes"
end

return M
