-- The body of a request as the fields of an object, or the reply that refuses it.
local json = require "moonkey.json"
local reply = require "moonkey.emulator.reply"

local M = {}

local BOM = "\xEF\xBB\xBF"
local CHARSETS = { ["utf-8"] = true, utf8 = true, ["us-ascii"] = true }
-- What the OpenAPI of the platform names, and +json besides.
local MEDIA_TYPES = { ["application/json"] = true, ["text/json"] = true }

local known_types = {} -- Content-Type as sent -> is it JSON in an encoding that can be read?

local function is_json(content_type)
  local known = known_types[content_type]
  if known == nil then
    local text = content_type:lower()
    local media = text:match("^%s*([^;%s]+)%s*$") or text:match("^%s*([^;%s]+)%s*;")
    local charset = text:match(";%s*charset%s*=%s*\"?([^;\"%s]*)")
    known = media ~= nil and (MEDIA_TYPES[media] or media:find("^application/[^/]+%+json$") ~= nil)
      and (charset == nil or CHARSETS[charset] == true)
    if #content_type < 100 then
      known_types[content_type] = known
    end
  end
  return known
end

-- Names of fields are taken in any case, as the platform's models do; an exact one goes before others.
local function named(body, names)
  local fields = {}
  for name, value in pairs(body) do
    local exact = names[name:lower()]
    if exact and (name == exact or fields[exact] == nil) then
      fields[exact] = value
    end
  end
  return fields
end

-- read(call, names) -> { name = value } | nil, reply. names: { lower-case name = name } of the fields that count; others are
-- left out.
function M.read(call, names)
  local text = call.body
  if not text then
    return nil, reply.invalid_field("$", "A non-empty request body is required.")
  elseif not is_json(call.headers["content-type"] or "") then
    return nil, reply.problem(415, "Unsupported Media Type", "The body must be application/json, in UTF-8.")
  elseif text:sub(1, 3) == BOM then
    text = text:sub(4)
  end
  local body, message = json.decode(text)
  if body == nil then
    return nil, reply.invalid_field("$", "The body is not valid JSON: " .. message)
  elseif type(body) ~= "table" or json.is_array(body) then
    return nil, reply.invalid_field("$", "The body must be a JSON object.")
  end
  return named(body, names)
end

return M
