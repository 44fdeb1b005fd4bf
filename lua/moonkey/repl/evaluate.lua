--[[
One thing that was typed: compile it, run it as a task, and tell what came of it.

An expression is tried first, so that its values can be shown; then a statement. Ctrl-C ends what was begun, with all tasks that
it has started (moonkey.session).
]]
local core = require "moonkey.task.core"
local errors = require "moonkey.errors"
local log = require "moonkey.log"
local pretty = require "moonkey.repl.pretty"
local redact = require("moonkey.secret").redact
local session = require "moonkey.session"
local sys = require "moonkey.sys"
local traceback = require "moonkey.traceback"

local M = {}

local CHUNK = "=repl"
local INCOMPLETE = "<eof>$" -- of Lua's message: the text ends where more was expected

-- The function of `text`; or nil, message, and whether more text could mend it.
function M.compile(text, globals)
  local expression = text:match("^%s*=(.*)$")
  local chunk, message = load("return " .. (expression or text), CHUNK, "t", globals)
  if chunk or expression then return chunk, message, message and message:find(INCOMPLETE) ~= nil end
  local statement, said = load(text, CHUNK, "t", globals)
  if statement then return statement end
  if message:find(INCOMPLETE) then return nil, message, true end
  return nil, said, said:find(INCOMPLETE) ~= nil
end

function M.write(text)
  io.stdout:write(redact(text), "\n")
  io.stdout:flush()
end

-- ---- what came of it

-- What pages of a list return for a generic for: a function, and at the end something to close.
local function is_iterator(results)
  if type(results[1]) ~= "function" or results.n < 4 then return false end
  local metatable = debug.getmetatable(results[4])
  return type(metatable) == "table" and rawget(metatable, "__close") ~= nil
end

local function is_failure(results)
  return results.n >= 2 and results[1] == nil and (errors.is(results[2]) or type(results[2]) == "string")
end

local function show_values(results)
  if is_iterator(results) then
    M.write("an iterator, for `for x in … do`; `:list EXPRESSION` shows what it brings")
    local closing = results[4]
    debug.getmetatable(closing).__close(closing)
    return
  end
  for i = 1, results.n do M.write(pretty.of(results[i])) end
end

-- Is there a frame of a function that is neither ours nor what was typed itself?
local function has_frames(trace)
  for frame in trace:gmatch("\n\t([^\n]+)") do
    local ours = frame:find("^%[C%]:") or frame:find("^%(%.%.%.") or frame:find("moonkey/[%w_/]+%.lua:")
    if not ours and not frame:find("^repl:") then return true end
  end
end

local function show_error(err, trace)
  local where = trace:find("\nstack traceback:", 1, true)
  if errors.is(err) then
    log.error("%s", tostring(err))
  elseif where and has_frames(trace:sub(where + 1)) then
    log.error("%s", trace)
  else
    log.error("%s", where and trace:sub(1, where - 1) or trace)
  end
end

-- The values of a call that went well. Returns what `_` becomes, where it becomes anything, and whether that was a success.
function M.show(results)
  if results.n == 0 then return nil, true end
  if is_failure(results) then
    log.error("%s", tostring(results[2]))
    return results[2], false
  end
  show_values(results)
  return results[1], true
end

-- ---- running

-- In a task of its own. `show` is given the results, packed, and returns a value and whether all is well.
local function perform(chunk, show)
  session.begin()
  local trace
  local results = table.pack(xpcall(chunk, function(err)
    trace = traceback.of(err)
    return err
  end))
  if results[1] then
    results = table.move(results, 2, results.n, 1, { n = results.n - 1 })
    local ok, value, well = pcall(show, results)
    if ok then return well, value end
    trace = tostring(value)
  end
  return false, nil, results[2], trace or tostring(results[2])
end

-- Run a compiled chunk, and show what came of it with `show` (M.show). Returns whether it went well, and the value for `_`.
function M.run(chunk, show)
  local ok, well, value, err, trace = pcall(core.join, core.spawn(perform, chunk, show))
  local interrupted = session.finish()
  if sys.interrupted() then return false end
  if interrupted then
    log.warn("interrupted")
    return false
  end
  if not ok then -- it has got at the task itself, as with debug.sethook
    well, err, trace = false, well, tostring(well)
  end
  if trace then show_error(err, trace) end
  return well, value
end

return M
