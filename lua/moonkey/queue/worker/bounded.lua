-- Results as they go to the coordinator: what is too long for a queue is cut, or left out.
local json = require "moonkey.json"
local redact = require("moonkey.secret").redact

local LONGEST_VALUE, LONGEST_TEXT = 64 * 1024, 4096 -- bytes
local MOST_ERRORS = 50

-- Masked first: of a secret that is cut in two, neither half is known as one.
local function short(text)
  if not text then return nil end
  if not json.is_utf8(text) then return "(not UTF-8)" end
  text = redact(text)
  if #text <= LONGEST_TEXT then return text end
  return text:sub(1, utf8.offset(text, 0, LONGEST_TEXT) - 1) .. "…"
end

-- Errors of fields, as the platform gives them, or a job.
local function few(list)
  if not list then return nil end
  local kept = json.array()
  for i = 1, math.min(#list, MOST_ERRORS) do
    kept[i] = { field = short(list[i].field), message = short(list[i].message), more = list[i].more }
  end
  return kept
end

return function(r)
  for _, name in ipairs{ "kind", "title", "detail", "trace_id" } do r[name] = short(r[name]) end
  r.errors = few(r.errors)
  if r.value == nil then return end
  local ok, text = pcall(json.encode, r.value)
  if not ok then
    ok, text = pcall(tostring, r.value) -- as without a queue
    r.value = short(ok and text or "a value that cannot be looked at")
  elseif #text > LONGEST_VALUE then
    r.value = ("left out: its JSON has %d bytes, and a queue carries %d"):format(#text, LONGEST_VALUE)
  end
end
