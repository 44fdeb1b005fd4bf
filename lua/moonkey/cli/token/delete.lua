-- moonkey token delete: delete tokens, once somebody has agreed to it.
local agree = require "moonkey.cli.agree"
local batch = require "moonkey.batch"
local connect = require "moonkey.cli.connect"
local failure = require "moonkey.cli.failure"
local fields = require "moonkey.cli.token.fields"
local harmless = require "moonkey.harmless"
local http = require "moonkey.http"
local ids = require "moonkey.cli.token.ids"
local output = require "moonkey.cli.output"
local redact = require("moonkey.secret").redact
local sys = require "moonkey.sys"
local token = require "moonkey.token"

local M = {
  summary = "delete tokens, for good",
  description = [[
Shows what would be deleted, with name, account and last use, and asks before it deletes anything.
Where nobody can be asked, --yes agrees. A deleted token cannot be brought back; one that is only
disabled can.

  moonkey token delete TKN-1234-5678
  moonkey token delete --yes TKN-1234-5678 TKN-1234-5679

A profile that demands consent asks for that instead, once. --dry-run only tells what it would do.
The token that moonkey uses itself is not deleted without --allow-self.
Exit: 0 deleted, 1 the one was not, 3 some were not, 4 not authorised, 5 not agreed to, or refused
by a guard.]],
}

function M.configure(cmd)
  ids.configure(cmd)
end

local function described(tok)
  local account = type(tok.account) == "table" and tok.account or {}
  local who = type(account.name) == "string" and ("%s (%s)"):format(account.id, account.name) or tostring(account.id)
  local used = tok.lastAccessAt and "last used " .. tok.lastAccessAt:gsub("%.%d+Z$", "Z") or "never used"
  return harmless(redact(("%s  %s, %s, of %s, %s"):format(tok.id, tok.name, tok.status, who, used)))
end

-- Read them, and tell of each what it is. The ids of those that there are; and errors by index in `list`.
local function look(list, jobs)
  local tokens, failures = ids.each(list, jobs, token.get)
  local there = {}
  for i, id in ipairs(list) do
    if tokens[i] then
      io.stderr:write("  ", described(fields.public(tokens[i])), "\n")
      there[#there + 1] = id
    end
  end
  return there, failures
end

-- nil where whoever sits at the terminal agrees, otherwise the exit code.
local function refused(count)
  return agree.refused(("Delete %s on %s? This cannot be undone."):format(
    count == 1 and "this token" or ("these %d tokens"):format(count), (http.origin())), "nothing is deleted")
end

local function delete(list, jobs)
  local deleted, failures = ids.each(list, jobs, token.delete)
  for i, id in ipairs(list) do
    if deleted[i] and not http.dry_run() then output.write(id, "  Deleted\n") end
  end
  output.flush()
  return failures
end

-- The exit code of those that were not there, and of those that could not be deleted.
local function worse(a, b)
  if a == 0 or b == 0 then return a == 0 and b or a end
  return a == b and a or 3
end

function M.run(args)
  local list = ids.of(args)
  local jobs, profile = connect.configure(args, batch.DEFAULT_JOBS)
  if args.yes or http.dry_run() then return failure.report_all(list, delete(list, jobs)) end
  local there, missing = look(list, jobs)
  local code = failure.report_all(list, missing)
  if #there == 0 or sys.interrupted() then return code end
  local asked_anyway = profile and profile.consent -- by moonkey.announce, before the first of them
  local refusal = not asked_anyway and refused(#there)
  if refusal then return refusal end
  local after = failure.report_all(there, delete(there, jobs))
  if #there < #list and after == 0 then return 3 end
  return worse(code, after)
end

return M
