-- moonkey report: what a run did, as a page, for CI, or for programs. A thin layer over moonkey.batch.report.
local extension = require "moonkey.extension"
local json = require "moonkey.batch.report.json"
local junit = require "moonkey.batch.report.junit"
local log = require "moonkey.log"
local own_output = require "moonkey.extension.output"
local page = require "moonkey.batch.report.page"
local place = require "moonkey.batch.journal.place"
local reader = require "moonkey.batch.journal.reader"
local report = require "moonkey.batch.report.facts"
local rows = require "moonkey.rows"
local stop = require "moonkey.cli.stop"
local text = require "moonkey.batch.report.text"

local M = {
  summary = "show what a run did: a page, JUnit XML, JSON or text",
  description = [[
RUN is the id of a run, an unambiguous beginning of one, `last`, or the path of a journal. Without
an option, a summary goes to standard output. A run that is under way can be reported, too.

--html writes one page that needs nothing else: what ran, totals, when and how fast, what failed
and why, what changed. --junit writes a test case for each row that failed or is unknown, for the
first 1,000 that are fine, and one for all others that are; rows that are not done are an error.
-o json has the facts of the page as one object, with the rows that are on the page. Any other -o
is a module of yours: see `moonkey help extensions`.

A file that has contents is not overwritten. Exit: 0; 1 when the report cannot be written; 2 for an
unknown run, a journal that cannot be used, or a file that cannot be created.]],
}

local FORMATS = { "text", "json" }

function M.configure(cmd)
  cmd:argument("run", "The run: its id, the beginning of it, `last`, or the path of its journal."):argname("RUN")
  cmd:option("--html", "Write the page to a new file; - for standard output."):argname("FILE")
  cmd:option("--junit", "Write JUnit XML to a new file; - for standard output."):argname("FILE")
  cmd:option("-o --output", "Write to standard output."):choices(extension.names("output", FORMATS))
end

local function is_own(output)
  return output ~= nil and output ~= "text" and output ~= "json"
end

local WRITERS = {
  html = function(_, facts, write) write(page.render(facts)) end,
  junit = junit.write,
}

local function check(args)
  local outputs = args.output and { "-o " .. args.output } or {}
  for _, form in ipairs{ "html", "junit" } do
    local name = args[form]
    if name == "" then stop.usage(("--%s needs the name of a file, or - for standard output"):format(form)) end
    if name == "-" then outputs[#outputs + 1] = ("--%s -"):format(form) end
  end
  if #outputs > 1 then
    stop.usage(table.concat(outputs, " and ") .. " both go to standard output; name a file for one of them")
  end
  if args.html and args.html ~= "-" and args.html == args.junit then
    stop.usage("--html and --junit name the same file: " .. args.html)
  end
end

local function open(name)
  local path, message = place.find(name)
  local journal
  if path then journal, message = reader.open(path) end
  if not journal then stop.usage(message) end
  journal.db:exec "BEGIN" -- one state of it, also while the run goes on: each form tells the same
  return journal
end

-- Before anything is read: a journal of a million rows takes a while.
local function create(args)
  local files = {}
  for form in pairs(WRITERS) do
    local message
    if args[form] == "-" then
      files[form] = io.stdout
    elseif args[form] then
      files[form], message = rows.create(args[form])
      if not files[form] then stop.usage(("--%s: %s"):format(form, message)) end
    end
  end
  return files
end

-- A failed write to standard output is told by the host at the end.
local function write(form, file, name, journal, facts)
  local failure
  WRITERS[form](journal, facts, function(part)
    if failure then return end
    local ok, message = file:write(part)
    if not ok then failure = message end
  end)
  if file == io.stdout then return end
  local ok, message = file:close()
  failure = failure or not ok and message
  if failure then stop.with(1, ("cannot write the report to %s: %s"):format(name, failure)) end
  log.info("the report is in %s", name)
end

-- All rows, for a module of the user's.
local function results_of(journal)
  return function()
    local next_result = journal:results()
    return function() return report.without_secrets(next_result()) end
  end
end

function M.run(args)
  check(args)
  if is_own(args.output) then own_output.check(args.output, "report") end
  local journal <close> = open(args.run)
  local files = create(args)
  local facts = report.gather(journal)
  for form, file in pairs(files) do write(form, file, args[form], journal, facts) end
  if is_own(args.output) then
    own_output.report(args.output, facts, results_of(journal))
  elseif args.output == "json" then
    io.stdout:write(json.render(facts), "\n")
  elseif args.output == "text" or not next(files) then
    io.stdout:write(text.render(facts))
  end
  return 0
end

return M
