--[[
Answering requests: those that wait at a time share a transaction, and are answered after its commit. Before that it is decided
which are for the page, which come too soon, and which are struck by a fault.

A verdict says what becomes of a request, and is nil for most: what faults.lua says, or { page = true }.
]]
local core = require "moonkey.task.core"
local faults_reply = require "moonkey.emulator.faults_reply"
local log = require "moonkey.log"
local page = require "moonkey.emulator.page"
local recent = require "moonkey.emulator.recent"
local reply = require "moonkey.emulator.reply"
local routes = require "moonkey.emulator.routes"
local sys = require "moonkey.sys"

local M = {}
local Front = {}
Front.__index = Front

-- new{ store =, faults = or nil, pace = or nil, data = path or nil }
function M.new(options)
  return setmetatable({
    store = options.store, faults = options.faults, pace = options.pace, data = options.data, started = sys.wall(),
    recent = recent.new(), requests = 0, delayed = 0,
  }, Front)
end

-- ---- before ----

local function judge(self, request, number, now)
  local refusal = self.pace and self.pace:refuse(request.headers.authorization, now)
  if refusal then -- by the gateway, before anything behind it can fail
    return { kind = "status", reply = refusal, fault = "rate limit" }
  end
  return self.faults and self.faults:strike(number, request.method, request.path)
end

-- -> the numbers of the requests, and their verdicts, by their places in the batch
local function judge_all(self, batch, now)
  local numbers, verdicts = {}, {}
  for i = 1, #batch do
    if page.is_for(batch[i].path) then
      verdicts[i] = { page = true }
    else
      self.requests = self.requests + 1
      numbers[i] = self.requests
      if self.faults or self.pace then
        verdicts[i] = judge(self, batch[i], numbers[i], now)
      end
    end
  end
  return numbers, verdicts
end

-- ---- within the transaction ----

-- nil where there is nothing to send
local function handle(self, request, verdict)
  if not verdict then
    return routes.handle(self.store, request)
  elseif verdict.page then
    return page.handle(self, request)
  elseif not verdict.kind then
    return routes.handle(self.store, request)
  end
  local answer = verdict.applied and routes.handle(self.store, request)
  return verdict.reply or answer or nil
end

local function handle_all(self, batch, verdicts)
  local replies = {}
  self.store:begin()
  for i = 1, #batch do
    replies[i] = handle(self, batch[i], verdicts[i])
  end
  self.store:commit()
  return replies
end

-- ---- after ----

local function reply_well(request, answer)
  return request:reply(answer.status, answer.body, answer.headers)
end

local senders = {}

function senders.status(request, answer) return reply_well(request, answer) end
function senders.reset(request) return request:reset() end
function senders.timeout(request) return request:hold() end

function senders.truncated(request, answer)
  local body = answer.body or ""
  if #body == 0 or request.method == "HEAD" then -- the headers are all there is
    return request:reset()
  end
  return request:reply_part(#body // 2, answer.status, body, answer.headers)
end

function senders.garbled(request, answer)
  return request:reply(answer.status, faults_reply.garble(answer.body or ""), answer.headers)
end

local SILENT = { reset = true, timeout = true }

-- took: seconds, as the emulator sees it
local function send(self, request, number, verdict, answer, took, at)
  local kind = verdict and verdict.kind
  if kind then
    senders[kind](request, answer)
  else
    reply_well(request, answer)
  end
  if number then
    self.recent:add(at, number, request.method, request.path, request.query, not SILENT[kind] and answer.status,
      took, verdict and verdict.fault)
  end
end

-- While it waits, others are answered. A signal ends the wait, not the request.
local function send_later(self, request, number, verdict, answer, started, at)
  self.delayed = self.delayed + 1
  core.spawn(function()
    pcall(core.sleep, verdict.delay)
    send(self, request, number, verdict, answer, sys.now() - started, at)
    self.delayed = self.delayed - 1
    if self.delayed == 0 and self.all_sent then
      self.all_sent:open()
    end
  end)
end

local function send_all(self, batch, numbers, verdicts, replies, started, at)
  local took = sys.now() - started
  for i = 1, #batch do
    local verdict = verdicts[i]
    if verdict and verdict.delay then
      send_later(self, batch[i], numbers[i], verdict, replies[i], started, at)
    else
      send(self, batch[i], numbers[i], verdict, replies[i], took, at)
    end
  end
end

-- ---- all of it ----

-- When the commit fails nothing of the batch is kept, and each request is tried by itself.
local function carry_out(self, batch, numbers, verdicts, started, at)
  local ok, replies = xpcall(handle_all, debug.traceback, self, batch, verdicts)
  if not ok then
    self.store:rollback()
    if #batch > 1 then
      for i = 1, #batch do
        carry_out(self, { batch[i] }, { numbers[i] }, { verdicts[i] }, started, at)
      end
      return
    end
    log.error("%s %s failed: %s", batch[1].method, batch[1].path, replies)
    replies = { reply.problem(500, "Internal Server Error", "The emulator failed; its log says why.") }
    verdicts = { verdicts[1] and { delay = verdicts[1].delay } }
  end
  send_all(self, batch, numbers, verdicts, replies, started, at)
end

function Front:answer(batch)
  local started, at = sys.now(), sys.wall()
  local numbers, verdicts = judge_all(self, batch, started)
  carry_out(self, batch, numbers, verdicts, started, at)
end

-- Wait until those whose answer was put off have it.
function Front:finish()
  if self.delayed > 0 then
    self.all_sent = core.gate()
    self.all_sent:wait()
  end
end

return M
