-- What `moonkey test` starts for each file of specs: busted in this process, against an emulator of its own and nothing else.
local busted = require "moonkey.project.busted"
local connect = require "moonkey.cli.connect"
local execute = require "moonkey.cli.execute"
local limits = require "moonkey.limits"
local restricted = require "moonkey.cli.restricted"
local run = require "moonkey.cli.run"
local script = require "moonkey.script"

local M = { summary = "run a file of specs" }

-- Exit codes that os.exit in a spec, which would leave the rest out, does not have by chance.
M.PASSED, M.NOTHING = 70, 71 -- all, and there was none to run

local DEFAULT_JOBS = 64

function M.configure(cmd)
  cmd:argument("file"):argname("FILE")
end

M.split = run.split -- what follows the file is busted's

function M.run(args)
  args.emulator = true
  local policy = restricted.of(args)
  script.prepare(args.file, args.rest)
  connect.configure(args, DEFAULT_JOBS)
  restricted.begin(policy)
  limits.script()
  local code, count = execute(busted.run, table.move(args.rest, 1, #args.rest, 2, { args.file }))
  if code ~= 0 then return code end
  return count == 0 and M.NOTHING or M.PASSED
end

return M
