-- moonkey repl: Lua, line by line, with `token` as a global and every call a plain one.
local announce = require "moonkey.announce"
local complete = require "moonkey.repl.complete"
local connect = require "moonkey.cli.connect"
local directives = require "moonkey.repl.directives"
local evaluate = require "moonkey.repl.evaluate"
local harmless = require "moonkey.harmless"
local histories = require "moonkey.repl.history"
local http = require "moonkey.http"
local limits = require "moonkey.limits"
local lineedit = require "moonkey.lineedit"
local log = require "moonkey.log"
local restricted = require "moonkey.cli.restricted"
local script = require "moonkey.script"
local session = require "moonkey.session"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {
  summary = "run Lua line by line, and show what comes of it",
  description = [[
Takes Lua from the terminal and shows the values of expressions. The global `token` is there, and
require finds what a script of this directory would find. Lines can be edited and recalled, Tab
completes names, Ctrl-C ends a call that takes too long. :help lists what else there is.

  moonkey --emulator repl            try the calls without touching anything real
  moonkey -p production --read-only repl
  echo 'token.get("TKN-0000-0002").name' | moonkey --emulator repl

From a pipe, lines are read without a prompt, and the exit code is 1 when one of them failed.]],
}

local DEFAULT_JOBS = 64
local PROMPT, MORE = "> ", ">> "

function M.configure() end

-- ---- the banner

local function state_of(args, profile)
  local states = {}
  if args.restricted then states[#states + 1] = "restricted" end
  if args.dry_run then states[#states + 1] = "dry run" end
  if args.read_only or profile and profile.read_only then states[#states + 1] = "read-only" end
  return states
end

-- Nothing is asked for it.
local function banner(args, profile)
  local parts = { "moonkey " .. sys.version() }
  local ok, host, _, _, own_id = pcall(http.origin)
  if not ok then
    parts[#parts + 1] = "no credential"
  else
    parts[#parts + 1] = connect.uses_emulator(args) and "emulator" or harmless(host)
    if own_id ~= "" then parts[#parts + 1] = "as " .. harmless(own_id) end
    if announce.known_account() then parts[#parts] = parts[#parts] .. " of " .. announce.known_account() end
  end
  if profile then table.insert(parts, 2, "profile " .. harmless(profile.name)) end
  local states = state_of(args, profile)
  table.move(states, 1, #states, #parts + 1, parts)
  parts[#parts + 1] = ":help"
  io.stderr:write(table.concat(parts, ", "), "\n")
end

-- ---- the session

local Session = {}
Session.__index = Session

-- Tasks in the background print while a line is typed.
function Session:print(...)
  local texts = table.pack(...)
  for i = 1, texts.n do texts[i] = tostring(texts[i]) end
  if self.editor then self.editor:hide() end
  io.stdout:write(table.concat(texts, "\t"), "\n")
  io.stdout:flush()
  if self.editor then self.editor:show() end
end

-- A line; or nil and why there is none.
function Session:read(prompt)
  session.report_failures(true)
  local line, why = self.editor:read(prompt)
  session.report_failures(false)
  if line and self.history:add(line) then self.editor:remember(line) end
  return line, why
end

-- Reads on while what is there is incomplete. A chunk and nil; or nil and why there is none, "" where that has been said.
function Session:read_chunk()
  local line, why = self:read(PROMPT)
  if not line then return nil, why end
  if line:find("^%s*$") then return nil, "" end
  if line:find("^%s*:%s*%a") or line:find("^%s*:%s*$") then return line end
  local text = line
  while true do
    local chunk, message, open = evaluate.compile(text, self.globals)
    if chunk then return chunk end
    line, why = nil, "end"
    if open then line, why = self:read(MORE) end
    if not line and why ~= "end" then return nil, why end
    if not line then
      self:fail(message)
      return nil, ""
    end
    text = text .. "\n" .. line
  end
end

function Session:fail(message)
  self.failed = true
  log.error("%s", message)
end

-- Nothing that is asked for is sent any more: say so once.
function Session:look_at_client()
  local reason = http.stop_reason()
  if reason and reason ~= self.stopped then
    log.error("%s; %s sent in this session any more",
      reason == "consent" and "writing was not agreed to" or stop.why(reason),
      reason == "limit" and "no write is" or "nothing is")
  end
  self.stopped = reason
end

-- Returns whether the session is over.
function Session:perform(chunk)
  local well, value, message, over
  if type(chunk) == "string" then
    well, value, message, over = directives.run(chunk, self.globals)
  else
    well, value = evaluate.run(chunk, evaluate.show)
  end
  if message then log.error("%s", message) end
  if value ~= nil then self.globals._ = value end
  if not well then self.failed = true end
  self:look_at_client()
  return over
end

local COMPLAINTS = { ["too long"] = "the line is longer than 1 MiB, and is left out; put it into a file, and dofile it" }

-- The exit code, once the session is over.
function Session:run()
  while true do
    local chunk, why = self:read_chunk()
    if sys.interrupted() then return 128 + sys.interrupted() end
    if chunk then
      if self:perform(chunk) then break end
    elseif why == "end" then
      break
    elseif why ~= "" and why ~= "interrupted" then
      self:fail(COMPLAINTS[why] or "cannot read standard input: " .. why)
      if not COMPLAINTS[why] then return 1 end
    end
    local limit, message = limits.reached()
    if limit then
      log.error("%s", message)
      return stop.CODES[limit]
    end
    if sys.interrupted() then return 128 + sys.interrupted() end
  end
  return not self.terminal and self.failed and 1 or 0
end

local function new_session(globals)
  local editor = lineedit.open{ history = histories.MOST,
    complete = function(before) return complete.complete(globals, before) end }
  local terminal, edits = editor:is_terminal()
  local history, message = { add = function() return false end }, nil
  if edits then history, message = histories.open() end
  if message then log.warn("lines are not kept for another session: %s", message) end
  for _, line in ipairs(history.lines or {}) do editor:remember(line) end
  local self = setmetatable({ editor = editor, history = history, terminal = terminal, globals = globals }, Session)
  if terminal then globals.print = function(...) self:print(...) end end
  return self
end

-- What goes on in the background is waited for, as after a script.
function Session:close()
  local left = session.leave()
  if left > 0 and self.terminal and not sys.interrupted() then
    local many = left > 1
    log.info("waiting for %d task%s in the background; Ctrl-C ends %s", left, many and "s" or "", many and "them" or "it")
  end
  self.editor:close()
  self.editor = nil
end

function M.run(args)
  local policy = restricted.of(args)
  script.prepare(nil, {})
  local globals = restricted.globals(policy, _G.arg)
  local _, profile = connect.configure(args, DEFAULT_JOBS, "when needed")
  local current = new_session(globals)
  restricted.begin(policy)
  if not session.can_take_interrupts() then limits.begin{} end
  if current.terminal then
    session.take_interrupts()
    banner(args, profile)
  end
  local code = current:run()
  current:close()
  return code
end

return M
