--[[
The runs on a server that a worker can work on, the oldest first. One that does not fit it, because the job is another, or the
platform or the account is, is told of once.
]]
local jobs = require "moonkey.batch.job"
local json = require "moonkey.json"
local keys = require "moonkey.queue.keys"
local log = require "moonkey.log"
local runs = require "moonkey.queue.run"

local M = {}

local Runs = {}
Runs.__index = Runs

local FORMAT = "1"
local BUILT_IN = "built-in"

-- How a run without a job of its own does its rows; nil where that cannot be told.
local function settings_of(facts)
  local ok, settings = pcall(json.decode, facts.built_in or "{}")
  return ok and type(settings) == "table" and settings or nil
end

local function job_differs(own, facts)
  if facts.job == (own.sha256 or BUILT_IN) then return nil end
  local name = facts.job_name or "a job file"
  if facts.job == BUILT_IN then
    return ("has no job of its own, and this worker has %s: start one without --job"):format(own.path)
  elseif not own.sha256 then
    return ("has the job %s (SHA-256 %s), and this worker has none: give it that file with --job"):format(name, facts.job)
  end
  return ("has the job %s with SHA-256 %s, and %s here has %s: give the worker the same file"):format(name, facts.job,
    own.path, own.sha256)
end

local function shown(value)
  return value and value ~= "" and value or "nothing"
end

-- As of rows without a queue: a profile's checks are of plans, because rows do not say what they change.
local function lacks_checks(own, settings)
  if own.job or not own.checks or settings.plan then return nil end
  return ("has rows, and %s has checks, which only a plan can pass: run a plan, or use another profile"):format(own.checks)
end

local function only_reads(own, facts)
  if own.job or not own.read_only or facts.dry_run == "1" then return nil end
  return "has rows to be written, and this worker may not write (--read-only)"
end

-- Why this worker cannot do the rows of that run; nil where it can.
local function unfit(own, facts, settings)
  if facts.format ~= FORMAT or not settings then
    return ("is one of another moonkey (%s): use the same version"):format(facts.version or "?")
  end
  local differs = job_differs(own, facts) or lacks_checks(own, settings) or only_reads(own, facts)
  if differs then return differs end
  if facts.target ~= own.target then
    return ("is against %s, and this worker would go to %s: give it the same base URL or profile"):format(
      shown(facts.target), shown(own.target))
  end
  if facts.account and facts.account ~= "" and own.account and facts.account ~= own.account then
    return ("is for the account %s, and this worker's credential is of %s"):format(facts.account, own.account)
  end
  if (facts.dry_run == "1") ~= own.dry_run then
    return own.dry_run and "is no dry run: start the worker without --dry-run"
      or "is a dry run: start the worker with --dry-run, too"
  end
end

-- Was it set aside, and is its coordinator still gone?
local function is_aside(self, id)
  if not self.aside[id] then return false end
  self.aside[id] = self.link:call("EXISTS", keys.of(id, "coordinator")) ~= 1 or nil
  return self.aside[id]
end

-- { id =, rate =, built_in = settings of the built-in job, work = its job } where this worker can do it; nil, and "unfit" where
-- it cannot; nil, nil, err where nobody tells.
function Runs:look_at(id)
  local facts, err = runs.facts(self.link, id)
  if facts == nil then return nil, nil, err end
  if not facts or facts.state ~= "open" or is_aside(self, id) then return nil end
  local settings = settings_of(facts)
  local why = unfit(self.own, facts, settings)
  if not why then
    return { id = id, rate = tonumber(facts.rate) or 0, built_in = facts.built_in,
      work = self.own.job or jobs.built_in(settings) }
  end
  if not self.told[id] then
    self.told[id] = true
    log.warn("run %s %s", id, why)
  end
  return nil, "unfit"
end

-- How many of its chunks nobody has taken; with `patient`, how many there are.
local function waiting(self, run, patient)
  local count = self.link:call("HLEN", keys.of(run.id, "sizes"))
  if not count or count == 0 or patient then return count or 0 end
  local pending = self.link:call("XPENDING", keys.of(run.id, "chunks"), keys.GROUP)
  return pending and count - pending[1] or 0
end

-- All that there are and fit, and how many do not; nil, err, also where nothing is known of any that may fit.
local function fitting(self)
  local list, err = self.wanted and { { id = self.wanted } }, nil
  if not list then list, err = runs.list(self.link) end
  if not list then return nil, err end
  local found, misfits = {}, 0
  for _, entry in ipairs(list) do
    local run, why, unknown = self:look_at(entry.id)
    found[#found + 1] = run
    if why then misfits = misfits + 1 end
    err = err or unknown
  end
  if err and #found == 0 then return nil, err end
  return found, misfits
end

-- The oldest that fits and has rows to be taken, otherwise the oldest; not of those whose ids are in `passed`. nil, and how
-- many do not fit; nil, nil, err.
function Runs:next(passed)
  local found, misfits = fitting(self)
  if not found then return nil, nil, misfits end
  local oldest
  for _, run in ipairs(found) do
    if not passed[run.id] then
      if waiting(self, run) > 0 then return run end
      oldest = oldest or run
    end
  end
  return oldest, misfits
end

-- Is there a run that fits, other than this one, with something to be done?
function Runs:is_elsewhere(this, patient)
  if self.wanted then return false end
  for _, run in ipairs(fitting(self) or {}) do
    if run.id ~= this.id and waiting(self, run, patient) > 0 then return true end
  end
  return false
end

-- It is none to work on until it has a coordinator again.
function Runs:set_aside(run)
  self.aside[run.id] = true
end

-- Is there no such run any more?
function Runs:is_over(id)
  return self.link:call("EXISTS", keys.of(id, "run")) == 0
end

-- Does anybody have rows of it to do?
function Runs:is_empty(run)
  return self.link:call("HLEN", keys.of(run.id, "sizes")) == 0
end

-- `own`: { job = the worker's or nil, path =, sha256 = of its file, target =, account =, dry_run =, read_only =, checks
-- = who demands some }; `wanted`: id of the only run to be worked on, or nil.
function M.new(link, own, wanted)
  return setmetatable({ link = link, own = own, wanted = wanted, told = {}, aside = {} }, Runs)
end

return M
