-- What `moonkey worker` does.
local announce = require "moonkey.announce"
local batch = require "moonkey.batch"
local batch_command = require "moonkey.cli.batch"
local connect = require "moonkey.cli.connect"
local digest = require "moonkey.digest"
local http = require "moonkey.http"
local limits = require "moonkey.limits"
local log = require "moonkey.log"
local queue_url = require "moonkey.queue.url"
local queued = require "moonkey.cli.queued"
local reach = require "moonkey.cli.reach"
local recorder = require "moonkey.batch.journal.recorder"
local restricted = require "moonkey.cli.restricted"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"
local units = require "moonkey.cli.units"
local workers = require "moonkey.queue.worker"

local DEFAULT_LEASE = "15s"
local SHORTEST, LONGEST = 1, 3600 -- seconds of a lease
local PASSED = 0.34 -- of a lease, that an answer of Redis may take: a lost one leaves time for another try

local function lease_of(args)
  local wanted = "from 1s to 1h"
  local lease = units.duration("--lease", args.lease or DEFAULT_LEASE, nil, wanted)
  if lease >= SHORTEST and lease <= LONGEST then return lease end
  stop.usage(("--lease %s: expected a duration %s"):format(args.lease, wanted))
end

local function place_of(args)
  if not args.queue then
    stop.usage("worker needs --queue URL, such as --queue rediss://worker@redis.example.com/0: the queue that moonkey batch "
      .. "FILE --queue URL uses")
  end
  local place, message = queue_url.parse(args.queue)
  return place or stop.usage(message)
end

-- Files that are read anew with each connection.
local function files_of(args, place)
  local files = { args.job }
  for _, name in ipairs{ "cacert", "cert", "key" } do files[#files + 1] = place[name] or args[name] end
  return files
end

local function own_job(args, place, chunk, policy)
  if not chunk then return {} end
  local sha256, message = digest.file(args.job)
  if not sha256 then stop.usage(message) end
  local job = batch_command.make_job(chunk, args.job, policy,
    { read = files_of(args, place), written = {}, queue_port = place.port })
  return { job = job, path = args.job, sha256 = sha256 }
end

-- Starts a second that the flags or the profile permit this worker, whatever the run does; 0 for any.
local function own_rate(args, profile)
  if args.rate then return units.rate("--rate", args.rate) end
  return profile and profile.rate and units.rate(profile.where .. ": rate", profile.rate) or 0
end

local function why(reason)
  local limit, text = limits.reached()
  return limit and text or stop.why(reason)
end

local function exit_code(reason)
  if reason == "drained" then return 0 end
  if reason == "interrupted" then return 128 + sys.interrupted() end
  if reason == "unfit" then
    log.error("none of the runs on the queue is one for this worker; those that nobody goes on with are removed by "
      .. "`moonkey queue purge RUN`")
    return 2
  end
  if reason ~= "consent" then log.error("%s", why(reason)) end -- the lack of consent has been told of already
  return stop.CODES[reason]
end

return function(args)
  local lease, place = lease_of(args), place_of(args)
  queued.refuse_emulator(args)
  if args.run == "last" then stop.usage("--run last: a worker needs the id of the run; moonkey queue status tells it") end
  local policy = args.job and restricted.of(args)
  local chunk = args.job and batch_command.read_job(args.job, policy)
  local queue = reach{ url = place, args = args, timeout = math.min(5, lease * PASSED) }
  local count, profile = connect.configure(args, batch.DEFAULT_JOBS)
  local own = own_job(args, place, chunk, policy)
  own.target, own.dry_run, own.checks = recorder.target().target, http.dry_run(), profile and profile.checks and profile.where
  own.read_only = args.read_only or profile and profile.read_only
  -- Not once it holds rows: whoever is asked may take his time.
  if profile and profile.consent and not own.dry_run and not own.read_only then announce.before_write() end
  local worker = workers.new{ connection = queue, own = own, jobs = count, lease = lease, own_rate = own_rate(args, profile),
    wanted = args.run, drain = args.drain }
  local reason = worker:work()
  queue:close()
  return exit_code(reason)
end
