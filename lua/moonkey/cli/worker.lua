-- moonkey worker: do the rows of batches that run over a queue, on this machine, beside others.
local M = {
  summary = "do the rows of batches that run over a queue",
  description = [[
Takes the rows that `moonkey batch FILE --queue URL` puts into the Redis at URL, does them with the
credential of this machine, and reports what came of them. Start as many on as many machines as you
like; each serves the runs that it finds there, the oldest first, and waits for the next:

  moonkey worker --queue rediss://worker@redis.example.com/0 -j 20

The password comes from MOONKEY_QUEUE_PASSWORD, MOONKEY_QUEUE_PASSWORD_FILE or
MOONKEY_QUEUE_PASSWORD_COMMAND. `moonkey help fleet` tells what the Redis has to be.

A worker that dies, or is cut off for longer than its lease, loses its rows to another; a row that
it had under way may be written twice with the same values. Nothing is lost, and what is a POST is
not repeated.

With --job, the rows are those of runs with the same job file: a run with another one, another
platform or another account is refused. Ctrl-C or SIGTERM: what is in flight is finished, and the
rest goes back.

Exit: 0 nothing is left (--drain), 1 the queue cannot be reached, or the job's setup failed,
2 unusable input, or no run fits, 4 not authorised, 5 stopped by --max-changes, another limit, or
for lack of consent, 130 or 143 interrupted.]],
}

function M.configure(cmd)
  cmd:option("--queue", "The Redis of the queue: rediss://[USER@]HOST[:PORT][/DB], or redis://… on this machine.")
    :argname("URL")
  cmd:option("--job", "Lua file with the job for each row: the same as the run's."):argname("JOB.lua")
  cmd:option("--run", "Serve only the run with this id."):argname("RUN")
  cmd:option("--lease", "How long others leave a worker its rows once they hear nothing of it (1s to 1h; default: 15s).")
    :argname("T")
  cmd:flag("--drain", "End when nothing is left to be done, instead of waiting for more.")
end

function M.run(args)
  return require("moonkey.cli.serve")(args) -- not before it is asked for: it needs what scripts, and their specs, are not given
end

return M
