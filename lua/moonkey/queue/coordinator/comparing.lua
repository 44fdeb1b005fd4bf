--[[
The server may have forgotten its last second, or all, and answers get lost. So after each connection, and after each answer
that did not come, what the server has is compared with what is known here; only then is the server vouched for, so that it
gives out and accepts work.

  out, there             goes on
  out, not there         its report is there; or it is added again
  there, not out         it is over, or was given another id: removed
]]
local core = require "moonkey.task.core"
local intake = require "moonkey.queue.coordinator.intake"
local keys = require "moonkey.queue.keys"
local log = require "moonkey.log"
local problem = require "moonkey.queue.problem"
local reports = require "moonkey.queue.coordinator.reports"
local runs = require "moonkey.queue.run"
local sys = require "moonkey.sys"
local windows = require "moonkey.queue.coordinator.window"

local M = {}

M.ALIVE = 5000 -- ms that a coordinator counts as alive after it was last heard of
local TURN = 0.1 -- seconds between looks
local AT_ONCE = 500 -- pairs in one command

-- The run is registered, and has its settings. true; or nil, err; or nil, nil, for how many ms another coordinator counts as
-- alive.
function M.begin(self)
  local words = { self.token, M.ALIVE }
  for name, value in pairs(self.facts) do table.move({ name, value }, 1, 2, #words + 1, words) end
  table.move({ "state", self.state }, 1, 2, #words + 1, words)
  local answer, err = self.conn:script("begin", self.run, table.unpack(words))
  if not answer then return nil, err end
  if answer[1] == "busy" then return nil, nil, answer[3] end
  return runs.register(self.conn, self.run, answer[2])
end

-- Set of the ids that are there, and the highest that ever was; {} of a run that is not there. Ids of this session are higher
-- than that of any other.
function M.list(self)
  local answer, err = self.conn:script("list", self.run)
  if not answer then return nil, err end
  local ids, top = {}, answer[1]
  if not top then return ids end
  for i = 2, #answer do ids[answer[i]] = windows.parts(answer[i]) and true end
  local session = windows.parts(top)
  if not session then
    return nil, problem.new("redis", ("run %s has a chunk %s at the queue"):format(self.run, top),
      ("no moonkey has put it there, and nothing can be put behind it; moonkey queue purge %s --force removes all of the run")
        :format(self.run))
  end
  if session > self.window.session then self.window.session = session + 1 end
  return ids, top
end

-- The chunks of `out` that are not in `ids`.
local function missing_of(self, out, ids)
  local missing = {}
  for _, chunk in ipairs(out) do
    if self.window.out[chunk.id] == chunk and not ids[chunk.id] then missing[#missing + 1] = chunk end
  end
  return missing
end

-- In the order of ids, so that as many as can be keep theirs; the others come behind all.
local function add_again(self, missing, top)
  local later = {}
  for _, chunk in ipairs(missing) do
    if not chunk.items[1].text then
      M.give_up(self, { chunk }) -- of an earlier session, and its report has been lost since: the next one does it
    elseif windows.is_before(top, chunk.id) then
      intake.add(self, chunk)
    else
      later[#later + 1] = chunk
    end
  end
  for _, chunk in ipairs(later) do
    self.over:take_in(chunk.id, function() end)
    self.window:rename(chunk)
  end
  if #later == 0 then return true end
  local ok = self.writer:commit() -- before the new id is there: the old one must not count any more
  for _, chunk in ipairs(later) do
    if ok then intake.add(self, chunk) end
  end
  return ok
end

-- What of these chunks has not ended is not done in this session.
function M.give_up(self, chunks)
  for _, chunk in ipairs(chunks) do
    for _, item in ipairs(chunk.items) do self.course:report_pending(item) end
    self.window:take_in(chunk, {})
  end
end

local function drop(self, ids)
  local words = {}
  for id in pairs(ids) do
    if not self.window.out[id] then words[#words + 1] = id end
  end
  if #words == 0 then return true end
  log.debug("queue: %d chunks are there that are over", #words)
  return self.conn:script("drop", self.run, table.unpack(words))
end

-- What was announced, and has no outcome: whoever gets the chunk next must not repeat it. Who has announced it to an earlier
-- session is not known, and may be somebody else than who has the chunk, as far as this server remembers.
local function put_intents(self)
  local words = {}
  for id, chunk in pairs(self.window.out) do
    for row, item in pairs(chunk.by_row) do
      if item.intent then
        item.announced_by = item.announced_by or reports.SOMEBODY
        table.move({ ("%s/%d"):format(id, row), item.intent }, 1, 2, #words + 1, words)
      end
    end
  end
  for first = 1, #words, 2 * AT_ONCE do
    local last = math.min(#words, first + 2 * AT_ONCE - 1)
    local _, err = self.conn:call("HSET", keys.of(self.run, "intents"), table.unpack(words, first, last))
    if err then return nil, err end
  end
  return true
end

-- The workers, by the server; nil, err.
function M.watch(self)
  local answer, err = self.conn:script("watch", self.run, self.token, M.ALIVE)
  if not answer then return nil, err end
  if answer[1] == "gone" or answer[1] == "usurped" then return answer end
  self.workers:update(table.move(answer, 7, #answer, 1, {}))
  self.workers:note_end(answer[6])
  if self.vouched and self.vouched == self.conn:server(self.run) then self.workers:remember() end
  return answer
end

-- Once of each process of it: that may have to be compared with more than once.
local function tell_anew(self, longest)
  local server = self.conn:server(self.run)
  if server == self.told_of then return end
  self.told_of = server
  log.info("queue: the server was started anew; work goes on once all workers have heard of it, after %.3g s at most", longest)
end

--[[
Work that the server has forgotten it gave out may be going on. A worker that has heard of this server has let go of it; of one
that has not, the lease ends. true once none of it is left, or nothing is given out any more; nil where all is to be compared
anew, also because the run is to stop, which the server has to know first; nil, err.
]]
local function outwait(self)
  local began, longest = sys.now(), self.workers:longest_lease()
  tell_anew(self, longest)
  while sys.now() - began < longest and not self.is_ending do
    if self.must_compare or self.course:must_stop() then return nil end
    local answer, err = M.watch(self)
    if not answer then return nil, err end
    if answer[1] == "gone" or self.workers:have_all_beaten(sys.now() - began - TURN) then break end
    core.gate():wait(TURN)
  end
  return true
end

-- A server that has forgotten its last second may have the run as an earlier session has left it.
local function renew(self)
  local state, err = self.conn:call("HGET", keys.of(self.run, "run"), "state")
  if state == nil then return nil, err end
  return state == "cancelled" or M.begin(self)
end

-- true, or nil, err.
local function vouch(self)
  local server = self.conn:server(self.run)
  if server == self.vouched then return true end
  local ok, err = renew(self)
  if ok then ok, err = put_intents(self) end
  if ok and (self.vouched or self.is_suspect) then ok, err = outwait(self) end
  if not ok then return nil, err end
  local answer
  answer, err = self.conn:script("vouch", self.run, server or "")
  if not answer then return nil, err end
  if answer ~= "ok" then return self:compare() end
  self.vouched, self.is_suspect = server, nil
  return true
end

-- Everything from here on is known. true, or nil, err.
local function compare(self)
  local out = self.window:all_out()
  local ids, top = M.list(self)
  if not ids then return nil, top end
  if not top then -- it knows nothing of the run
    self.is_suspect, self.vouched = true, nil
    local ok, err = M.begin(self)
    if not ok then return nil, err end
    ids, top = {}, "0-0"
  end
  if not reports.read_all(self, function(entries) reports.process(self, entries) end) then return nil end
  local missing = missing_of(self, out, ids)
  if self.course.stopped then M.give_up(self, missing) elseif not add_again(self, missing, top) then return nil end
  local ok, err = drop(self, ids)
  if not ok then return nil, err end
  return vouch(self)
end

-- Until nothing is being added, whose answer would tell more.
local function quieten(self)
  while self.adding > 0 do core.gate():wait(0.01) end
end

function M.run(self)
  self.is_comparing = true
  quieten(self)
  self.must_compare = false
  local ok, err = compare(self)
  if err then self:failed(err) end
  if not ok then self.must_compare = true end
  self.is_comparing = false
  self.sending:send()
  self.reading:send()
  return not self.must_compare
end

return M
