-- What the routes of tokens do. A handler takes a call, { store, view, principal, id, now, headers, body, query }, and returns
-- a reply, { status, body, headers }.
local json = require "moonkey.json"
local query = require "moonkey.emulator.query"
local reply = require "moonkey.emulator.reply"
local sys = require "moonkey.sys"
local validate = require "moonkey.emulator.validate"
local view = require "moonkey.emulator.view"

local M = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

-- `by` in an audit: the token whose credential made the call.
local function actor(principal)
  principal.json = principal.json or json.encode({ id = principal.id, name = principal.name })
  return principal.json
end

local media_types = {} -- Content-Type as sent -> is it JSON?

local function is_json(content_type)
  local known = media_types[content_type]
  if known == nil then
    local media = content_type:lower():match("^%s*([^;%s]+)")
    known = media == "application/json" or media == "text/json" or media ~= nil and media:find("^application/.+%+json$") ~= nil
    if #content_type < 100 then
      media_types[content_type] = known
    end
  end
  return known
end

-- The body as a table | nil and the reply that refuses it.
local function read_body(call)
  if not call.body then
    return nil, reply.invalid_field("$", "A request body is required.")
  elseif not is_json(call.headers["content-type"] or "") then
    return nil, reply.problem(415, "Unsupported Media Type", "The body must be application/json.")
  end
  local body, message = json.decode(call.body)
  if body == nil then
    return nil, reply.invalid_field("$", "The body is not valid JSON: " .. message)
  elseif type(body) ~= "table" or json.is_array(body) then
    return nil, reply.invalid_field("$", "The body must be a JSON object.")
  end
  return body
end

local function value_of(field)
  if field ~= json.null then
    return field
  end
end

local function secret_for(id)
  local letters = sys.random(64):gsub(".", function(byte)
    local index = byte:byte() % #ALPHABET + 1
    return ALPHABET:sub(index, index)
  end)
  return "idt:" .. id .. ":" .. letters
end

-- A token that is there to be changed | nil and the reply that says that it is not.
local function live_token(call)
  local token = call.store:token(call.id, call.principal)
  if token and token.status ~= "Deleted" then
    return token
  end
  return nil, reply.not_found("Token", call.id)
end

function M.list(call)
  local page, errors = query.parse(call.query)
  if not page then
    return reply.invalid(errors)
  end
  local tokens, total = call.store:list(call.principal, page.offset, page.limit)
  local omitted = view.omitted(page.select)
  for i, token in ipairs(tokens) do
    tokens[i] = call.view:summary(token, page.select, omitted)
  end
  return reply.ok(200, view.page(tokens, page.offset, page.limit, total, omitted))
end

function M.get(call)
  local token = call.store:token(call.id, call.principal)
  if not token then
    return reply.not_found("Token", call.id)
  end
  return reply.ok(200, call.view:token(token))
end

function M.update(call)
  local token, refusal = live_token(call)
  if not token then
    return refusal
  end
  local body
  body, refusal = read_body(call)
  if not body then
    return refusal
  end
  local fields, errors = validate.fields(body, call.store, call.store:account(token.account).type)
  if not fields then
    return reply.invalid(errors)
  end
  if next(fields) ~= nil then
    if fields.name then
      token.name = fields.name
    end
    if fields.description ~= nil then
      token.description = value_of(fields.description)
    end
    if fields.icon ~= nil then
      token.icon = value_of(fields.icon)
    end
    call.store:update(token, fields.modules, call.now, actor(call.principal))
  end
  return reply.ok(200, call.view:token(token))
end

-- The account that a new token is for: the caller's own when the body names none.
local function account_of(call, body)
  local id = call.principal.account
  if body.account ~= nil then
    id = type(body.account) == "table" and body.account.id
  end
  local account = type(id) == "string" and call.store:account(id)
  if not account then
    return nil, reply.invalid_field("account", "The account must be an object with the id of an account that exists.")
  elseif id ~= call.principal.account and call.principal.type ~= "Operations" then
    return nil, reply.problem(403, "Forbidden", "Only an Operations account creates tokens for other accounts.")
  end
  return account
end

function M.create(call)
  local body, refusal = read_body(call)
  if not body then
    return refusal
  end
  local account
  account, refusal = account_of(call, body)
  if not account then
    return refusal
  end
  if body.name == nil then
    body.name = json.null
  end
  local fields, errors = validate.fields(body, call.store, account.type)
  if not fields then
    return reply.invalid(errors)
  end
  local id = call.store:free_id()
  local token = {
    id = id, name = fields.name, description = value_of(fields.description), icon = value_of(fields.icon), status = "Active",
    secret = secret_for(id), account = account.id, revision = 1, created_at = call.now, created_by = actor(call.principal),
    modules = fields.modules or {},
  }
  call.store:add(token)
  return reply.ok(201, call.view:token(token))
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
    return reply.ok(200, call.view:token(token))
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
