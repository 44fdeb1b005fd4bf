--[[
Errors of API calls: one shape, whatever the wire had.

err.kind is one of M.KINDS; status, title, detail, errors (a list of { field =, message = }) and trace_id come from the reply
where it has them (api-contract, section 3, shapes A to D); attempts, retryable, method, path, host and traceparent say what was
done. Only where they are true: unfinished, the run was stopped before another attempt; unknown, it must not be repeated and may
have been carried out; certificate, one was refused. However much a server says, there is no more of it than M.MOST tells:
each text is cut, and `errors` ends in { message =, more = how many more there were }.
tostring(err) is one line that a person can act on.
]]
local cut = require "moonkey.cut"
local http = require "moonkey.http"
local json = require "moonkey.json"
local redact = require("moonkey.secret").redact
local sorted_keys = require "moonkey.sorted_keys"

local M = {}

M.MOST = {
  errors = 100,
  text = 2000, -- bytes of each text,
  line = 200, -- of one that is no JSON,
  page = 8000, -- and of what is looked at to find that
}

M.KINDS = { "api", "auth", "transport", "timeout", "invalid_response", "cancelled", "refused", "drift" }

local REASONS = {
  [300] = "Redirect", [301] = "Redirect", [302] = "Redirect", [303] = "Redirect", [307] = "Redirect", [308] = "Redirect",
  [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
  [408] = "Request Timeout", [409] = "Conflict", [413] = "Content Too Large", [415] = "Unsupported Media Type",
  [422] = "Unprocessable Content", [425] = "Too Early", [428] = "Precondition Required", [429] = "Too Many Requests",
  [500] = "Internal Server Error", [501] = "Not Implemented", [502] = "Bad Gateway", [503] = "Service Unavailable",
  [504] = "Gateway Timeout",
}

-- What a status means, for a reply that does not say.
function M.reason(status)
  return REASONS[status] or ("HTTP %d"):format(status)
end

-- What to do now, where we can know it.
local function advice(err)
  local wrote = err.method ~= "GET" and (err.attempts or 0) > 0
  if err.kind == "drift" then
    return "look at it, and make the change again"
  elseif err.unknown then
    return "whether it was carried out is unknown: look before you repeat it"
  elseif err.status == 401 then
    return ("check that the credential from %s belongs to an Active token of %s")
      :format(err.credential_origin or "its source", err.host or "this host")
  elseif err.status == 403 then
    return "the credential's token has no permission for this; its modules decide what it may do"
  elseif err.status == 404 and err.method == "DELETE" and (err.attempts or 0) > 1 then
    return "an attempt before the last one may have deleted it; otherwise check the id"
  elseif err.status == 404 then
    return "check the id, and that the credential's account may see it"
  elseif err.status and err.status >= 300 and err.status < 400 then
    return "check the base URL"
  elseif err.kind == "timeout" then
    return wrote and "a write may have been applied; updates are safe to repeat" or nil
  elseif err.kind == "transport" and not err.certificate then
    return "check the base URL and the network"
  elseif err.kind == "invalid_response" then
    return wrote and "a write was probably applied; look at the token before you repeat it" or nil
  end
end

local function describe_errors(list)
  local parts, last = {}, list[#list]
  for i, e in ipairs(list) do
    if i == 6 then
      parts[i] = ("and %d more"):format(#list - 5 + (last.more and last.more - 1 or 0))
      break
    end
    parts[i] = e.field and e.field ~= "" and ("%s: %s"):format(e.field, e.message) or e.message
  end
  return table.concat(parts, "; ")
end

local function tostring_error(err)
  local parts = {}
  local function add(separator, text)
    if text and text ~= "" then
      parts[#parts + 1] = (#parts > 0 and separator or "") .. text:gsub("%.$", "")
    end
  end
  add("", err.method and ("%s %s"):format(err.method, err.path))
  if err.status then
    add(": ", tostring(err.status))
    add(" ", err.title or REASONS[err.status])
  else
    add(": ", err.title)
  end
  add(": ", err.detail)
  if err.errors and #err.errors > 0 then
    add(" — ", describe_errors(err.errors))
  end
  add("; ", err.attempts and err.attempts > 1 and ("gave up after %d attempts"):format(err.attempts) or nil)
  add("; ", advice(err))
  add(" ", err.trace_id and ("(trace %s)"):format(err.trace_id))
  return table.concat(parts)
end

local Error = { __name = "moonkey.error", __tostring = tostring_error }

-- Is this value an error of an API call?
function M.is(value)
  return getmetatable(value) == Error
end

-- What the reply says, as text for people. Redacted once more: an escape such as \u003a may have hidden a secret until now.
-- Only then is it cut, because redact need not know a part of one.
local function text(value)
  if type(value) == "string" then
    return cut(redact(value), M.MOST.text)
  elseif type(value) == "number" or type(value) == "boolean" then
    return tostring(value)
  end
end

local function as_json(value)
  return cut(redact(json.encode(value)), M.MOST.text)
end

-- A list of the first of `total` errors says what is missing.
local function finish(list, total)
  local more = total - #list
  if more > 0 then list[#list + 1] = { message = ("and %d more"):format(more), more = more } end
  return list
end

-- Shape A: { field = { message, … } }, with single strings tolerated; sorted, so that it reads the same each time.
local function from_map(map)
  local list, total = {}, 0
  for _, name in ipairs(sorted_keys(map)) do
    local messages = map[name]
    for _, message in ipairs(type(messages) == "table" and messages or { messages }) do
      total = total + 1
      if total <= M.MOST.errors then
        list[total] = { field = text(name), message = text(message) or as_json(message) }
      end
    end
  end
  return finish(list, total)
end

-- Shape B: { { message =, properties = { … } }, … }, with strings tolerated.
local function from_list(items)
  local list = {}
  for i, item in ipairs(items) do
    if i > M.MOST.errors then
      break
    elseif type(item) == "table" then
      local fields = {}
      for _, property in ipairs(type(item.properties) == "table" and item.properties or {}) do
        fields[#fields + 1] = text(property)
      end
      local field = #fields > 0 and cut(table.concat(fields, ", "), M.MOST.text) or nil
      list[#list + 1] = { field = field,
        message = text(item.message) or text(item.id) or as_json(item) }
    else
      list[#list + 1] = { message = text(item) or as_json(item) }
    end
  end
  return finish(list, #items)
end

local function one_line(body)
  return cut(body:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""), M.MOST.line)
end

-- What stands between the first <title> and what closes it. No pattern, which would go back for ever on a hostile page.
local function title_of(page)
  local small = page:lower()
  local from = small:find("<title", 1, true)
  local opened = from and small:find(">", from, true)
  local closed = opened and small:find("</", opened, true)
  return closed and page:sub(opened + 1, closed - 1)
end

-- Shape D: anything else.
local function from_text(err, body)
  body = cut(body, M.MOST.page)
  local title = title_of(body)
  if title then
    err.detail = ("a web page, %q"):format(one_line(title))
  elseif body:find("^%s*<") then
    err.detail = "a web page or XML instead of JSON"
  elseif body:find("%S") then
    err.detail = one_line(body)
  end
end

local function from_body(err, body)
  local value = json.decode(body)
  if type(value) ~= "table" or json.is_array(value) then
    if json.is_array(value) then
      err.errors = from_list(value)
    else
      from_text(err, text(value) or body)
    end
    return
  end
  err.title = text(value.title) or text(value.message)
  err.detail = text(value.detail) or text(value.details)
  err.trace_id = text(value.traceId)
  local errors = value.errors
  if json.is_array(errors) then
    err.errors = from_list(errors)
  elseif type(errors) == "table" then
    err.errors = from_map(errors)
  elseif text(errors) then
    err.errors = { { message = text(errors) } }
  end
end

-- A message may hold a few of the server's bytes, such as the host of a redirect.
local function as_utf8(message)
  return utf8.len(message) and message or (message:gsub("[\x80-\xff]", "?"))
end

-- Zero bytes mean UTF-16 or worse, in which neither we nor redact would know a secret.
local function is_text(body)
  return utf8.len(body) and not body:find("\0", 1, true)
end

-- An error that is found here, and not on the wire. facts: kind, method and path; title, detail and status where known.
function M.new(facts)
  facts.host = facts.host or (http.origin())
  facts.attempts, facts.retryable, facts.errors = facts.attempts or 0, facts.retryable or false, facts.errors or {}
  return setmetatable(facts, Error)
end

-- From what the host knows of a call that failed; `facts` becomes the error. All texts in it are redacted already.
function M.from_result(facts)
  local err = setmetatable(facts, Error)
  local body, message = facts.body, as_utf8(facts.message)
  facts.body, facts.message = nil, nil
  if err.status and body ~= "" and is_text(body) then
    if err.kind ~= "invalid_response" then
      from_body(err, body)
    elseif body:find("^%s*<") then -- it helps to know whose page it is
      from_text(err, body)
    end
  end
  if message ~= "" then -- of a failure below HTTP, of a reply that is not what it should be, or of a redirect
    err.detail = err.detail and ("%s; %s"):format(message, err.detail) or message
  end
  if err.kind == "invalid_response" then
    err.title = "the reply cannot be used"
  elseif err.kind == "transport" or err.kind == "timeout" then
    err.title = (err.status and "the reply from %s broke off" or "no reply from %s"):format(err.host)
  end
  err.errors = err.errors or {}
  return err
end

return M
