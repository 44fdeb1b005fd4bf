-- What plan and undo have in common: where a plan goes (-o), and what is said of it.
local announce = require "moonkey.announce"
local color = require "moonkey.cli.color"
local counts = require "moonkey.batch.plan.counts"
local log = require "moonkey.log"
local plan_file = require "moonkey.batch.plan.file"
local planned = require "moonkey.batch.plan.row"
local recorder = require "moonkey.batch.journal.recorder"
local show = require "moonkey.batch.plan.show"
local stop = require "moonkey.cli.stop"
local summary = require "moonkey.batch.summary"
local sys = require "moonkey.sys"

local M = {}

local FORMATS = { text = true, json = true }

function M.configure(cmd)
  cmd:option("-o --output", "text or json: the form of what is printed (default: text). Anything else is the name of a "
    .. "file that the plan is written to, for `moonkey batch`; ./json for one of that name."):argname("PLAN"):count("*")
end

function M.configure_checks(cmd)
  cmd:option("--check", "A check that the plan has to pass: a module of yours, moonkey.check.NAME."):argname("CHECK"):count("*")
end

-- The names of all checks: those of the plan itself, of the profile, and of the command line.
function M.checks(args, profile, head)
  local names = {}
  for _, list in ipairs{ head and head.checks or {}, profile and profile.checks or {}, args.check or {} } do
    for _, name in ipairs(list) do names[#names + 1] = tostring(name) end
  end
  return names
end

-- Form and file, or nil, of what -o says.
function M.outputs(values)
  local format, path
  for _, value in ipairs(values) do
    if value == "" then stop.usage("-o needs text, json, or the name of a file for the plan") end
    if value == "-" then stop.usage("-o -: the plan is printed anyway; -o json prints it as JSON, -o FILE writes a file") end
    if FORMATS[value] then
      if format and format ~= value then stop.usage("-o text and -o json exclude each other") end
      format = value
    else
      if path then stop.usage(("-o %s and -o %s: a plan is written to one file"):format(path, value)) end
      path = value
    end
  end
  return format or "text", path
end

local function write(text)
  local ok, message = io.stdout:write(text)
  if not ok then stop.with(1, ("cannot write to standard output: %s"):format(message)) end
end

-- What a plan says of itself. The account is found out, which may be a request.
function M.head(more)
  local target = recorder.target()
  local account, why = announce.account()
  if not account then log.info("the account of the credential is not known: %s", why) end
  local head = { target = target.target, host = target.host, account = account, own_id = target.own_id }
  for key, value in pairs(more) do head[key] = value end
  return head
end

local Output = {}
Output.__index = Output

function Output:emit(row)
  local text
  text, row = planned.encode(row)
  self.counts:add(row)
  if self.writer then
    local ok, message = self.writer:add(text)
    if not ok then stop.with(1, message) end
  end
  self.shown:add(row, text)
  if self.checks then self.checks:add(row) end
end

-- All rows have come.
function Output:finish()
  self.shown:finish(self.counts)
  local ok, message = io.stdout:flush()
  if not ok then stop.with(1, ("cannot write to standard output: %s"):format(message)) end
  if self.writer then
    ok, message = self.writer:finish(self.counts)
    if not ok then stop.with(1, message) end
  end
end

function Output:close()
  if self.writer then self.writer:close() end
end

Output.__close = Output.close

-- Where the rows of a plan go: printed in `format`, and written to the file `path`; true means one of our own, nil none.
-- `checks`: of extension/check.lua, or nil.
function M.open(args, format, path, head, checks)
  local writer, message
  if path then
    writer, message = plan_file.create(path ~= true and path or nil, head)
    if not writer then stop.usage(message) end
  end
  return setmetatable({ counts = counts.new(), writer = writer, checks = checks,
    shown = show.new(format, write, color.wanted(args.color, 1), head) }, Output)
end

-- Returns tick(), which shows how far it is: on a terminal always, otherwise every few seconds.
function M.ticker(tokens, progress)
  local terminal = sys.isatty(2) and os.getenv("TERM") ~= "dumb"
  local every, shown = terminal and 0.1 or 5, sys.now()
  return function()
    if sys.now() - shown < every then return end
    shown = sys.now()
    local text = ("reading the tokens: %s requests%s"):format(summary.number(tokens.requests), progress())
    if terminal then log.status(text) else log.info("%s", text) end
  end
end

-- Nothing was planned, because that had to stop: the exit code.
function M.stopped_code(reason)
  if reason == "interrupted" then
    log.error("interrupted: there is no plan")
    return 128 + sys.interrupted()
  end
  log.error("%s; there is no plan", stop.why(reason))
  return stop.CODES[reason]
end

-- More changes than --max-changes permits: says so.
function M.exceeds(args, changed)
  local most = math.tointeger(tonumber(args.max_changes))
  if not most or changed <= most then return false end
  log.error("the plan has %s changes, and --max-changes permits %s", summary.number(changed), summary.number(most))
  return true
end

-- The exit code for rows that the plan cannot carry out; nil where there are none.
function M.problem_code(c)
  if c:problems() == 0 then return nil end
  return c:problems() == c.drift and 5 or 3
end

return M
