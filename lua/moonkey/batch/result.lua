--[[
The result of a row: a table with, in this order, and each only where it applies:
  row        number of the row, from 1; a CSV header is not counted
  line       line of the input on which the row begins
  id         the row's id
  outcome    "done"; "skipped": nothing had to be written; "failed"; "unknown": a request that must not be repeated (a POST)
             broke off, and may have been carried out; "pending": the run was stopped before the row was finished, run it again
  status     HTTP status of the last reply
  kind       of the error: one of the API's kinds, "job" for an error of a custom job, "row" for a row that is wrong itself:
             nothing was sent for it
  title, detail, errors, trace_id   the error; `errors` is a list of { field =, message = }
  traceparent   of the last request (W3C Trace Context), to find it in the platform's logs
  changes    what changed, where the token was read first, or would change under --dry-run: a list of { field =, from =, to = }
  attempts   HTTP exchanges that the row needed
  ms         milliseconds from start to end
  value      what a custom job returned
]]
local errors = require "moonkey.errors"
local json = require "moonkey.json"
local redact = require("moonkey.secret").redact

local M = {}

M.FIELDS = {
  "row", "line", "id", "outcome", "status", "kind", "title", "detail", "errors", "trace_id", "traceparent", "changes",
  "attempts", "ms", "value",
}

-- A job's own error can have anything in its fields.
local function text_of(value)
  if value == nil or type(value) == "string" then return value end
  return tostring(value)
end

local function errors_of(list)
  if type(list) ~= "table" or #list == 0 then return nil end
  local errors_list = json.array()
  for i, e in ipairs(list) do
    if type(e) ~= "table" then e = { message = e } end
    errors_list[i] = { field = text_of(e.field), message = text_of(e.message), more = math.tointeger(e.more) }
  end
  return errors_list
end

local function traceparent_of(value)
  if type(value) == "string" and #value == 55 and value:find("^00%-%x+%-%x+%-%x%x$") then return value end
end

-- The same for each row that failed alike, because the summary groups by it: tostring of an API error names the row's path.
local function title_of(err)
  if err.title or err.detail then return text_of(err.title or err.detail) end
  if math.type(err.status) == "integer" then return errors.reason(err.status) end
  local described = (getmetatable(err) or {}).__tostring
  return described and tostring(err) or text_of(err.kind) or "an error without a text"
end

-- Fill in what is known of an error: an API error, any table, or text.
function M.set_error(result, err)
  if type(err) ~= "table" then
    result.kind, result.title = "job", tostring(err)
    return result
  end
  result.kind = text_of(err.kind) or "job"
  result.title = title_of(err)
  result.detail = err.title and text_of(err.detail)
  result.errors = errors_of(err.errors)
  result.trace_id, result.traceparent = text_of(err.trace_id), traceparent_of(err.traceparent) or result.traceparent
  result.status = math.tointeger(err.status) or result.status
  -- Those of the row, of which the error knows one call's.
  result.attempts = math.max(result.attempts, math.tointeger(err.attempts) or 0)
  return result
end

-- A row that no job is run for.
function M.bad_row(row, line, id, title, detail)
  return {
    row = row, line = line, id = id, outcome = "failed", kind = "row", title = title, detail = detail, attempts = 0, ms = 0,
  }
end

-- A row, as an item { row =, line =, id =, hash = }, that is not run now.
function M.pending(item)
  return { row = item.row, line = item.line, id = item.id, hash = item.hash, outcome = "pending", attempts = 0, ms = 0 }
end

-- Why a row is unknown whose write, "POST /path", was announced, and has no outcome.
function M.interrupted(intent)
  return ("ended during %s: whether it was carried out is not known"):format(intent)
end

function M.unknown(item, intent)
  return { row = item.row, line = item.line, id = item.id, hash = item.hash, outcome = "unknown", kind = "interrupted",
    title = M.interrupted(intent), attempts = 0, ms = 0 }
end

-- What a job returns or raises may hold anything, also a credential that the server repeated in a good reply.
local function masked(value)
  if type(value) == "string" then return redact(value) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in next, value do copy[masked(key)] = masked(item) end
  return json.is_array(value) and json.array(copy) or copy
end

local ORDER = { order = M.FIELDS }
local DONE = '{"row":%d,"line":%d,"id":"%s","outcome":"done","status":%d,"traceparent":"%s","attempts":%d,"ms":%d}\n'

-- One line of JSONL. Nearly all results are of the first kind, and deserve a short way.
function M.to_jsonl(result)
  local id = result.id
  local plain = result.outcome == "done" and result.traceparent and result.status and result.line and id
    and result.value == nil and not result.changes
  if plain and id:find("^%u%u%u%-%d+%-%d+$") then -- the platform's form, which is no secret's
    return DONE:format(result.row, result.line, id, result.status, result.traceparent, result.attempts, result.ms)
  end
  local ok, text = pcall(json.encode, result, ORDER)
  if ok and redact(text) ~= text then
    text = json.encode(masked(result), ORDER)
  elseif not ok then -- the value of a custom job is something that JSON has no form for, or an error text is not UTF-8
    local safe = {}
    for key, value in next, result do
      local shown = type(value) == "number" and value or redact(tostring(value))
      safe[key] = json.is_utf8(shown) and shown or "(not UTF-8)"
    end
    text = json.encode(safe, ORDER)
  end
  return text .. "\n"
end

local function csv_cell(value)
  if value == nil then return "" end
  value = masked(value)
  local text = type(value) == "table" and json.encode(value) or tostring(value)
  local quoted = text:find('[",\r\n]') or text:find("^%s") or text:find("%s$") -- around a bare cell spaces are dropped
  return quoted and '"' .. text:gsub('"', '""') .. '"' or text
end

-- A line of CSV from the cells of a list, and one more, if there is one.
function M.csv_line(cells, last)
  local escaped = {}
  for i, value in ipairs(cells) do escaped[i] = csv_cell(value) end
  if last then escaped[#escaped + 1] = csv_cell(last) end
  return table.concat(escaped, ",") .. "\r\n"
end

-- Text for one line of a terminal: of control characters nothing is left.
function M.one_line(text)
  return (redact(text):gsub("[%c\x7f]", " "):gsub("\xc2[\x80-\x9f]", " "))
end

M.CSV_HEADER = table.concat(M.FIELDS, ",") .. "\r\n"

-- One line of CSV (RFC 4180); lists and tables are JSON within their cell.
function M.to_csv(result)
  local cells = {}
  for i, field in ipairs(M.FIELDS) do
    local ok, cell = pcall(csv_cell, result[field])
    cells[i] = ok and cell or csv_cell(tostring(result[field]))
  end
  return table.concat(cells, ",") .. "\r\n"
end

return M
