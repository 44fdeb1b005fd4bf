--[[
The command line: find the command, parse, run, turn the outcome into an exit code.

A command is a file of this directory: { summary =, description =, configure = function(cmd), run = function(args) }.
It checks its own arguments and files before it sets up the client (connect.lua). Only the one that is asked for is loaded; help
loads them all. Commands of the user's come after those: see extension/command.lua.
]]
local argparse = require "argparse"
local color = require "moonkey.cli.color"
local extension = require "moonkey.extension"
local globals = require "moonkey.cli.globals"
local limits = require "moonkey.limits"
local log = require "moonkey.log"
local nearest = require "moonkey.nearest"
local script = require "moonkey.script"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {}

M.commands = { "run", "batch", "plan", "resume", "retry", "undo", "worker", "queue", "runs", "report", "token", "modules",
  "api", "whoami", "profile", "doctor", "emulator", "repl", "init", "test", "check", "help", "types", "modules-path",
  "completion" }

-- Where the file is called otherwise.
local FILES = { init = "new", ["modules-path"] = "modules_path", ["credential-source"] = "credential_source",
  ["run-spec"] = "run_spec", __complete = "complete" }

local HIDDEN = { ["credential-source"] = true, ["run-spec"] = true, __complete = true } -- what moonkey and shells start

local EPILOG = [[
Examples:
  moonkey --emulator run script.lua    try a script without touching anything real
  moonkey batch tokens.csv -j 20       update the tokens that the rows of a file name
  moonkey plan tokens.csv -o x.plan    show what that would change; then: moonkey batch x.plan
  moonkey resume last                  go on with the last run, after Ctrl-C, a kill, a full disk
  moonkey undo last                    take the last run back, where it was one of a plan
  moonkey token list --unused-for 90d  find tokens; token --help: make, change and delete them
  moonkey emulator --port 8080         an emulator for other programs
  moonkey init tokens                  a project for scripts, modules and their specs; then: test, check
  moonkey doctor                       what keeps moonkey from working here; whoami: as whom it works

Exit: 0 done, 1 script or run-time error, 2 usage or unusable input, 3 some rows failed,
4 not authorised, 5 stopped by a guard (consent, --halt, --max-changes, drift), 6 changes found by
plan --detailed-exitcode, 130 or 143 interrupted.
`moonkey COMMAND --help` says more. The manual: man moonkey.]]

-- The index of the command's name among the arguments, past the global flags; nil if there is none.
local function find_command(args)
  local arity, i = globals.arity(), 1
  while i <= #args do
    local word = args[i]
    if word == "-" or not word:find("^%-") then
      return i
    elseif word:find("^%-e") or word:find("^%-%-eval") then -- of `run`, which need not be said
      table.insert(args, i, "run")
      return i
    end
    i = i + (arity[word] and 2 or 1)
  end
end

function M.is_built_in(name)
  for _, command in ipairs(M.commands) do
    if command == name then return true end
  end
  return HIDDEN[name]
end

local function is_command(name)
  return M.is_built_in(name) or extension.find("command", name) ~= nil
end

-- The command `name`, which there is: { summary =, description =, configure =, run =, … }.
function M.command(name)
  if M.is_built_in(name) then return require("moonkey.cli." .. (FILES[name] or name)) end
  local command, message = require("moonkey.extension.command").open(name)
  return command or stop.with(1, message)
end

-- `moonkey SCRIPT.lua` and `moonkey -e CODE` mean run.
local function say_run(args)
  local at = find_command(args)
  local word = at and args[at]
  if word and not is_command(word) and (word == "-" or word:find("%.lua$") or sys.file_type(word) == "file") then
    table.insert(args, at, "run")
  end
end

-- For argparse: --emulator=FILE becomes an option whose value is not optional, and a value such as -1 no option; nor does any
-- that begins with one dash, after a flag of the command's `free_text`.
local function prepare(words, free_text)
  local arity, prepared = globals.arity(), {}
  for i, word in ipairs(words) do
    local before = words[i - 1]
    if word == "--" then return table.move(words, i, #words, #prepared + 1, prepared) end
    if before and (arity[before] and word:find("^%-%d") or free_text[before] and word:find("^%-[^%-]")) then
      prepared[#prepared] = before .. (before:find("^%-%-") and "=" or "") .. word
    else
      prepared[#prepared + 1] = word:gsub("^%-%-emulator=", "--emulator-data=")
    end
  end
  return prepared
end

local function check_command(word)
  if is_command(word) then return end
  local near = nearest(word, extension.names("command", M.commands))
  stop.usage(("there is no command '%s'%s; moonkey --help lists them")
    :format(word, near and (", did you mean '%s'?"):format(near) or ""))
end

-- argparse would print and exit by itself; the host has one place for that. A parser that knows better says it itself.
local function raise_usage(parser, message)
  if parser.complain then parser.complain(message) end
  stop.usage(("%s\n%s"):format(message, parser:get_usage()))
end

local function add_command(parser, name, module)
  local cmd = parser:command(name, module.description or module.summary):summary(module.summary)
  cmd:target("command_" .. name) -- or `retry` would be both the command and the option
  cmd.error = raise_usage
  module.configure(cmd)
  return cmd
end

-- For the list of all commands, after ours. A module that cannot be loaded is listed with the reason, and keeps nobody from
-- reading on.
local function add_extensions(parser, ours)
  local added = {}
  for _, entry in ipairs(extension.list("command")) do
    local module = require("moonkey.extension.command").describe(entry.name)
    added[#added + 1] = parser:command(entry.name, module.summary):summary(module.summary)
  end
  if #added == 0 then return end
  parser:group("Commands", table.unpack(ours))
  parser:group("Commands of your own", table.unpack(added))
end

-- Of what stands before the command.
function M.parser()
  local parser = argparse("moonkey", "Lua-scriptable automation host for API tokens of the SoftwareOne Marketplace.", EPILOG)
  parser:help_max_width(100):command_target("command"):require_command(false)
  parser:flag("-V --version", "Print the version and exit.")
  globals.configure(parser)
  parser.error = raise_usage
  return parser
end

-- With this command, or with all of them for their list.
local function make_parser(command)
  local parser = M.parser()
  if command then
    add_command(parser, command, M.command(command))
    return parser
  end
  local ours = {}
  for i, name in ipairs(M.commands) do ours[i] = add_command(parser, name, M.command(name)) end
  add_extensions(parser, ours)
  return parser
end

-- The words that these flags take are few.
local function check_values(args)
  for flag, words in pairs(globals.VALUES) do
    local value, known = args[flag:sub(3):gsub("%-", "_")], false
    for _, word in ipairs(words) do known = known or word == value end
    if value and not known then
      stop.usage(("%s %s: expected %s or %s"):format(flag, value, table.concat(words, ", ", 1, #words - 1), words[#words]))
    end
  end
end

local function configure_log(args)
  log.configure{ level = args.log_level, format = args.log_format, color = color.wanted(args.color, 2) }
end

-- An extension is loaded before the words are parsed, because it knows which there are.
local function asks_for_no_strict(words)
  for _, word in ipairs(words) do
    if word == "--" then return false end
    if word == "--no-strict" then return true end
  end
  return false
end

-- Is help asked for before the command, which therefore is none of one?
local function asks_for_list(words, at)
  for i = 1, at - 1 do
    if words[i] == "--help" or words[i] == "-h" then return true end
  end
  return false
end

local function dispatch(words)
  say_run(words)
  local at = find_command(words)
  if at then check_command(words[at]) end
  script.be_strict(not asks_for_no_strict(words))
  local command = at and M.command(words[at])
  local rest
  if command and command.split then -- `run` keeps what follows the script's name for the script
    words, rest = command.split(words, at, globals.arity())
  end
  local parser = make_parser(at and not asks_for_list(words, at) and words[at] or nil)
  local args = parser:parse(prepare(words, command and command.free_text or {}))
  if args.version then
    require "moonkey.cli.version"()
    return 0
  elseif not command then
    io.stderr:write(parser:get_help(), "\n")
    return 2
  end
  args.rest = rest
  check_values(args)
  script.be_strict(not args.no_strict)
  configure_log(args)
  return command.run(args)
end

-- What was raised, or that a limit was passed meanwhile, which is the reason for it.
local function cause_of(raised)
  local limit, why = limits.reached()
  if not limit then return raised end
  if stop.is(raised) then return stop.new(stop.CODES[limit], raised.message) end
  local where = type(raised) == "string" and raised:find(why, 1, true)
  return stop.new(stop.CODES[limit], where and raised or why)
end

-- main(program, argument, …): the exit code.
function M.main(_, ...)
  require "moonkey.coroutine" -- lets the host's waits pass through coroutines
  local trace
  local ok, outcome = xpcall(dispatch, function(err)
    trace = debug.traceback(tostring(err), 2)
    return err
  end, { ... })
  if ok then return outcome end
  local damage = package.loaded["moonkey.batch.journal.damage"] -- otherwise no journal has been read
  if damage and damage.is(outcome) then outcome = stop.new(2, tostring(outcome)) end
  outcome = cause_of(outcome)
  local stopped = stop.is(outcome)
  local message = stopped and outcome.message or trace or tostring(outcome) -- without memory there is no trace
  if message ~= "" then log.error(message) end
  return stopped and outcome.code or 1
end

return M
