-- The emulator: a local, stateful stand-in of the platform's token API.
local httpd = require "moonkey.httpd"
local log = require "moonkey.log"
local reply = require "moonkey.emulator.reply"
local routes = require "moonkey.emulator.routes"
local seed = require "moonkey.emulator.seed"
local store = require "moonkey.emulator.store"

local M = {}

local DEFAULT_TOKENS = 10

-- A filled store stays as it is. -> true | nil, message
local function fill(st, options)
  local count = st:count()
  if count > 0 then
    if options.seed then
      log.info("%s holds %d tokens already: the seed is left out", options.data, count)
    end
  elseif type(options.seed) == "string" then
    return seed.file(st, options.seed)
  else
    seed.tokens(st, options.seed or DEFAULT_TOKENS)
  end
  return true
end

-- Fill the store and find a credential, as one transaction: a seed that is of no use leaves nothing behind.
local function prepare(st, options)
  st:begin()
  local ok, message = fill(st, options)
  if not ok then
    return nil, message
  end
  local credential = st:credential()
  if not credential then
    local source = type(options.seed) == "string" and options.seed or options.data
    return nil, source
      .. " holds no token with status Active, so no credential would be accepted; add one, or give another file"
  end
  st:commit()
  return credential
end

-- open{ data = path or nil, seed = count, path or nil } -> store, credential | nil, message
function M.open(options)
  local st, message = store.open(options.data)
  if not st then
    return nil, message
  end
  local ok, credential, reason = pcall(prepare, st, options)
  if ok and credential then
    return st, credential
  end
  st:close()
  return nil, reason or credential
end

local function handle_all(st, batch)
  local replies = {}
  st:begin()
  for i = 1, #batch do
    replies[i] = routes.handle(st, batch[i])
  end
  st:commit()
  return replies
end

local function send(request, answer)
  request:reply(answer.status, answer.body, answer.headers)
end

-- Answer the requests after one commit. When that fails nothing of the batch is kept, and each request is tried by itself.
function M.answer(st, batch)
  local ok, replies = xpcall(handle_all, debug.traceback, st, batch)
  if ok then
    for i = 1, #batch do
      send(batch[i], replies[i])
    end
    return
  end
  st:rollback()
  if #batch == 1 then
    log.error("%s %s failed: %s", batch[1].method, batch[1].path, replies)
    return send(batch[1], reply.problem(500, "Internal Server Error", "The emulator failed; its log says why."))
  end
  for _, request in ipairs(batch) do
    M.answer(st, { request })
  end
end

-- serve{ port, data, seed, ready = function(url, credential) } -> true once stopped by a signal | nil, message
function M.serve(options)
  local st, credential = M.open(options)
  if not st then
    return nil, credential
  end
  local server, message = httpd.listen({ port = options.port or 0 })
  if not server then
    st:close()
    return nil, message
  end
  options.ready(("http://127.0.0.1:%d"):format(server:port()), credential)
  for batch in server.accept, server do
    M.answer(st, batch)
  end
  server:stop()
  st:close()
  return true
end

return M
