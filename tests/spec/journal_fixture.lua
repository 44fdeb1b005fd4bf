--[[
Makes journals as a run leaves them, with times and failures like real ones, and names of the worst kind. Always the same for the
same options.

  fixture.write(path, { rows = 3000, … }) → path, what is in it
]]
local json = require "moonkey.json"
local schema = require "moonkey.batch.journal.schema"

local M = {}

M.CREATED = 1764079330000 -- 2025-11-25T14:02:10Z
M.SECRET = "idt:TKN-0000-0009:" .. ("NoReportMayShowThis0123456789abc"):rep(2)

-- What input and server may say. All of it is text, and nothing but text.
M.HOSTILE = {
  "<script>alert(1)</script>", "]]>", '"><img src=x onerror="alert(2)">', "</style><script>alert(3)</script>",
  "'-alert(4)-'", "&lt;b&gt; & &amp;", "right\u{202E}to left", "bell\7 escape\27[31m null\0", "broken \xff\xfe bytes",
  "javascript:alert(5)", "\u{FFFE}\u{200B}\u{1F600}", ("long "):rep(2000), "--> <!-- ", "{{7*7}}${7*7}", M.SECRET,
}

local FAILURES = {
  { status = 404, kind = "api", title = "Not Found", detail = "The token does not exist." },
  { status = 400, kind = "api", title = "Bad Request", detail = "One or more validation errors occurred.",
    errors = { { field = "modules", message = "Module MOD-9999 is not available to the account." } } },
  { status = 503, kind = "api", title = "Service Unavailable", attempts = 4 },
  { kind = "timeout", title = "no reply within 60 s", attempts = 4 },
  { kind = "row", title = "invalid row", detail = 'unknown column "nmae", did you mean "name"?', attempts = 0 },
  { kind = "drift", title = "changed since the plan was made", detail = 'name: planned from "a", is "b"' },
}

-- A generator of its own: Lua's is seeded anew for each process.
local function numbers(seed)
  local state = seed
  return function(n)
    state = (state * 6364136223846793005 + 1442695040888963407)
    return ((state >> 33) % n) + 1
  end
end

-- When this row ends, about: faster and slower in turns.
local function pace(row, per_second)
  return (row + 40 * math.sin(row / 90) + 15 * math.sin(row / 23)) * 1000 // per_second | 0
end

local TABLES = { run = 2, sessions = 6, rows = 10, problems = 6, changes = 3, intents = 2 }

local function open(path)
  local db = assert(schema.open_to_write(path))
  assert(schema.create(db))
  assert(db:exec "PRAGMA synchronous = OFF; BEGIN")
  local insert = {}
  for name, columns in pairs(TABLES) do
    insert[name] = assert(db:prepare(("INSERT INTO %s VALUES (%s?)"):format(name, ("?, "):rep(columns - 1))))
  end
  return db, function(name, ...) assert(insert[name]:run(...)) end
end

local function run_of(options)
  local run = {
    command = "batch", id = "20251125-140210-k3vq", created = M.CREATED, moonkey = "1.0.0", source = "tokens.csv",
    input = "/home/ops/tokens.csv", format = "csv", input_sha256 = ("9f2c41d07ab3e856"):rep(4), input_size = 482113,
    target = "https://api.platform.softwareone.com", host = "api.platform.softwareone.com",
    account = "ACC-1234-5678 (Contoso Ltd)", credential = "MPT_API_TOKEN", own_id = "TKN-0000-0001",
    options = { jobs = 20, rate = "50/s", undoable = true }, rows = options.rows,
  }
  for key, value in pairs(options.run or {}) do run[key] = value or nil end
  run.options = json.encode(run.options)
  return run
end

local SESSIONS = { { kind = "batch", started = 0, ended = 0, outcome = "done", retries = 12 } }

-- Milliseconds that a row takes: mostly around 40, now and then a slow one or one with retries.
local function duration(random)
  local ms = 24 + random(12) + random(12) + random(12)
  if random(20) == 1 then ms = ms * (2 + random(6)) end
  if random(300) == 1 then ms = 1000 + random(4000) end
  return ms
end

local function changes_of(row, hostile)
  local list = { { field = "name", from = "Robot " .. row, to = hostile or "CRM robot " .. row } }
  if row % 3 == 0 then
    list[2] = { field = "modules", from = json.array{ "MOD-1756" }, to = json.array{ "MOD-1756", "MOD-9042" } }
  elseif row % 5 == 0 then
    list[2] = { field = "description", from = "drives the CRM", to = json.null }
  end
  return list
end

-- State and error of a row; `last`: of the last row that the journal has.
local function fate(row, last, options)
  if row > last - (options.new or 0) then return "new" end
  if options.unknown and row % options.unknown == 0 then
    return "unknown", { kind = "transport", title = "the connection broke off during a POST" }
  elseif options.failed and (row % options.failed == 0 or row % 400 < 12) then
    return "failed", FAILURES[row // options.failed % #FAILURES + 1]
  end
  return options.skipped and row % options.skipped == 0 and "skipped" or "done"
end

local function add_failure(insert, row, cause, hostile)
  insert("problems", row, cause.kind, cause.title, hostile or cause.detail, cause.errors and json.encode(cause.errors),
    cause.status and ("00-%032x-%016x-00"):format(row, row) or nil)
end

local function add_row(insert, options, r)
  local hostile = options.hostile and M.HOSTILE[r.row % 40]
  local id = hostile and r.row % 2 == 0 and hostile or ("TKN-%04d-%04d"):format(r.row // 10000, r.row % 10000)
  local cause, attempts = r.cause, r.random(100) == 1 and 2 or 1
  if cause then attempts = cause.attempts or 1 end
  local state, hash = schema.STATES[r.state], ("%016d"):format(r.row)
  if r.state == "new" then
    insert("rows", r.row, r.row + 1, id, hash, state, nil, 0)
    insert("intents", r.row, "POST /accounts/api-tokens")
    return
  end
  local ms, status = attempts == 0 and 0 or duration(r.random), 200
  if cause then status = cause.status end
  insert("rows", r.row, r.row + 1, id, hash, state, status, attempts, r.at + r.random(20), ms)
  if cause then add_failure(insert, r.row, cause, hostile) end
  if options.changes and (r.state == "done" or r.state == "failed") then
    insert("changes", r.row, id, json.encode(changes_of(r.row, hostile and json.is_utf8(hostile) and hostile)))
  end
end

local function add_sessions(insert, sessions, last_at)
  for i, s in ipairs(sessions) do
    local ended = s.ended == 0 and last_at + 50 or s.ended
    insert("sessions", i, s.kind, M.CREATED + s.started, ended and M.CREATED + ended, s.outcome, s.retries)
  end
end

-- A function that gives the time at which a row ends, in one session after the other.
local function clock(sessions, per_second)
  local session, shift = 1, 0
  return function(row)
    local at = shift + pace(row, per_second)
    local following = sessions[session + 1]
    if following and at >= (sessions[session].stop or sessions[session].ended) then
      session, shift, at = session + 1, following.started - pace(row, per_second), following.started
    end
    return at
  end
end

--[[
options: rows = of the input; failed, unknown, skipped = one of so many (nil: none); hostile = true: M.HOSTILE among names and
errors; changes = true; new = how many rows at the end have only an intent; ended = how many rows are in the journal; per_second =
how many rows end in a second; sessions = as in the journal, times in ms from the beginning (`ended` 0: after the last row); run =
other values of the table `run`, false for none.
]]
function M.write(path, options)
  local db, insert = open(path)
  for key, value in pairs(run_of(options)) do insert("run", key, value) end
  local random, counts = numbers(7), { done = 0, failed = 0, unknown = 0, skipped = 0, new = 0 }
  local sessions, last, at = options.sessions or SESSIONS, options.ended or options.rows, 0
  local time_of = clock(sessions, options.per_second or 50)
  for row = 1, last do
    local state, cause = fate(row, last, options)
    at = time_of(row)
    counts[state] = counts[state] + 1
    add_row(insert, options, { row = row, state = state, cause = cause, at = at, random = random })
  end
  add_sessions(insert, sessions, at)
  assert(db:exec("COMMIT"))
  db:close()
  return path, counts
end

-- A run as it can go: killed, gone on with the next day, with all that can be wrong in it.
M.EVENTFUL = {
  rows = 4000, ended = 3950, failed = 60, unknown = 1000, skipped = 9, hostile = true, changes = true,
  sessions = {
    { kind = "batch", started = 0, stop = 31000 },
    { kind = "resume", started = 64000000, ended = 64030000, outcome = "interrupted", retries = 40 },
    { kind = "resume", started = 64090000, ended = 0, outcome = "halt", retries = 3 },
  },
  run = { options = { jobs = 20, rate = "50/s", undoable = true, halt = "fail=5%" }, account = "ACC-1234-5678 (<b>Contoso</b>)",
    job = "/home/ops/jobs/rename.lua", job_sha256 = ("0123456789abcdef"):rep(4) },
}

return M
