-- Objects as JSON: one array with an object a line, lines of JSONL, or indented. Secrets are masked, wherever they stand.
local json = require "moonkey.json"
local redact = require("moonkey.secret").redact
local stdout = require "moonkey.cli.output.stdout"

local M = {}

-- What a person looks for first.
local FIRST = { "id", "name", "description", "icon", "status", "lastAccessAt", "account", "modules", "audit", "revision" }
local ORDER = { order = FIRST }

local function line(object)
  return redact(json.encode(object, ORDER))
end

local Array = {}
Array.__index = Array

function Array:add(object)
  stdout.write(self.any and ",\n" or "[\n", self.encode(object))
  self.any = true
end

function Array:finish()
  stdout.write(self.any and "\n]\n" or "[]\n")
  stdout.flush()
end

-- encode(object) -> JSON text on one line; without it, as tokens are written.
function M.array(encode)
  return setmetatable({ encode = encode or line }, Array)
end

local Lines = {}
Lines.__index = Lines

function Lines:add(object)
  stdout.write(self.encode(object), "\n")
end

function Lines.finish()
  stdout.flush()
end

function M.lines(encode)
  return setmetatable({ encode = encode or line }, Lines)
end

local function sorted_keys(object, first)
  local keys, rank = {}, {}
  for i, key in ipairs(first) do rank[key] = i end
  for key in pairs(object) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if rank[a] or rank[b] then return (rank[a] or math.huge) < (rank[b] or math.huge) end
    return a < b
  end)
  return keys
end

local function indent(value, margin, first)
  if type(value) ~= "table" or next(value) == nil then return json.encode(value) end
  local deeper, items = margin .. "  ", {}
  local is_list = json.is_array(value)
  if is_list then
    for i, item in ipairs(value) do items[i] = deeper .. indent(item, deeper, {}) end
  else
    for i, key in ipairs(sorted_keys(value, first)) do
      items[i] = ("%s%s: %s"):format(deeper, json.encode(key), indent(value[key], deeper, {}))
    end
  end
  local open, close = is_list and "[" or "{", is_list and "]" or "}"
  return ("%s\n%s\n%s%s"):format(open, table.concat(items, ",\n"), margin, close)
end

-- A value of decoded JSON as lines for people, without a newline at the end. A secret that is an object of moonkey.secret is
-- written as [redacted]; text is not masked.
function M.indented(value)
  return indent(value, "", FIRST)
end

-- One value, indented or on one line.
function M.print(value, compact)
  stdout.write(redact(compact and json.encode(value, ORDER) or M.indented(value)), "\n")
  stdout.flush()
end

return M
