-- What the routes of tokens do. A handler takes a call, { store, view, principal, id, now, headers, body, query }, and returns
-- a reply, { status, body, headers }.
local body = require "moonkey.emulator.body"
local json = require "moonkey.json"
local listing = require "moonkey.emulator.listing"
local query = require "moonkey.emulator.query"
local reply = require "moonkey.emulator.reply"
local secrets = require "moonkey.emulator.secrets"
local validate = require "moonkey.emulator.validate"

local M = {}

-- `by` in an audit: the token whose credential made the call.
local function actor(principal)
  principal.json = principal.json or json.encode({ id = principal.id, name = principal.name })
  return principal.json
end

local function value_of(field)
  if field ~= json.null then
    return field
  end
end

-- A token that is there to be changed | nil and the reply that says that it is not.
local function live_token(call)
  local token = call.store:token(call.id, call.principal)
  if token and token.status ~= "Deleted" then
    return token
  end
  return nil, reply.not_found("Token", call.id)
end

-- Some versions of the platform tell a token's secret only to whoever creates it.
local function hides_secrets(call)
  return call.store.options and call.store.options.hide_token
end

local function shown(call, selection)
  if hides_secrets(call) then
    selection.fields.token = nil
  end
  return selection
end

-- The token after a change.
local function changed(call, token)
  local selection = hides_secrets(call) and shown(call, query.parse_select(nil, "api-tokens")) or nil
  return reply.ok(200, call.view:token(token, selection))
end

M.list = listing.of("api-tokens", function(call, page)
  local tokens, total = call.store:list(call.principal, page)
  local selection = shown(call, page.select)
  for i, token in ipairs(tokens) do
    tokens[i] = call.view:token(token, selection)
  end
  return tokens, total
end)

function M.get(call)
  local selection, errors -- none is everything, and nearly always what is asked for
  if call.query or hides_secrets(call) then
    selection, errors = query.parse_select(call.query, "api-tokens")
    if not selection then
      return reply.invalid(errors)
    end
    shown(call, selection)
  end
  local token = call.store:token(call.id, call.principal)
  if not token then
    return reply.not_found("Token", call.id)
  end
  return reply.ok(200, call.view:token(token, selection))
end

-- Give the token the fields; is anything of it another than before? Of a list of modules, the order counts, too.
local function change(token, fields)
  local differs = fields.modules ~= nil and table.concat(fields.modules, ";") ~= token.modules
  for _, name in ipairs({ "name", "description", "icon", "extensions" }) do
    local given = fields[name]
    if given ~= nil and token[name] ~= value_of(given) then
      token[name], differs = value_of(given), true
    end
  end
  return differs
end

-- What the platform's server looks at first comes first here: the body, whose token it is about, and then the fields.
function M.update(call)
  local given, refusal = body.read(call, validate.NAMES)
  if not given then
    return refusal
  end
  local token
  token, refusal = live_token(call)
  if not token then
    return refusal
  end
  local fields, errors = validate.fields(given, call.store, call.store:account(token.account).type)
  if not fields then
    return reply.invalid(errors)
  end
  if change(token, fields) then
    call.store:update(token, fields.modules, call.now, actor(call.principal))
  end
  return changed(call, token)
end

-- The account that a new token is for: the caller's own when the body names none.
local function account_of(call, given)
  local id = call.principal.account
  if value_of(given) ~= nil then
    id = type(given) == "table" and given.id
    if type(id) ~= "string" then
      return nil, reply.invalid_field("account", "The account must be an object with an id.")
    elseif id ~= call.principal.account and call.principal.type ~= "Operations" then
      return nil, reply.forbidden("Only an Operations account creates tokens for other accounts.")
    end
  end
  local account = call.store:account(id)
  if not account then
    return nil, reply.invalid_field("account.id", ("Account '%s' does not exist."):format(id))
  end
  return account
end

function M.create(call)
  local given, refusal = body.read(call, validate.NAMES)
  if not given then
    return refusal
  end
  local account
  account, refusal = account_of(call, given.account)
  if not account then
    return refusal
  end
  local fields, errors = validate.fields(given, call.store, account.type, true)
  if not fields then
    return reply.invalid(errors)
  end
  local id = call.store:free_id()
  local token = {
    id = id, name = fields.name, description = value_of(fields.description), icon = value_of(fields.icon), status = "Active",
    secret = secrets.random(id), account = account.id, revision = 1, created_at = call.now, created_by = actor(call.principal),
    modules = fields.modules or {}, extensions = value_of(fields.extensions),
  }
  call.store:add(token)
  return reply.created(call.view:token(token), "/public/v1/accounts/api-tokens/" .. id)
end

-- A handler that takes a token from one status to another.
local function switch(from, to, event)
  return function(call)
    local token, refusal = live_token(call)
    if not token then
      return refusal
    elseif token.status ~= from then
      return reply.invalid_field("status", ("The token is %s; only %s tokens can be %s."):format(token.status, from, event))
    end
    call.store:set_status(token, to, event, call.now, actor(call.principal))
    return changed(call, token)
  end
end

function M.delete(call)
  local token, refusal = live_token(call)
  if not token then
    return refusal
  end
  call.store:set_status(token, "Deleted", "deleted", call.now, actor(call.principal))
  return { status = 204 }
end

M.enable = switch("Disabled", "Active", "enabled")
M.disable = switch("Active", "Disabled", "disabled")

return M
