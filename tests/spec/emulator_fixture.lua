-- An emulator's store and routes, called directly: what the specs of the contract ask. Requests are answered as over a socket, each
-- in a transaction of its own.
local emulator = require "moonkey.emulator"
local json = require "moonkey.json"
local routes = require "moonkey.emulator.routes"
local temporary = require "temporary"

local M = {}

M.TOKENS = "/public/v1/accounts/api-tokens"
M.MODULES = "/public/v1/accounts/modules"

local Peer = {}
Peer.__index = Peer

-- seed: a number of tokens, or the text of a seed file
function M.open(seed)
  local path
  if type(seed) == "string" then
    path = temporary.name()
    local file = assert(io.open(path, "w"))
    file:write(seed)
    file:close()
  end
  local store, credential = emulator.open({ seed = path or seed })
  if path then os.remove(path) end
  assert(store, credential)
  return setmetatable({ store = store, credential = credential }, Peer)
end

function Peer:close()
  self.store:close()
end

-- call(method, path [, body [, { as = credential, [header] = value or false to leave it out }]]) -> status, decoded body, reply.
-- body: a text as it is sent, or what is encoded as JSON.
function Peer:call(method, path, body, headers)
  local request = {
    method = method, path = path:match("^[^?]*"), query = path:match("%?(.*)$"),
    headers = { ["content-type"] = body and "application/json" or nil },
    body = type(body) == "table" and json.encode(body) or body,
  }
  for name, value in pairs(headers or {}) do
    request.headers[name] = value or nil
  end
  local as = request.headers.as or self.credential
  if not headers or headers.authorization == nil then
    request.headers.authorization = "Bearer " .. as
  end
  self.store:begin()
  local reply = routes.handle(self.store, request)
  self.store:commit()
  return reply.status, reply.body and assert(json.decode(reply.body)), reply
end

function M.modules_of(tok)
  local ids = {}
  for i, module in ipairs(tok.modules) do
    ids[i] = module.id
  end
  return table.concat(ids, " ")
end

return M
