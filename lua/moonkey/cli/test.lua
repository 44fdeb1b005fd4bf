-- moonkey test: the specs of a project, with busted, each file in a process and with an emulator of its own.
local busted = require "moonkey.project.busted"
local globals = require "moonkey.cli.globals"
local isolated = require "moonkey.project.isolated"
local log = require "moonkey.log"
local merge = require "moonkey.project.merge"
local output = require "moonkey.cli.output"
local places = require "moonkey.extension.places"
local run_spec = require "moonkey.cli.run_spec"
local specs = require "moonkey.project.specs"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"
local task = require "moonkey.task"
local units = require "moonkey.cli.units"

local M = {
  summary = "run the specs of a project",
  description = [[
Runs the specs in spec/, or in the files and directories given, with busted. Each file has a
process of its own and an emulator of its own, with the tokens TKN-0000-0001 to TKN-0000-1000, so
files can neither disturb each other nor anything real: MPT_* variables and profiles are not there
for them. In specs there is the global token, and calls wait as they do in scripts.

  moonkey test                                all of them, 4 files at a time
  moonkey test spec/teams_spec.lua            one file; its output comes as it is written
  moonkey test --filter 'once$'               only specs whose names match
  moonkey test -o junit > report.xml          for CI; also TAP, json, gtest, utfTerminal
  moonkey test --fault 503:0.2                do the modules bear an API that fails?
  moonkey test --max-cpu 10s                  for specs that might not end

.busted says what else busted is to do, and which files are specs (ROOT, pattern).
Exit: 0 all passed; 1 some did not, or none was run; 2 there are no files of them, or no busted.]],
}

local DEFAULT_FILES, MOST_FILES = 4, 64 -- at a time

function M.configure(cmd)
  cmd:argument("files", "Files, and directories with *_spec.lua (default: spec/, or what .busted says)."):argname("FILE")
    :args("*")
  cmd:option("-o --output", "Output handler of busted: plainTerminal, utfTerminal, TAP, json, junit, gtest, or a module"
    .. " of yours (default: plainTerminal).")
    :argname("HANDLER")
  cmd:option("--filter", "Only specs whose full names match this Lua pattern; may be given several times."):argname("PATTERN")
    :count("*")
  cmd:option("--filter-out", "No specs whose full names match."):argname("PATTERN"):count("*")
  cmd:option("--tags", "Only specs with one of these #tags in their names, by commas."):argname("TAGS")
  cmd:option("--exclude-tags", "No specs with one of these."):argname("TAGS")
  cmd:flag("--list", "List the names of the specs, and run none.")
  cmd:flag("--shuffle", "Run the specs of a file in random order; a failure shows the seed.")
  cmd:option("--seed", "Seed of that order."):argname("N")
end

M.free_text = { ["--filter"] = true, ["--filter-out"] = true } -- patterns may begin with a dash

-- Global flags that say where else to send requests, or who is who.
local REFUSED = { "profile", "base_url", "emulator_data", "restricted", "cacert", "cert", "key", "proxy", "http2" }

local function flag_of(target)
  return "--" .. (target == "emulator_data" and "emulator=FILE" or target:gsub("_", "-"))
end

local function check(args)
  for _, target in ipairs(REFUSED) do
    if args[target] ~= nil then
      stop.usage(("%s is not for specs: each file has an emulator of its own, and nothing else"):format(flag_of(target)))
    end
  end
  if args.seed and not args.seed:find("^%d+$") then
    stop.usage(("--seed %s: expected a whole number, 0 or more"):format(args.seed))
  end
end

-- The words of a flag with its value, of each of its values, or alone.
local function add(words, flag, value)
  if type(value) == "table" then
    for _, one in ipairs(value) do add(words, flag, one) end
  elseif value == true then
    words[#words + 1] = flag
  elseif value ~= nil then
    words[#words + 1] = flag .. "=" .. value
  end
end

local OURS = { jobs = true, emulator = true }

-- The global flags that were given, for the processes.
local function global_words(args)
  local words = { "--emulator" }
  for _, option in ipairs(globals.options) do
    local flag = option[1]:match("%-%-[%w%-]+")
    local target = flag:sub(3):gsub("%-", "_")
    if not OURS[target] then add(words, flag, args[target]) end
  end
  return words
end

local function busted_words(args)
  local words = {}
  for _, target in ipairs{ "output", "filter", "filter_out", "tags", "exclude_tags", "list", "shuffle", "seed" } do
    add(words, flag_of(target), args[target])
  end
  return words
end

-- What one process is called with.
local function words_for(args, file)
  local words = global_words(args)
  words[#words + 1] = "run-spec"
  words[#words + 1] = "--"
  words[#words + 1] = file
  local own = busted_words(args)
  return table.move(own, 1, #own, #words + 1, words)
end

local function passed(result)
  return result.code == run_spec.PASSED or result.code == run_spec.NOTHING
end

local function write_one(file, result, bare)
  if not bare then output.write(file, "\n") end
  output.write(result.text, (result.text == "" or result.text:find("\n$")) and "" or "\n")
end

-- One document, where the handler writes such. Otherwise what each has written, in order.
local function write_merged(handler, list, results)
  local texts = {}
  for i, result in ipairs(results) do texts[i] = result.text end
  local text = merge[handler] and merge[handler](texts)
  if text then return output.write(text) end
  if merge[handler] then log.warn("a file did not come to an end, so there is a report for each of the others") end
  for i, file in ipairs(list) do write_one(file, results[i], true) end
end

-- Run them, a few at a time; each is written once it and all before it have ended, unless they make one document.
local function run_files(args, list, jobs, handler)
  local results, written, alone = {}, 0, #list == 1
  local function write_those_that_ended()
    while results[written + 1] and not (alone or merge[handler] or args.list) do
      written = written + 1
      write_one(list[written], results[written])
      output.flush()
    end
  end
  local numbers = {}
  for i in ipairs(list) do numbers[i] = i end
  task.map(numbers, function(i)
    local result, message = isolated.run(words_for(args, list[i]), alone)
    results[i] = result or { code = 1, text = ("cannot start moonkey for it: %s\n"):format(message) }
    write_those_that_ended()
  end, { jobs = jobs })
  if not alone and (merge[handler] or args.list) then write_merged(not args.list and handler, list, results) end
  output.flush()
  return results
end

-- A file that has failed, with how its process ended where that was not busted's doing.
local function describe(file, code)
  if code == 1 then return file end
  if code > 128 then return ("%s (ended by signal %d)"):format(file, code - 128) end
  return ("%s (left with exit code %d)"):format(file, code)
end

-- What came of all; the exit code.
local function report(args, list, results)
  local failed, empty = {}, 0
  for i, file in ipairs(list) do
    if results[i].code == run_spec.NOTHING then empty = empty + 1 end
    if not passed(results[i]) then failed[#failed + 1] = describe(file, results[i].code) end
  end
  if empty == #list and not args.list then
    log.error("no spec was run: %s none that is asked for", #list == 1 and list[1] .. " has" or "the files have")
    return 1
  end
  if #failed == 0 and #list > 1 and not args.list then log.info("all %d files passed", #list) end
  if #failed > 0 then log.error("%d of %d files failed: %s", #failed, #list, table.concat(failed, ", ")) end
  return #failed == 0 and 0 or 1
end

function M.run(args)
  check(args)
  local jobs = args.jobs and units.count("-j", args.jobs, 1, MOST_FILES) or DEFAULT_FILES
  package.path, package.cpath = places.search_paths(".")
  if not busted.is_installed() then stop.usage(busted.ADVICE) end
  local near = args.output and busted.nearest_handler(args.output)
  if near then stop.usage(("-o %s: busted has no such output handler; did you mean '%s'?"):format(args.output, near)) end
  local settings, message = specs.settings()
  if not settings then stop.usage(message) end
  local list
  list, message = specs.find(args.files, settings)
  if not list then stop.usage(message) end
  local ok, results = pcall(run_files, args, list, jobs, args.output or settings.output or "plainTerminal")
  if sys.interrupted() then return 128 + sys.interrupted() end
  if not ok then error(results, 0) end
  return report(args, list, results)
end

return M
