-- moonkey undo: take a run back, from the before-images in its journal.
local again = require "moonkey.cli.again"
local agree = require "moonkey.cli.agree"
local apply = require "moonkey.cli.apply"
local batch = require "moonkey.batch"
local connect = require "moonkey.cli.connect"
local log = require "moonkey.log"
local place = require "moonkey.batch.journal.place"
local planning = require "moonkey.cli.planning"
local queued = require "moonkey.cli.queued"
local reader = require "moonkey.batch.journal.reader"
local stop = require "moonkey.cli.stop"
local summary = require "moonkey.batch.summary"
local tokens = require "moonkey.batch.plan.tokens"
local undo = require "moonkey.batch.plan.undo"

local M = {
  summary = "take a run back",
  description = [[
Makes a plan from what the tokens were before RUN, shows it, and, once you agree, applies it as a
run of its own. Tokens that were changed since RUN are left alone, and listed. What was undone
already is not undone twice.

What tokens were is known of runs from a plan (`moonkey plan FILE -o PLAN; moonkey batch PLAN`), of
`moonkey batch FILE --undoable`, and of undo itself.

With --dry-run, the plan is only shown; -o PLAN keeps it, for `moonkey batch PLAN`. Where there is
no terminal to ask on, --yes agrees.

Exit: 0 undone, or nothing to undo; 3 some rows failed; 5 not agreed to, more changes than
--max-changes, or tokens left alone because they were changed since; 2 a run that cannot be undone;
4 not authorised; 130 or 143 interrupted.]],
}

function M.configure(cmd)
  cmd:argument("run", "A run: its id, the beginning of one, `last`, or the path of its journal."):argname("RUN")
  planning.configure(cmd)
  queued.configure(cmd)
end

-- Settings of the run that hold for undoing it, too: where it went, and how fast. What it was permitted to do is not.
local RESTORED = { "profile", "base_url", "emulator", "emulator_data", "jobs", "rate", "retry", "max_time", "connect_timeout",
  "cacert", "cert", "key", "proxy", "http2" }

local function open_journal(text)
  local path, message = place.find(text)
  if not path then stop.usage(message) end
  local journal
  journal, message = reader.open(path)
  if not journal then stop.usage(message) end
  if journal:running() then
    stop.usage(("run %s is under way: another moonkey is working on it; wait for its end"):format(journal.meta.id))
  end
  again.check_emulator(journal.meta)
  if journal.meta.queue_open == 1 then
    log.warn("rows of run %s may be with workers still, and what they write is not undone: collect it first, with `moonkey "
      .. "resume %s --queue %s`, and Ctrl-C", journal.meta.id, text, journal.meta.queue or "URL")
  end
  return journal
end

-- Does the run have anything to take back? What there is to say where it has not, and the exit code.
local function nothing_to_undo(journal)
  local meta = journal.meta
  if meta.options.dry_run then return ("run %s was a dry run: nothing was written"):format(meta.id), 0 end
  if journal:changes()() then return nil end
  if meta.plan or meta.options.undoable then return ("run %s has changed nothing: nothing to undo"):format(meta.id), 0 end
  return ("run %s kept nothing of what the tokens were, so that it cannot be undone: only runs from a plan (moonkey plan "
    .. "FILE -o PLAN, moonkey batch PLAN) and with --undoable can"):format(meta.id), 2
end

-- nil where whoever sits at the terminal agrees, otherwise the exit code.
local function refused(args, counts, head)
  if args.yes then return nil end
  return agree.refused(("Undo the changes of %s token%s on %s as %s%s?"):format(summary.number(counts.changed),
    counts.changed == 1 and "" or "s", head.host, head.own_id ~= "" and head.own_id or "an unnamed token",
    head.account and " of " .. head.account or ""), "nothing is undone")
end

-- Make the plan, and show it: its file, or nil, the exit code.
local function make_plan(args, journal, jobs, format, path)
  local meta = journal.meta
  local head = planning.head{ input = "run " .. meta.id, undo_of = meta.id }
  local wanted = path or not args.dry_run
  local out <close> = planning.open(args, format, wanted and (path or true) or nil, head)
  local current = tokens.new{ jobs = jobs }
  current.tick = planning.ticker(current, function() return "" end)
  local reason = undo.run(journal, current, function(row) out:emit(row) end)
  log.status(nil)
  if reason then return nil, planning.stopped_code(reason) end
  out:finish()
  return { path = out.writer and out.writer.path, counts = out.counts, head = head }
end

-- Nothing is applied: why, as an exit code; nil where it may be.
local function held_back(args, plan)
  if planning.exceeds(args, plan.counts.changed) then return 5 end
  local code = planning.problem_code(plan.counts) or 0
  if plan.counts.changed == 0 then
    log.info("nothing to undo%s", plan.counts.drift > 0 and " that has not been changed since" or "")
    return code
  end
  if args.dry_run then
    log.info("dry run: nothing was undone")
    return code
  end
  return refused(args, plan.counts, plan.head)
end

function M.run(args)
  local format, path = planning.outputs(args.output)
  local journal <close> = open_journal(args.run)
  local message, code = nothing_to_undo(journal)
  if code == 2 then stop.usage(message) end
  if message then
    log.info("%s", message)
    return code
  end
  again.restore(args, journal.meta.options, RESTORED)
  queued.prepare(args)
  local jobs = connect.configure(args, batch.DEFAULT_JOBS)
  again.check_target{ meta = journal.meta }
  local plan
  plan, code = make_plan(args, journal, jobs, format, path)
  if not plan then return code end
  journal:close()
  code = held_back(args, plan)
  if not code then return apply.run(args, apply.open(plan.path), jobs) end
  if not path and plan.path then os.remove(plan.path) end
  return code
end

return M
