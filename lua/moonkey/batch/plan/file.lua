--[[
A plan as a file: JSON lines, so that it can be read and searched. The first says what it is a plan of, the last counts and
seals it: a plan that was cut off or edited is refused, because nobody has seen that one.

  {"moonkey_plan":1,"plan":id,"created":ms,"target":…,"host":…,"account":…,"own_id":…,"input":name,"input_sha256":hex}
  {"row":1,"line":2,"id":"TKN-…","changes":[{"field":"name","from":"old","to":"new"}]}     see plan/row.lua
  {"end":true,"rows":N,"changed":N,…,"sha256":hex of all lines before}
]]
local digest = require "moonkey.digest"
local files = require "moonkey.files"
local hex = require "moonkey.hex"
local json = require "moonkey.json"
local place = require "moonkey.batch.journal.place"
local planned = require "moonkey.batch.plan.row"
local rows = require "moonkey.rows"
local sources = require "moonkey.batch.source"
local sys = require "moonkey.sys"

local M = {}

M.VERSION = 1

local BEGINNING = '{"moonkey_plan":'
local HEAD_ORDER = { order = { "moonkey_plan", "plan", "created", "target", "host", "account", "own_id", "input",
  "input_sha256", "undo_of", "checks" } }
local END_ORDER = { order = { "end", "rows", table.unpack(planned.KINDS) } }
local LONGEST_HEAD, LONGEST_END = 65536, 4096 -- bytes; they are much shorter

-- Where it is noted which plans were applied; nil, message.
function M.directory()
  local directory, message = place.directory()
  return directory and directory .. "/plans", message
end

-- ---- writing ----

local Writer = {}
Writer.__index = Writer

local function cannot_write(path, message)
  return ("cannot write the plan to %s: %s"):format(path, message)
end

-- A row as planned.encode gives it. true, or nil, message.
function Writer:add(text)
  local ok, message = self.file:write(text, "\n")
  if ok then return true end
  return nil, cannot_write(self.path, message)
end

-- Seal the plan, and put it at its place. true, or nil, message. `counts`: see plan/counts.lua.
function Writer:finish(counts)
  local sha256
  local ok, message = self.file:flush()
  if ok then sha256, message = digest.file(self.part) end
  if not sha256 then return nil, cannot_write(self.path, message) end
  local last = { ["end"] = true, rows = counts.rows, sha256 = sha256 }
  for _, kind in ipairs(planned.KINDS) do last[kind] = counts[kind] end
  ok, message = self.file:write(json.encode(last, END_ORDER), "\n")
  if ok then ok, message = self.file:close() end
  if ok then ok, message = os.rename(self.part, self.path) end
  if not ok then return nil, cannot_write(self.path, message) end
  self.finished = true
  return true
end

-- Unless it was finished, nothing of it stays.
function Writer:close()
  if self.finished then return end
  if io.type(self.file) == "file" then self.file:close() end
  os.remove(self.part)
end

Writer.__close = Writer.close

-- Is this the name of a plan? Tells a plan from other input, whether or not it can be used.
function M.is(path)
  if sys.file_type(path) ~= "file" then return false end
  local file <close> = io.open(path, "rb")
  return file ~= nil and file:read(#BEGINNING) == BEGINNING
end

-- An earlier plan may be written over; anything else there is somebody's.
local function check_target(path)
  local kind, size = sys.file_type(path)
  if not kind or (kind == "file" and (size == 0 or M.is(path))) then return true end
  if kind ~= "file" then return nil, ("%s: a plan is written to a regular file, and this is none"):format(path) end
  return nil, ("%s exists already and is no plan: it will not be overwritten; name another file, or remove it first")
    :format(path)
end

-- Where a plan is kept that somebody does not want to keep himself; nil, message.
local function own_place(id)
  local directory, message = M.directory()
  local ok = directory
  if directory then ok, message = files.make_directories(directory) end
  return ok and ("%s/%s.plan"):format(directory, id), message
end

-- A plan to be written to `path`, or to the state directory, where it appears once it is finished; nil, message. `head`:
-- target, host, account, own_id, input, input_sha256, undo_of, checks (names of those that it has to pass).
function M.create(path, head)
  local id = hex.encode(sys.random(8))
  local message
  if not path then
    path, message = own_place(id)
    if not path then return nil, "cannot keep the plan: " .. message end
  end
  local ok
  ok, message = check_target(path)
  if not ok then return nil, message end
  local part = ("%s.%s.part"):format(path, id)
  local file
  file, message = rows.create(part)
  if not file then return nil, ("cannot write the plan %s: %s"):format(path, message) end
  local self = setmetatable({ file = file, path = path, part = part, id = id }, Writer)
  local first = { moonkey_plan = M.VERSION, plan = id, created = sys.wall() * 1000 // 1 | 0 }
  for key, value in pairs(head) do first[key] = value end
  ok, message = self:add(json.encode(first, HEAD_ORDER))
  if ok then return self end
  self:close()
  return nil, message
end

-- ---- reading ----

local Source = {}
Source.__index = Source

function Source:next()
  if self.count >= self.total then return nil end
  local row, line, message = self.inner:next()
  if not row then return nil, line, message or "the plan has fewer rows than it says" end
  self.count = self.count + 1
  return planned.new(row), row.line
end

function Source:skip(count)
  local skipped = self.inner:skip(math.min(count, self.total - self.count))
  self.count = self.count + skipped
  return skipped
end

function Source:progress()
  return self.count, self.total
end

function Source:close()
  self.inner:close()
end

local Plan = {}
Plan.__index = Plan

-- Its rows, as a source of a batch (see batch/source.lua); nil, message.
function Plan:source()
  local inner, message = sources.open(self.path, "jsonl")
  if not inner then return nil, message end
  inner:next() -- the head
  return setmetatable({ inner = inner, count = 0, total = self.counts.rows, name = self.path, path = inner.path,
    format = "jsonl" }, Source)
end

-- Why the plan must not be applied here, or nil. `now`: { target =, own_id =, account = function that finds out the account's
-- id } of the credential in use.
function Plan:mismatch(now)
  local head = self.head
  if head.target ~= now.target then
    return ("the plan %s was made for %s, and this is %s"):format(self.path, head.target, now.target)
  end
  if head.own_id == now.own_id and now.own_id ~= "" then return end
  local account = now.account()
  if account and head.account and account:match("^%S+") == head.account:match("^%S+") then return end
  return ("the plan %s was made with the credential of %s of %s, and this is that of %s of %s; make it again, as whom it is to "
    .. "be applied"):format(self.path, head.own_id, head.account or "an account that is not known", now.own_id,
      account or "an account that is not known")
end

local function refuse(path, why)
  return nil, ("%s cannot be used as a plan: %s"):format(path, why)
end

local TRUNCATED = "its last line is missing, so that it was cut off; make it again with moonkey plan"
local EDITED = "it was changed after it was made, and nobody has seen that plan; change the input, and make it again"
local DAMAGED = "its first line is damaged; make it again with moonkey plan"

-- Are these the fields that a head, an end must have?
local function has(t, fields)
  if type(t) ~= "table" then return false end
  for name, kind in pairs(fields) do
    if (math.type(t[name]) or type(t[name])) ~= kind then return false end
  end
  return true
end

local HEAD = { moonkey_plan = "integer", plan = "string", created = "integer", target = "string", host = "string",
  own_id = "string" }
local END = { ["end"] = "boolean", rows = "integer", sha256 = "string" }
for _, kind in ipairs(planned.KINDS) do END[kind] = "integer" end

-- The last line of a file, without its newline, and where it begins; nil when it has no end.
local function last_line(file, size)
  file:seek("set", math.max(size - LONGEST_END, 0))
  local tail = file:read("a")
  local line = tail:match("\n([^\n]*)\n$")
  if line then return line, size - #line - 1 end
end

-- The plan at `path`: { path =, id =, head =, counts = }; or nil, message.
function M.open(path)
  if not M.is(path) then return refuse(path, "it is none; moonkey plan FILE -o PLAN makes one") end
  local file <close> = io.open(path, "rb")
  local size = file:seek("end")
  file:seek("set")
  local head = json.decode(file:read(LONGEST_HEAD):match("^[^\n]*"))
  if type(head) == "table" and math.type(head.moonkey_plan) == "integer" and head.moonkey_plan > M.VERSION then
    return refuse(path, ("a newer moonkey has made it (its version is %d, this program knows %d): use that one, or make it "
      .. "again"):format(head.moonkey_plan, M.VERSION))
  end
  if not has(head, HEAD) or not head.plan:find("^%x+$") then return refuse(path, DAMAGED) end
  if head.checks ~= nil and not json.is_array(head.checks) then return refuse(path, DAMAGED) end
  local text, at = last_line(file, size)
  local last = text and json.decode(text)
  if not has(last, END) then return refuse(path, TRUNCATED) end
  local sha256, message = digest.file(path, at)
  if not sha256 then return refuse(path, message) end
  if sha256 ~= last.sha256 then return refuse(path, EDITED) end
  return setmetatable({ path = path, id = head.plan, head = head, counts = last }, Plan)
end

-- ---- once only ----

-- The id of the run that applies this plan, or has, and the path of its journal; nil.
local function applied_by(plan_id)
  local directory = M.directory()
  local file <close> = directory and io.open(("%s/%s"):format(directory, plan_id), "r") or nil
  if file then return file:read("l") or "another run", file:read("l") end
end

-- Has a run applied this plan? Then a message that names it; otherwise nil.
function M.claimed(plan_id)
  local run, path = applied_by(plan_id)
  return run and ("this plan was applied already, by the run %s; moonkey resume %s goes on with that, where it is not "
    .. "finished; to apply it once more, make it again"):format(run, place.name(run, path))
end

-- Note that the run `run`, { id =, path = of its journal }, applies the plan `plan_id`. true; or nil, message where another run
-- has done so before, or it cannot be noted.
function M.claim(plan_id, run)
  local directory, message = M.directory()
  local ok
  if directory then ok, message = files.make_directories(directory) end
  local note = ("%s\n%s\n"):format(run.id, files.absolute(run.path))
  if ok then ok, message = files.claim(("%s/%s"):format(directory, plan_id), note) end
  if ok or (ok == false and applied_by(plan_id) == run.id) then return true end
  if ok == false then return nil, M.claimed(plan_id) end
  return nil, ("cannot note that the plan is applied, and it must not be applied twice: %s"):format(message)
end

-- The run `run_id` is gone, and with it what was kept here of the plan that it has applied.
function M.forget(plan_id, run_id)
  if applied_by(plan_id) ~= run_id then return end
  local path = ("%s/%s"):format(M.directory(), plan_id)
  os.remove(path)
  os.remove(path .. ".plan")
end

return M
