-- The emulator: a local, stateful stand-in of the platform's token API.
local answer = require "moonkey.emulator.answer"
local faults = require "moonkey.emulator.faults"
local httpd = require "moonkey.httpd"
local log = require "moonkey.log"
local pace = require "moonkey.emulator.pace"
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
    seed.tokens(st, options.seed or DEFAULT_TOKENS, options.account_type)
  end
  return true
end

local function no_credential(options)
  local source = type(options.seed) == "string" and options.seed or options.data
  if options.account_type then
    return ("%s holds no Active token of an account of type %s, so there is no such credential to print; add one, or leave"
      .. " --account-type out"):format(source, options.account_type)
  end
  return source .. " holds no token with status Active, so no credential would be accepted; add one, or give another file"
end

-- Fill the store and find a credential, as one transaction: a seed that is of no use leaves nothing behind.
local function prepare(st, options)
  st:begin()
  local ok, message = fill(st, options)
  if not ok then
    return nil, message
  end
  local credential = st:credential(options.account_type)
  if not credential then
    return nil, no_credential(options)
  end
  st:commit()
  return credential
end

-- open{ data = path or nil, seed = count, path or nil, hide_token =, account_type = } -> store, credential | nil, message
function M.open(options)
  local st, message = store.open(options.data)
  if not st then
    return nil, message
  end
  st.options = { hide_token = options.hide_token, account_type = options.account_type }
  local ok, credential, reason = pcall(prepare, st, options)
  if ok and credential then
    return st, credential
  end
  st:close()
  return nil, reason or credential
end

-- serve{ port, data, seed, hide_token, account_type, faults = list of faults_parse, fault_seed, rate = as pace.new takes it,
--   patience = seconds, ready = function(url, credential) } -> true once stopped by a signal | nil, message
function M.serve(options)
  local st, credential = M.open(options)
  if not st then
    return nil, credential
  end
  local server, message = httpd.listen({ port = options.port or 0, patience = options.patience })
  if not server then
    st:close()
    return nil, message
  end
  local front = answer.new({
    store = st, data = options.data, pace = options.rate and pace.new(options.rate),
    faults = options.faults and faults.new(options.faults, options.fault_seed),
  })
  options.ready(("http://127.0.0.1:%d"):format(server:port()), credential)
  for batch in server.accept, server do
    front:answer(batch)
  end
  front:answer(server:quiesce())
  front:finish()
  server:stop()
  st:close()
  return true
end

return M
