--[[
The current tokens, for whoever compares them: read one by one, or all from the list, whichever takes fewer requests.

How many will be asked for is not known beforehand. So they are read one by one until the list would have been cheaper, and then
the list is read: never more than twice the requests of the better way. A list leaves something out where it changes meanwhile,
where the server caps its pages, or says less of a token than is needed; what is not found in it is read by itself.
]]
local api = require "moonkey.api"
local diff = require "moonkey.batch.plan.diff"
local held = require "moonkey.batch.plan.held"
local http = require "moonkey.http"
local log = require "moonkey.log"
local result = require "moonkey.batch.result"
local sys = require "moonkey.sys"
local task = require "moonkey.task"
local token = require "moonkey.token"

local M = {}

local Tokens = {}
Tokens.__index = Tokens

local PAGE = 100
local FEWEST = 3 -- tokens for which it is worth to ask how long the list is
local LIST = "limit=%d&offset=%d&select=modules,-token" -- with what lists leave out by default, without secrets

-- In place of a token that there is not, or that could not be read.
local function problem(kind, status, title, detail)
  return { problem = { kind = kind, status = status, title = title, detail = detail } }
end

-- ---- the list ----

local function fetch_page(self, offset, limit)
  local page, err = api.request("GET", "/accounts/api-tokens", { query = LIST:format(limit, offset) })
  if not page then
    log.debug("the list of tokens cannot be used: %s", tostring(err))
    return nil
  end
  self.requests = self.requests + 1
  if type(page) == "table" and type(page.data) == "table" then return page end
end

-- Does a page, or an item of it, say that it leaves out what is needed of a token?
local function leaves_out(t)
  local meta = t["$meta"]
  local omitted = type(meta) == "table" and type(meta.omitted) == "table" and meta.omitted or {}
  for _, name in ipairs(omitted) do
    for _, field in ipairs(diff.FIELDS) do
      if name == field then return true end
    end
  end
  return false
end

-- Is an item of the list a token, and all that is needed of it?
local function is_whole(tok)
  return type(tok) == "table" and type(tok.id) == "string" and type(tok.modules) == "table" and tok.status ~= "Deleted"
    and not leaves_out(tok)
end

-- Tokens that are held already may differ by what is planned for them, which counts.
local function keep_page(self, page)
  if leaves_out(page) then return end
  self.held:together(function()
    for _, tok in ipairs(page.data) do
      if is_whole(tok) and not self.held:get(tok.id) then self.held:put(tok.id, diff.state(tok)) end
    end
  end)
end

-- How many requests the rest of the list takes, behind its first page; false where it cannot be used.
function Tokens:measure_list()
  if self.pages then return self.pages end
  self.pages = false
  local page = fetch_page(self, 0, PAGE)
  local paging = page and type(page["$meta"]) == "table" and page["$meta"].pagination
  local total, size = type(paging) == "table" and paging.total, page and #page.data
  if math.type(total) ~= "integer" or size == 0 then return false end
  keep_page(self, page)
  self.total, self.page_size = total, size
  self.pages = (total + size - 1) // size - 1
  return self.pages
end

function Tokens:read_list()
  local offset = 0
  local function next_offset()
    offset = offset + self.page_size
    if offset < self.total and not self:stopped() then return offset end
  end
  log.debug("reading the list of %d tokens, %d at a time", self.total, self.page_size)
  task.map(next_offset, function(at)
    local page = fetch_page(self, at, self.page_size)
    if page then keep_page(self, page) end
    return self:tick()
  end, { jobs = self.jobs })
  self.pages = false -- what it does not have is not in it
end

-- ---- one by one ----

local function read_one(self, id)
  if self:stopped() then return end
  local ok, tok, err = pcall(token.get, id)
  self.requests = self.requests + 1
  self:tick()
  local value
  if not ok then -- an id that no token can have
    value = problem("row", nil, "wrong value", tostring(tok))
  elseif not tok then
    if self:stopped() then return end
    local r = result.set_error({ attempts = 0 }, err)
    value = problem(r.kind, r.status, r.title, r.detail)
  elseif tok.status == "Deleted" then
    value = problem("api", 404, "Not Found", "the token has been deleted, for good")
  else
    value = diff.state(tok)
  end
  self.held:put(id, value)
end

-- ---- both ----

-- Why nothing more is read; nil while things go on.
function Tokens.stopped()
  return sys.interrupted() and "interrupted" or http.stop_reason()
end

local function missing_among(self, ids)
  local missing = {}
  for _, id in ipairs(ids) do
    if not self.held:get(id) then missing[#missing + 1] = id end
  end
  return missing
end

-- After it, all of these ids are held: a state (see diff.state), or { problem = } where there is none. nil, reason when the run
-- has to stop.
function Tokens:read(ids)
  local missing = missing_among(self, ids)
  if #missing >= FEWEST and self.pages ~= false then
    local pages = self:measure_list()
    missing = missing_among(self, ids)
    if pages and self.read_singly + #missing > pages then
      self:read_list()
      missing = missing_among(self, ids)
    end
  end
  self.read_singly = self.read_singly + #missing
  task.map(missing, function(id) return read_one(self, id) end, { jobs = self.jobs })
  local reason = self:stopped()
  if reason then return nil, reason end
  return true
end

-- { jobs = requests at a time, tick = called now and then while requests are made }
function M.new(options)
  return setmetatable({ held = held.new(), jobs = options.jobs, tick = options.tick or function() end, requests = 0,
    read_singly = 0 }, Tokens)
end

return M
