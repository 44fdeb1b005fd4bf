-- moonkey plan: what batch would change, field by field. Sends no write.
local batch = require "moonkey.batch"
local batch_command = require "moonkey.cli.batch"
local compare = require "moonkey.batch.plan.compare"
local connect = require "moonkey.cli.connect"
local default_job = require "moonkey.batch.default_job"
local digest = require "moonkey.digest"
local extension = require "moonkey.extension"
local formats = require "moonkey.extension.format"
local json = require "moonkey.json"
local log = require "moonkey.log"
local plan_file = require "moonkey.batch.plan.file"
local planning = require "moonkey.cli.planning"
local stop = require "moonkey.cli.stop"
local tokens = require "moonkey.batch.plan.tokens"

local M = {
  summary = "show what batch would change, field by field",
  description = [[
Reads rows from FILE, as batch does, and the tokens that they name, and prints what would change:
  TKN-1234-5678 (line 2)
    name: "old" → "new"
    modules: + MOD-9042, - MOD-1756
Rows that are wrong, and ids that no token has, are named; the last line counts. Nothing is written.

With --check NAME, or `checks` of the profile, modules of yours say what must not be changed so; what
they find is told by row, and `batch PLAN` refuses such a plan.

With -o PLAN, `moonkey batch PLAN` applies exactly that. It looks at each token once more: one that
somebody has changed meanwhile is not overwritten, but fails as drift. A plan is applied once.

Exit: 0, also with changes; with --detailed-exitcode 0 nothing to change, 6 changes. In both cases
3 when there are rows that cannot be carried out (wrong ones, unknown ids), whatever else there is;
5 when there are more changes than --max-changes, or a check is not passed; 2 unusable input, 4 not authorised, 130 or 143
interrupted: then there is no plan.]],
}

function M.configure(cmd)
  cmd:argument("file", "File of rows, or - for standard input."):argname("FILE")
  planning.configure(cmd)
  planning.configure_checks(cmd)
  cmd:flag("--detailed-exitcode", "Exit with 6 when there is something to change.")
  cmd:option("--format", "Format of FILE, when its name does not tell.")
    :choices(extension.names("format", formats.BUILT_IN))
end

local function exit_code(args, counts, not_passed)
  if not_passed then return not_passed end
  if planning.exceeds(args, counts.changed) then return 5 end
  return planning.problem_code(counts) or (args.detailed_exitcode and counts.changed > 0 and 6 or 0)
end

local function share_of(source)
  return function()
    local at, total = source:progress()
    return total and total > 0 and (", %d%% of the rows read"):format(at * 100 // total) or ""
  end
end

function M.run(args)
  local format, path = planning.outputs(args.output)
  if plan_file.is(args.file) then
    stop.usage(("%s is a plan already: moonkey batch %s applies it"):format(args.file, args.file))
  end
  local source = batch_command.open_source(args.file, args.format, default_job.check_columns)
  local sha256 = source.path and digest.file(source.path) or nil
  args.read_only = true -- the host sends no write, whatever happens here
  local jobs, profile = connect.configure(args, batch.DEFAULT_JOBS)
  local names = planning.checks(args, profile)
  local checks = require("moonkey.extension.check").open(names)
  local out <close> = planning.open(args, format, path, planning.head{ input = source.name, input_sha256 = sha256,
    checks = checks and json.array(names) }, checks)
  local current = tokens.new{ jobs = jobs }
  current.tick = planning.ticker(current, share_of(source))
  local ended = compare.run(source, current, function(row) out:emit(row) end)
  log.status(nil)
  source:close()
  if ended.stopped then return planning.stopped_code(ended.stopped) end
  if ended.unusable then
    local line = ended.unusable.line or 0
    stop.usage(("%s cannot be used%s: %s; there is no plan"):format(source.name,
      line > 0 and " from line " .. line .. " on" or "", ended.unusable.message))
  end
  out:finish()
  local not_passed = checks and checks:finish()
  if path and not not_passed then log.info("the plan is in %s; moonkey batch %s applies it", path, path) end
  return exit_code(args, out.counts, not_passed)
end

return M
