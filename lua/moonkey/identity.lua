-- Who we are to the platform: the token of the credential in use, and its account. What whoami and doctor tell.
local api = require "moonkey.api"
local http = require "moonkey.http"
local token = require "moonkey.token"

local M = {}

-- Of a table of the platform's, only these fields, where they are text.
local function texts(value, names)
  local kept = {}
  for _, name in ipairs(names) do
    if type(value) == "table" and type(value[name]) == "string" then kept[name] = value[name] end
  end
  return kept
end

-- A credential that does not name its token may be good all the same: the platform will say, if it is asked for anything.
local function try(limits)
  local page, err = api.request("GET", "/accounts/api-tokens",
    { query = { limit = 1, select = "id" }, retry = limits.retry, max_time = limits.max_time })
  if not page then return nil, err end
  return { token = {}, account = {} }
end

-- { token = { id =, name =, status = }, account = { id =, name =, type = } }, as far as the platform tells; or nil, err.
-- One request.
function M.learn(limits)
  local _, _, _, own_id = http.origin()
  if own_id == "" then return try(limits) end
  local tok, err = token.get(own_id, limits)
  if not tok then return nil, err end
  return { token = texts(tok, { "id", "name", "status" }), account = texts(tok.account, { "id", "name", "type" }) }
end

return M
