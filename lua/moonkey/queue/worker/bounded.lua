-- Results as they go to the coordinator: what is too long for a queue is cut, or left out.
local cut = require "moonkey.cut"
local json = require "moonkey.json"
local redact = require("moonkey.secret").redact

local LONGEST_VALUE, LONGEST_TEXT = 64 * 1024, 4096 -- bytes
local MOST_ERRORS = 50
local WRAPPING = #"[[[]]]"

local function short(text)
  if not text then return nil end
  if not json.is_utf8(text) then return "(not UTF-8)" end
  return cut(redact(text), LONGEST_TEXT)
end

-- Errors of fields, as the platform gives them, or a job. Their bytes, too.
local function few(list)
  if not list then return nil, 0 end
  local kept, bytes = json.array(), 0
  for i = 1, math.min(#list, MOST_ERRORS) do
    kept[i] = { field = short(list[i].field), message = short(list[i].message), more = list[i].more }
    bytes = bytes + #(kept[i].field or "") + #(kept[i].message or "")
  end
  return kept, bytes
end

-- What a job has returned, and how many bytes it has. A report has it three levels deep, and JSON is read to a certain depth.
local function value_of(value)
  if value == nil then return nil, 0 end
  local ok, text = pcall(json.encode, { { { value } } })
  if not ok then
    ok, text = pcall(tostring, value) -- as without a queue
    return short(ok and text or "a value that cannot be looked at"), LONGEST_TEXT
  end
  local bytes = #text - WRAPPING
  if bytes <= LONGEST_VALUE then return value, bytes end
  return ("left out: its JSON has %d bytes, and a queue carries %d"):format(bytes, LONGEST_VALUE), 0
end

local function bytes_of_changes(changes)
  local bytes = 0
  for _, change in ipairs(changes or {}) do
    for _, value in ipairs{ change.from, change.to } do
      bytes = bytes + (type(value) == "string" and #value or type(value) == "table" and #table.concat(value, " ") or 0)
    end
  end
  return bytes
end

-- How many bytes there are of what may be long.
return function(r)
  for _, name in ipairs{ "kind", "title", "detail", "trace_id" } do r[name] = short(r[name]) end
  local of_errors, of_value
  r.errors, of_errors = few(r.errors)
  r.value, of_value = value_of(r.value)
  return of_errors + of_value + bytes_of_changes(r.changes)
end
