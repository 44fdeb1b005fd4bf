-- moonkey whoami: whose credential is in use, where it came from, and where it is sent.
local connect = require "moonkey.cli.connect"
local failure = require "moonkey.cli.failure"
local harmless = require "moonkey.harmless"
local http = require "moonkey.http"
local identity = require "moonkey.identity"
local json = require "moonkey.json"
local log = require "moonkey.log"
local redact = require("moonkey.secret").redact

local M = {
  summary = "tell whose credential is in use, of which account, on which host",
  description = [[
Asks the platform for the token that the credential belongs to, and tells its name, its account, the
host, where the credential came from, and what is permitted here. The credential itself is never shown.

  moonkey whoami                       before you write: where am I, and as whom?
  moonkey -p production whoami         what that profile stands for
  moonkey whoami -o json | jq -r .account.id

Exit: 0; 1 when the platform cannot be asked, 2 without a credential, 4 when it is refused.]],
}

function M.configure(cmd)
  cmd:option("-o --output", "How it is written (default: table)."):choices{ "table", "json" }
end

local function source_of(profile, source)
  local from = profile and (profile.credential_file and "the file " .. profile.credential_file
    or profile.credential_command and "the credential command")
  return source, from == source and profile.name or nil
end

-- What holds for writes, for programs.
local function guards(args, profile)
  return { read_only = args.read_only or profile and profile.read_only or nil, dry_run = args.dry_run or nil,
    consent = profile and profile.consent, max_changes = tonumber(args.max_changes) }
end

-- The same for people.
local function writing(held)
  if held.read_only then return "refused: read-only" end
  if held.dry_run then return "previewed: dry run" end
  local limit = held.max_changes and (", at most %d"):format(held.max_changes) or ""
  if held.consent == "account" then return "once the account id has been typed" .. limit end
  if held.consent then return "once it is agreed to (--yes)" .. limit end
  return "permitted" .. limit
end

local function named(thing, more)
  if not thing.id then return "not known" end
  return thing.id .. (thing.name and (" (%s)"):format(thing.name) or "") .. (more and ", " .. more or "")
end

local function show(me)
  local credential = me.credential
  local rows = {
    { "token", named(me.token, me.token.status) },
    { "account", named(me.account, me.account.type) },
    { "host", me.host },
    { "base URL", me.base_url },
    { "credential", "from " .. credential.source
      .. (credential.profile and (" of profile '%s'"):format(credential.profile) or "") },
    { "profile", me.profile and ("%s, by %s"):format(me.profile.name, me.profile.by) },
    { "writing", writing(me.guards) },
  }
  for _, row in ipairs(rows) do
    if row[2] then print(("%-11s %s"):format(row[1], harmless(redact(row[2])))) end
  end
end

local MAX_TIME = 30 -- seconds; somebody waits

local BY = { ["-p"] = "-p", MOONKEY_PROFILE = "MOONKEY_PROFILE", default = "default of the configuration" }

local ORDER = { "token", "account", "host", "base_url", "credential", "profile", "guards", "id", "name", "status", "type" }

-- What is known without asking; `profile` may be nil.
local function me_here(args, profile)
  local host, url, source = http.origin()
  local from, of_profile = source_of(profile, source)
  return { host = host, base_url = url, credential = { source = from, profile = of_profile },
    profile = profile and { name = profile.name, by = BY[profile.by] }, guards = guards(args, profile) }
end

function M.run(args)
  local _, profile = connect.configure(args, 1)
  local found, err = identity.learn{ max_time = MAX_TIME }
  if not found then return failure.report(err) end
  local me = me_here(args, profile)
  me.token, me.account = found.token, found.account
  if not me.token.id then log.warn("the credential is accepted, but does not name its token: whose it is cannot be asked") end
  if args.output == "json" then print(redact(json.encode(me, { order = ORDER }))) else show(me) end
  return 0
end

return M
