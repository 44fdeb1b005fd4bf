-- What the page shows, as a table that is encoded to JSON.
local clock = require "moonkey.emulator.clock"
local json = require "moonkey.json"
local shown = require "moonkey.emulator.page.shown"
local sys = require "moonkey.sys"

local M = {}

M.ORDER = { order = { "emulator", "counts", "tokens", "requests", "faults" } }

local ROWS = 50 -- tokens at a time

-- ---- what is asked for ----

-- A query string of names and values, as URLSearchParams writes it.
local function parse(text)
  local values = {}
  for name, value in (text or ""):gmatch("([%a]+)=([^&]*)") do
    values[name] = value:gsub("%+", " "):gsub("%%(%x%x)", function(digits)
      return string.char(tonumber(digits, 16))
    end)
  end
  return values
end

-- ---- tokens ----

local SORTS = { id = "t.id", name = "t.name COLLATE NOCASE", status = "t.status", account = "t.account",
  lastAccessAt = "t.last_access_at" }

local FROM = " FROM token t JOIN account a ON a.id = t.account WHERE (?1 = '' OR t.status = ?1)"
  .. " AND (?2 = '' OR instr(lower(t.id), ?2) OR instr(lower(coalesce(t.name, '')), ?2))"

local function count(store)
  local counts, total = {}, 0
  for status, number in store:statement("SELECT status, count(*) FROM token GROUP BY status"):rows() do
    counts[status], total = number, total + number
  end
  return counts, total
end

local function select_tokens(store, wanted)
  local column, direction = SORTS[wanted.sort] or SORTS.id, wanted.down == "1" and "DESC" or "ASC"
  local order = (" ORDER BY %s %s, t.id LIMIT %d"):format(column, direction, ROWS)
  local status, find = wanted.status or "", (wanted.find or ""):lower()
  local rows = json.array()
  for id, name, state, account, kind, at in store:statement("SELECT t.id, t.name, t.status, t.account, a.type,"
      .. " t.last_access_at" .. FROM .. order):rows(status, find) do
    rows[#rows + 1] = { id = shown.text(id), name = shown.text(name), status = shown.text(state), account = shown.text(account),
      accountType = shown.text(kind), lastAccessAt = shown.text(at) }
  end
  local matched = #rows
  if matched == ROWS then
    matched = store:row("SELECT count(*)" .. FROM, status, find)
  end
  return { matched = matched, rows = rows }
end

-- Of many tokens this takes a while, so what was found is kept until there has been another request.
local function tokens_of(front, wanted)
  local key = table.concat({ front.recent.count, wanted.find or "", wanted.status or "", wanted.sort or "", wanted.down or "" },
    "&")
  local found = front.found
  if not found or found.key ~= key then
    found = { key = key, tokens = select_tokens(front.store, wanted) }
    found.counts, found.total = count(front.store)
    front.found = found
  end
  return found
end

-- ---- requests and faults ----

local function requests_of(front, after)
  local list = json.array()
  for place in front.recent:since(after) do
    place.shown = place.shown or shown.target(place.path, place.query or nil, front.store)
    list[#list + 1] = {
      number = place.number, at = clock.format(place.at), method = shown.text(place.method), target = place.shown,
      status = place.status or nil, ms = math.floor(place.seconds * 1e4 + 0.5) / 10, fault = place.note or nil,
    }
  end
  return list
end

local function faults_of(front)
  local list = json.array()
  for _, fault in ipairs(front.faults and front.faults.list or {}) do
    list[#list + 1] = { text = shown.text(fault.text), struck = fault.struck }
  end
  if front.pace then
    list[#list + 1] = { text = "rate limit of " .. front.pace.text .. " for each credential", struck = front.pace.refused }
  end
  return list
end

-- of(front, query string or nil) -> the state; with `after`, only the requests that followed when there had been so many, and
-- with `find`, `status`, `sort` and `down` a selection of the tokens.
function M.of(front, query)
  local wanted = parse(query)
  local options = front.store.options or {}
  local found = tokens_of(front, wanted)
  return {
    emulator = {
      version = sys.version(), started = clock.format(front.started), data = front.data and shown.text(front.data),
      hidesTokens = options.hide_token and true or false, requests = front.requests, logged = front.recent.count,
      seed = front.faults and front.faults.seed,
    },
    counts = found.counts, total = found.total, tokens = found.tokens,
    requests = requests_of(front, math.tointeger(tonumber(wanted.after)) or 0), faults = faults_of(front),
  }
end

return M
