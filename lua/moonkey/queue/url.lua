--[[
Where the Redis of a queue is: redis[s]://[USER@]HOST[:PORT][/DB], with rediss:// where it is not on this machine.

After the DB may come ?cacert=FILE&cert=FILE&key=FILE: of the queue's TLS alone. Without them --cacert, --cert and --key hold
for the queue, too. A password is no part of it: it would show in the list of processes, and in the journal.
]]
local files = require "moonkey.files"
local redis = require "moonkey.redis"

local M = {}

local FORM = "expected rediss://[USER@]HOST[:PORT][/DB], or redis://… on this machine"
local FILES = { cacert = true, cert = true, key = true }

M.PASSWORD_SOURCES = [[
  export MOONKEY_QUEUE_PASSWORD=…             the password itself
  export MOONKEY_QUEUE_PASSWORD_FILE=path     a file that holds it, readable only by you
  export MOONKEY_QUEUE_PASSWORD_COMMAND='…'   a command that prints it, such as one of a password manager]]

local NO_PASSWORD = "it must not have a password in it, which would show in the list of processes. Give the password in one "
  .. "of these ways:\n" .. M.PASSWORD_SOURCES

local function decode(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- "host", "host:port", "[::1]:port": host and port as text
local function split_host(authority)
  if authority:find("^%[") then return authority:match("^%[([%x:.]+)%](.*)$") end
  return authority:match("^([^:%[%]]+)(.*)$")
end

local function port_of(rest)
  if rest == "" then return 6379 end
  local digits = rest:match("^:(%d%d?%d?%d?%d?)$")
  local port = digits and math.tointeger(tonumber(digits))
  return port and port >= 1 and port <= 65535 and port or nil
end

local function parse_files(into, query)
  for part in query:gmatch("[^&]+") do
    local name, value = part:match("^(%w+)=(.+)$")
    if not FILES[name] then return "after the ? may come cacert=FILE, cert=FILE and key=FILE, with & between them" end
    into[name] = decode(value)
  end
end

-- Why that must not be connected to; nil where it may.
local function refusal(place)
  if place.tls or redis.is_loopback(place.host) then return nil end
  return ("refusing redis://%s: the rows, and a password, would travel unencrypted; use rediss:// (plain redis:// is only for "
    .. "a loopback address, such as 127.0.0.1)"):format(place.host)
end

-- A password may have any character in it, such as those that end a host: what is taken for path or query has an @ then.
local function has_password(before, query)
  local user = before:match("^(.*)@")
  return user and user:find("[:/]") or query:find("@", 1, true) and not query:find("^%w+=")
end

-- What is wrong is not quoted: it may be a password.
local function parse_authority(place, authority)
  local user, at = authority:match("^(.*)@([^@]*)$")
  local host, rest = split_host(at or authority)
  if not host then return FORM .. (authority:find("::", 1, true) and "; an IPv6 address goes into brackets: [::1]" or "") end
  place.user, place.host, place.port = user and user ~= "" and decode(user) or nil, host, port_of(rest)
  if not place.port then return "after the host and a colon comes a port from 1 to 65535" end
end

local function parse(text)
  local scheme, rest = text:match("^(%a+)://(.*)$")
  if scheme ~= "redis" and scheme ~= "rediss" then return nil, FORM end
  local before, query = rest:match("^([^?]*)%??(.*)$")
  if has_password(before, query) then return nil, NO_PASSWORD end
  local authority, path = before:match("^([^/]*)/?(.*)$")
  local place = { tls = scheme == "rediss" }
  local problem = parse_authority(place, authority)
  if problem then return nil, problem end
  if not path:find("^%d?%d?%d?%d?$") then return nil, "after the / comes the number of a database, such as /0" end
  place.db = path == "" and 0 or math.tointeger(tonumber(path))
  problem = parse_files(place, query) or refusal(place)
  if problem then return nil, problem end
  return place
end

-- The URL of a place, without what its default is.
local function text_of(place)
  local host = place.host:find(":", 1, true) and "[" .. place.host .. "]" or place.host
  return ("%s://%s%s:%d/%d"):format(place.tls and "rediss" or "redis", place.user and place.user .. "@" or "", host, place.port,
    place.db)
end

local function encode(text)
  return (text:gsub("[%%&]", { ["%"] = "%25", ["&"] = "%26" }))
end

-- The same URL, whose files are found from any directory.
function M.absolute(text)
  local before, query = text:match("^([^?]*%?)(.*)$")
  if not before then return text end
  return before .. query:gsub("([^&=]*=)([^/&][^&]*)", function(name, path)
    return name .. encode(files.absolute(".")) .. "/" .. path
  end)
end

-- { tls =, user =, host =, port =, db =, cacert =, cert =, key =, text = to show }, or nil and what is wrong with the URL.
function M.parse(text)
  local place, problem = parse(text)
  if not place then return nil, "the URL of the queue: " .. problem end
  place.text = text_of(place)
  redis.permit(place)
  return place
end

return M
