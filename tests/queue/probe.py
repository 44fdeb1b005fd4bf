"""Lua of a test's own in place of a command, which has what only the host's own modules have: a connection to Redis.

The file stands in for that of `moonkey types`, as MOONKEY_LUA has it; nothing else is there, so all other modules are the program's.
"""
import os
import subprocess
import tempfile

import server

START = """
local connection = require "moonkey.queue.connection"
local core = require "moonkey.task.core"
local json = require "moonkey.json"
local sys = require "moonkey.sys"
local task = require "moonkey.task"
local function say(...)
  local values, all = json.array(), table.pack(...)
  for i = 1, all.n do values[i] = all[i] == nil and json.null or all[i] end
  io.stdout:write(json.encode(values), "\\n")
  io.stdout:flush()
end
local function pause(seconds) core.gate():wait(seconds) end
local function heard()
  local line = io.stdin:read("l") -- for which everything waits; then what has happened meanwhile is seen
  pause(0.02)
  return line
end
local M = { summary = "a probe", configure = function() end }
function M.run()
"""
END = "\n  return 0\nend\nreturn M\n"


class Probe:
    """`code` may say(value, …), which is a line of JSON, heard() a line, and pause(seconds)."""

    def __init__(self, moonkey, code, **environment):
        self.directory = tempfile.TemporaryDirectory(prefix="moonkey-probe.")
        os.makedirs(os.path.join(self.directory.name, "moonkey", "cli"))
        with open(os.path.join(self.directory.name, "moonkey", "cli", "types.lua"), "w", encoding="utf-8") as f:
            f.write(START + code + END)
        self.process = subprocess.Popen([moonkey, "types"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, preexec_fn=server.die_with_the_test,
                                        env={**os.environ, "MOONKEY_LUA": self.directory.name, "HOME": self.directory.name, **environment})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.directory.cleanup()

    def tell(self, line=""):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def line(self):
        return self.process.stdout.readline()

    def finish(self):
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err
