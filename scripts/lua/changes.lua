--[[
The changes that a script wants: all are shown; they are made only with --apply, many at a time, and those that fail are named.

  local list = changes.new(opts)                                  -- opts.apply, opts.detailed_exitcode: see options.lua
  list:add(tok, "disable: not used since 2023", function() return token.disable(tok.id) end)
  list:finish()

Without --apply moonkey is told to send no write for the rest of the script, so that a mistake in it cannot write either.
What is written is also subject to moonkey's own --dry-run, --read-only, --max-changes and consent.

Exit codes, as moonkey's own: 3 some failed, 5 all that failed were refused by a guard, 6 with --detailed-exitcode.
]]
local http = require "moonkey.http"
local log = require "moonkey.log"
local task = require "moonkey.task"

local M = {}

local JOBS = 10
local FAILED, GUARD, CHANGES = 3, 5, 6
local BY_GUARD = { refused = true, drift = true }

-- Names and descriptions may be anybody's: no line break, and nothing that steers the terminal.
function M.text(value)
  return (tostring(value):gsub("%c", "?"))
end

local function say(outcome, tok, what)
  print(("%-13s %s  %s: %s"):format(outcome, tok.id, M.text(tok.name or ""), M.text(what)))
end

local List = {}
List.__index = List

function M.new(opts)
  local apply = opts.apply and not http.dry_run()
  if not apply then http.forbid_writes() end
  return setmetatable({ apply = apply, detailed_exitcode = opts.detailed_exitcode, changes = {}, changed = 0, skipped = 0,
    failed = 0, guarded = 0 }, List)
end

-- `what` says what and why. write() returns nil and an error where it failed, and `false, reason` where it found nothing to do.
function List:add(tok, what, write)
  table.insert(self.changes, { tok = tok, what = what, write = write })
end

-- A token that is left alone although it was looked at, and why.
function List:skip(tok, why)
  self.skipped = self.skipped + 1
  say("left alone", tok, why)
end

-- What could not be done, or not even be looked at; it decides the exit code. `about`: an id, or what stands for one.
function List:fail(about, err)
  self.failed = self.failed + 1
  if type(err) == "table" and BY_GUARD[err.kind] then self.guarded = self.guarded + 1 end
  log.error("%s: %s", M.text(about), M.text(err))
end

function List:perform(change)
  local result, err = change.write()
  if result == nil then return self:fail(change.tok.id, err) end
  if result then self.changed = self.changed + 1 end
  say(result and "done" or "nothing to do", change.tok, result and change.what or err)
end

-- Makes the changes, or shows them; sums up; ends the script where the exit code is not 0.
function List:finish()
  local count = #self.changes
  if self.apply then
    task.map(self.changes, function(change) self:perform(change) end, { jobs = JOBS })
    log.info("%d of %d changed, %d failed, %d left alone", self.changed, count, self.failed, self.skipped)
  else
    for _, change in ipairs(self.changes) do say("would be done", change.tok, change.what) end
    log.info("%d to change, %d failed, %d left alone; nothing was written%s", count, self.failed, self.skipped,
      count > 0 and ", because --apply was not given" or "")
  end
  if http.stop_reason() then return end -- moonkey says why, and has an exit code for that
  if self.failed > 0 then os.exit(self.guarded == self.failed and GUARD or FAILED) end
  if self.detailed_exitcode and not self.apply and count > 0 then os.exit(CHANGES) end
end

return M
