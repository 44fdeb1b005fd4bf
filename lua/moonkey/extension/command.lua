--[[
A command of the user's, moonkey.command.NAME, in the form of the command line's own.

It is run like a script: with the client set up, the global `token`, and limits. What run(args) returns is the exit code.
]]
local connect = require "moonkey.cli.connect"
local execute = require "moonkey.cli.execute"
local extension = require "moonkey.extension"
local limits = require "moonkey.limits"
local restricted = require "moonkey.cli.restricted"
local stop = require "moonkey.cli.stop"

local M = {}

local DEFAULT_JOBS = 64 -- as for a script

-- The exit code for what run(args) has returned.
local function code_of(name, path, value)
  if value == nil or value == true then return 0 end
  if math.type(value) == "integer" and value >= 0 and value <= 255 then return value end
  stop.with(1, ("the command '%s' (%s) returned %s; expected an exit code from 0 to 255, or nothing"):format(name, path,
    type(value) == "number" and value or "a " .. type(value)))
end

local function run(name, module, args)
  local path = extension.find("command", name)
  local policy = restricted.of(args)
  if policy.restricted then
    stop.usage(("--restricted is for scripts and jobs: the command '%s' (%s) is trusted as moonkey itself is, and cannot be "
      .. "restricted; a script that does the same can be"):format(name, path))
  end
  connect.configure(args, DEFAULT_JOBS, "when needed")
  restricted.begin(policy)
  limits.script()
  local code, value = execute(module.run, args)
  return code ~= 0 and code or code_of(name, path, value)
end

local function configure(name, module, cmd)
  if not module.configure then return end
  local ok, message = pcall(module.configure, cmd)
  if ok or stop.is(message) then return ok or error(message, 0) end
  stop.with(1, ("the command '%s' cannot be used: its `configure` failed: %s"):format(name, tostring(message)))
end

-- The command `name`; nil and why it cannot be had.
function M.open(name)
  local module, message = extension.load("command", name)
  if not module then return nil, message end
  return {
    summary = module.summary or "", description = module.description,
    configure = function(cmd) configure(name, module, cmd) end,
    run = function(args) return run(name, module, args) end,
  }
end

-- For the list of commands: also one that cannot be had, in one line that says why.
function M.describe(name)
  local command, message = M.open(name)
  return command or { summary = message:gsub("^the command '.-' ", ""):match("^[^\n]*"):gsub(":$", "") }
end

return M
