-- Replies: { status =, body =, headers = }; the errors among them in the shapes of the platform.
local hex = require "moonkey.hex"
local json = require "moonkey.json"
local sys = require "moonkey.sys"

local M = {}

local JSON = { ["Content-Type"] = "application/json" }
local ORDER = { order = { "type", "title", "status", "detail", "traceId", "errors" } }
local TYPE = "https://tools.ietf.org/html/rfc9110#section-"
local SECTIONS = {
  [400] = "15.5.1", [401] = "15.5.2", [403] = "15.5.4", [404] = "15.5.5", [406] = "15.5.7", [413] = "15.5.14",
  [415] = "15.5.16", [500] = "15.6.1",
}

local LONGEST_SHOWN = 100 -- bytes of an id that a message repeats

-- body: JSON text
function M.ok(status, body)
  return { status = status, body = body, headers = JSON }
end

function M.created(body, path)
  return { status = 201, body = body, headers = { ["Content-Type"] = JSON["Content-Type"], Location = path } }
end

-- A W3C traceparent.
local function trace_id()
  return "00-" .. hex.encode(sys.random(16)) .. "-" .. hex.encode(sys.random(8)) .. "-00"
end

-- A value whose texts repeat what was asked, which may not be UTF-8.
local function readable(value)
  if type(value) == "string" then
    return utf8.len(value) and value or (value:gsub("[\x80-\xff]", "?"))
  elseif type(value) ~= "table" then
    return value
  end
  local copy = json.is_array(value) and json.array() or {}
  for key, inner in pairs(value) do
    copy[readable(key)] = readable(inner)
  end
  return copy
end

-- RFC 9110 problem; `errors` maps the name of a field to an array of messages, `more` are members besides.
function M.problem(status, title, detail, errors, more)
  local section = SECTIONS[status] or status < 500 and "15.5" or "15.6"
  local body = {
    type = TYPE .. section, title = title, status = status, detail = readable(detail), traceId = trace_id(),
    errors = readable(errors),
  }
  for name, value in pairs(more or {}) do
    body[name] = value
  end
  return { status = status, body = json.encode(body, ORDER), headers = { ["Content-Type"] = "application/problem+json" } }
end

function M.invalid(errors)
  return M.problem(400, "Bad Request", "One or more validation errors occurred.", errors)
end

-- One message about one field.
function M.invalid_field(field, message)
  return M.invalid({ [field] = json.array({ message }) })
end

function M.unauthorized()
  local reply = M.problem(401, "Authentication Failed",
    "The credential is missing, or is not the secret of an active API token.")
  reply.headers["WWW-Authenticate"] = "Bearer"
  return reply
end

-- id: as it came in the path, so anything
function M.not_found(what, id)
  local shown = utf8.len(id) and #id <= LONGEST_SHOWN and (" '%s'"):format(id) or ""
  return M.problem(404, "Not Found", ("%s%s was not found."):format(what, shown))
end

-- Where the caller may not do what it asks for, whatever it may see.
function M.forbidden(detail)
  return M.problem(403, "Forbidden", detail)
end

-- What the gateway in front of the API says, for paths and methods that do not exist.
function M.gateway(status, message, headers)
  headers = headers or {}
  headers["Content-Type"] = "application/json"
  return { status = status, body = json.encode({ statusCode = status, message = message }, { order = { "statusCode" } }),
    headers = headers }
end

return M
