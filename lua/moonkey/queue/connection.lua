--[[
The connection of a coordinator, a worker or a command to the Redis of a queue. It lives on when the server does not: a call
fails then, and a later one connects anew.

  connection.open{ url = text or what url.parse returns, args = of the command line, timeout = seconds of each call, 5 }
                                  -> conn | nil, err       connected, with the password of the environment
  conn:call(command, …)           -> reply | nil, err      as of moonkey.redis; keys begin with "moonkey:"
  conn:call_within(seconds, command, …)                    where the server itself waits that long, such as BLPOP
  conn:script(name, run, …)       -> reply | nil, err      scripts/NAME.lua with the keys of the run. ARGV[1] is the run_id of
                                                           the server that carries it out; what is given here is ARGV[2…]
  conn:is_up([run])               -> boolean               as far as is known: nothing is sent
  conn:server([run])              -> run_id | nil          of the server that the run was found on; while that is connected
  conn:info([run])                -> fields of INFO | nil, err     of the server that has the run, as it is now
  conn:wait_up(seconds)           -> true | nil, err       until there is a connection to the named server; it goes on trying
  conn:on_connect(fn)             fn(server's run_id, host, port, again) after each connection to any node; fn must not wait
  conn:another()                  -> conn                  a connection of its own, for commands that wait; not connected yet
  conn:close()

Tasks may call side by side. Of err: kind "lost" has `sent`: whether the server may have carried it out; with all other kinds it
has not. "redis" is what the server answered, with its code. "unreachable", "certificate", "refused": there is no connection.

In a cluster each node has a connection of its own: a run is where the first answer MOVED says, and so are all of its keys.
]]
local core = require "moonkey.task.core"
local keys = require "moonkey.queue.keys"
local node = require "moonkey.queue.node"
local password = require "moonkey.queue.password"
local problem = require "moonkey.queue.problem"
local scripts = require "moonkey.queue.scripts"
local sys = require "moonkey.sys"
local url = require "moonkey.queue.url"

local Connection = {}
Connection.__index = Connection

local MOST_MOVES = 8
local WAITS = { ASK = true, TRYAGAIN = true, CLUSTERDOWN = true } -- a slot moves to another node, or its node has failed
local WAIT, LONGEST_WAIT = 0.1, 3 -- seconds
-- The primary may be another by now.
local USELESS = { READONLY = true, LOADING = true, MASTERDOWN = true }

-- What the keys of a run have in common, or the key: what is in one place of a cluster.
local function place_of(...)
  for i = 1, select("#", ...) do
    local word = select(i, ...)
    if type(word) == "string" and word:find("^moonkey:") then return word:match("^moonkey:(%b{})") or word end
  end
end

local function place_of_run(run)
  return "{" .. run .. "}"
end

function Connection:node_at(host, port)
  local address = host .. " " .. port
  local found = self.nodes[address]
  if not found then
    local place = {}
    for name, value in pairs(self.place) do place[name] = value end
    place.host, place.port = host, port
    found = node.new(place, function(connected) self:tell(connected) end)
    self.nodes[address] = found
  end
  return found
end

function Connection:tell(connected)
  for _, fn in ipairs(self.hooks) do
    fn(connected.server, connected.place.host, connected.place.port, connected.connections > 1)
  end
end

-- "MOVED 3999 127.0.0.1:6381": the node; without a host it is on that of who says so. nil where that is no place.
function Connection:node_moved_to(message, from)
  local host, digits = message:match("^MOVED %d+ (.*):(%d+)")
  local port = math.tointeger(tonumber(digits))
  if not port or port < 1 or port > 65535 then return nil end
  if host == "" or host == "?" then host = from.place.host end
  return self:node_at(host, port)
end

function Connection:node_of(place)
  return place and self.moved[place] or self.main
end

-- What a script answers may be anybody's words, so the server itself is asked where its keys are: what it says, or nil.
local function ask_where(link, place)
  local found, err = link:call("EXISTS", place:find("^{") and "moonkey:" .. place .. ":run" or place)
  return not found and err.code == "MOVED" and err.message or nil
end

-- send(link, node) on the node that has the place, wherever that is by now.
function Connection:route(place, send)
  local moves, deadline = 0, sys.now() + LONGEST_WAIT
  while true do
    local on = self:node_of(place)
    local link, err = on:get()
    if not link then
      if on ~= self.main then self.moved[place] = nil end -- it may have failed, and another have its slots: main knows
      return nil, err
    end
    local reply
    reply, err = send(link, on)
    if reply ~= nil or err.kind ~= "redis" then return reply, err end
    if err.code == "MOVED" and place and moves < MOST_MOVES then
      local answer = ask_where(link, place)
      moves, self.moved[place] = moves + 1, answer and self:node_moved_to(answer, on)
    elseif WAITS[err.code] and sys.now() < deadline then
      core.gate():wait(WAIT)
    elseif USELESS[err.code] then
      return nil, on:drop(link, err.message)
    else
      return nil, problem.advise(err)
    end
  end
end

function Connection:call(...)
  local words = table.pack(...)
  return self:route(place_of(...), function(link) return link:call(table.unpack(words, 1, words.n)) end)
end

function Connection:call_within(seconds, ...)
  local words = table.pack(...)
  return self:route(place_of(...), function(link)
    return link:call_within(seconds, table.unpack(words, 1, words.n))
  end)
end

local digests = {} -- script → its SHA1, as a server has said it

local function digest_of(link, name)
  if digests[name] then return digests[name] end
  local digest, err = link:call("SCRIPT", "LOAD", scripts.text(name))
  digests[name] = digest
  return digest, err and problem.not_sent(err)
end

-- A server forgets scripts when it is started anew.
local function evaluate(link, name, ...)
  local digest, err = digest_of(link, name)
  if not digest then return nil, err end
  local reply
  reply, err = link:call("EVALSHA", digest, ...)
  if reply == nil and err.code == "NOSCRIPT" then return link:call("EVAL", scripts.text(name), ...) end
  return reply, err
end

function Connection:script(name, run, ...)
  local words, count = keys.all(run), #keys.NAMES
  local more = table.pack(...)
  table.move(more, 1, more.n, count + 2, words)
  return self:route(place_of_run(run), function(link, on)
    words[count + 1] = on.server
    return evaluate(link, name, count, table.unpack(words, 1, count + 1 + more.n))
  end)
end

function Connection:is_up(run)
  return self:node_of(run and place_of_run(run)):is_up()
end

function Connection:server(run)
  local on = self:node_of(run and place_of_run(run))
  return on:is_up() and on.server or nil
end

function Connection:info(run)
  if run then
    local found, err = self:call("EXISTS", keys.of(run, "run")) -- a server that has it not says where it is
    if not found then return nil, err end
  end
  local text, err = self:route(run and place_of_run(run), function(link) return link:call("INFO") end)
  if text == nil then return nil, err end
  return node.parse_info(text)
end

function Connection:wait_up(seconds)
  local deadline = sys.now() + seconds
  while true do
    local link, err = self.main:get()
    if link then return true end
    local left = deadline - sys.now()
    if left <= 0 or self.main.closed then return nil, err end
    core.gate():wait(math.min(left, math.max(self.main.next_try - sys.now(), 0.001)))
  end
end

function Connection:on_connect(fn)
  self.hooks[#self.hooks + 1] = fn
end

function Connection:close()
  for _, each in pairs(self.nodes) do each:close() end
end

local function new(place)
  local self = setmetatable({ place = place, nodes = {}, moved = {}, hooks = {} }, Connection)
  self.main = self:node_at(place.host, place.port)
  return self
end

function Connection:another()
  local other = new(self.place)
  for place, on in pairs(self.moved) do other.moved[place] = other:node_at(on.place.host, on.place.port) end
  return other
end

local M = {}

-- Why the file cannot be read, or nil.
local function unreadable(path)
  local file, message = io.open(path)
  if not file then return message end
  file:close()
end

local function place_from(options)
  local place, args = options.url, options.args or {}
  if type(place) == "string" then
    local message
    place, message = url.parse(place)
    if not place then return nil, problem.new("refused", nil, message) end
  end
  local copy = { timeout = options.timeout }
  for name, value in pairs(place) do copy[name] = value end
  for _, name in ipairs(copy.tls and { "cacert", "cert", "key" } or {}) do
    copy[name] = copy[name] or args[name]
    local message = copy[name] and unreadable(copy[name])
    if message then return nil, problem.new("refused", nil, ("the %s of the queue: cannot read %s"):format(name, message)) end
  end
  return copy
end

function M.open(options)
  local place, err = place_from(options)
  if not place then return nil, err end
  local ok, message = password.read()
  if not ok then return nil, problem.new("refused", nil, message) end
  local self = new(place)
  local link, why = self.main:get()
  if not link then return nil, why end
  return self
end

return M
