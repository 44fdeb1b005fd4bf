-- The routes of the token API: what a request is for, and who makes it. handle() is called within a transaction of the store.
local clock = require "moonkey.emulator.clock"
local listing = require "moonkey.emulator.listing"
local query = require "moonkey.emulator.query"
local reply = require "moonkey.emulator.reply"
local tokens = require "moonkey.emulator.tokens"
local view = require "moonkey.emulator.view"

local M = {}

-- ---- modules ----

local function operations_only(handler)
  return function(call)
    if call.principal.type ~= "Operations" then
      return reply.forbidden("Modules are shown to Operations accounts only.")
    end
    return handler(call)
  end
end

local list_modules = listing.of("modules", function(call, page)
  local items, total = call.store:list_modules(page)
  for i, module in ipairs(items) do
    items[i] = view.module(module, page.select)
  end
  return items, total
end)

local function get_module(call)
  local selection, errors = query.parse_select(call.query, "modules")
  if not selection then
    return reply.invalid(errors)
  end
  local module = call.store:module(call.id)
  if not module then
    return reply.not_found("Module", call.id)
  end
  return reply.ok(200, view.module(module, selection))
end

-- ---- dispatch ----

local TOKENS = {
  collection = { GET = tokens.list, POST = tokens.create },
  item = { GET = tokens.get, PUT = tokens.update, DELETE = tokens.delete },
  actions = { enable = { POST = tokens.enable }, disable = { POST = tokens.disable } },
}
local MODULES = {
  collection = { GET = operations_only(list_modules) },
  item = { GET = operations_only(get_module) },
  actions = {},
}
local RESOURCES = { ["api-tokens"] = TOKENS, modules = MODULES }

-- The methods of a path, and the id in it; nil when there is no such path. One slash at the end makes no difference.
local function resolve(path)
  local below = path:match("^/public/v1/accounts/(.*)$")
  if not below then
    return nil
  end
  local name, id, action = below:match("^([^/]+)/([^/]+)/([^/]+)/?$")
  if not name then
    name, id = below:match("^([^/]+)/([^/]+)/?$")
  end
  local resource = RESOURCES[name or below:match("^([^/]+)/?$")]
  if not resource then
    return nil
  elseif action then
    return resource.actions[action], query.decode(id)
  elseif id then
    return resource.item, query.decode(id)
  end
  return resource.collection
end

-- What Allow says of a path: HEAD is GET without the body, and OPTIONS asks for just this.
local function allowed(methods)
  local names = { "OPTIONS", methods.GET and "HEAD" }
  for name in pairs(methods) do
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, ", ")
end

-- handle(store, request) -> { status =, body = or nil, headers = or nil }.
-- request: { method, path, query, headers = by lower-case name, body }; path and query as on the wire.
function M.handle(store, request)
  local methods, id = resolve(request.path)
  if not methods then
    return reply.gateway(404, "Resource not found")
  end
  local method = request.method
  if method == "OPTIONS" then -- a question about the path, not about what is there: nobody is asked who they are
    return { status = 204, headers = { Allow = allowed(methods) } }
  end
  local handler = methods[method == "HEAD" and "GET" or method]
  if not handler then
    return reply.gateway(405, "Method not allowed", { Allow = allowed(methods) })
  end
  local headers = request.headers
  local credential = (headers.authorization or ""):match("^[Bb][Ee][Aa][Rr][Ee][Rr] +(%S+)%s*$")
  local principal = credential and store:principal(credential)
  if not principal then
    return reply.unauthorized()
  end
  local now = clock.now()
  store:touch(principal, now)
  store.view = store.view or view.new(store)
  return handler({
    store = store, view = store.view, principal = principal, id = id, now = now, headers = headers, body = request.body,
    query = request.query,
  })
end

return M
