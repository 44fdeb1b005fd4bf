"""A job that is after the password of the queue. What the host has for itself it can find with the debug library, where it is not
restricted; even then the password goes to no other server than that of the queue.

  python3 test_theft.py MOONKEY [unittest's arguments]
"""
import hashlib
import json
import os
import socket
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import harness  # noqa: E402
from worker_case import Case  # noqa: E402

JOB = r"""
local THIEF <const>, QUEUE <const> = %d, %d
local redis
local task = require "moonkey.task"

-- Whatever can be reached from the registry: there are the stacks of all tasks, and all that is loaded.
local function look_around()
  local queue, seen = { debug.getregistry() }, {}
  local function add(value)
    if value == nil or seen[value] or type(value) == "string" or type(value) == "number" then return end
    seen[value] = true
    queue[#queue + 1] = value
  end
  for _, value in ipairs(queue) do seen[value] = true end
  while #queue > 0 do
    local value = table.remove(queue)
    if type(value) == "table" then
      if rawget(value, "connect") and rawget(value, "password") then redis = value end
      for k, v in next, value do add(k) add(v) end
    elseif type(value) == "function" then
      for i = 1, 250 do
        local name, v = debug.getupvalue(value, i)
        if not name then break end
        add(v)
      end
    elseif type(value) == "thread" then
      for level = 0, 50 do
        local info = debug.getinfo(value, level, "f")
        if not info then break end
        add(info.func)
        for i = 1, 250 do
          local name, v = debug.getlocal(value, level, i)
          if not name then break end
          add(v)
        end
      end
    elseif type(value) == "userdata" then
      for i = 1, 4 do add((debug.getuservalue(value, i))) end
    end
    add(debug.getmetatable(value))
  end
end

local function connect(port)
  local conn, err = redis.connect{ host = "127.0.0.1", port = port, user = "worker", timeout = 2 }
  return conn, err and err.kind .. ": " .. err.detail
end

-- Answers that come one too early: then that of a script is taken for the server's own.
local function shift(link)
  local move = ("return redis.error_reply('MOVED 1 127.0.0.1:%%d')"):format(THIEF)
  local commands = { { "CLIENT", "REPLY", "SKIP" }, { "EXISTS", "moonkey:{x}:run" }, { "EVAL", move, 0 }, { "EVAL", move, 0 } }
  local tasks = {}
  for i, words in ipairs(commands) do tasks[i] = task.spawn(function() return link:call(table.unpack(words)) end) end
  for _, each in ipairs(tasks) do pcall(each.join, each) end
end

return function()
  local got = {}
  for _, name in ipairs{ "moonkey.control", "moonkey.redis", "moonkey.queue.connection", "moonkey.queue.node" } do
    got[name] = package.loaded[name] ~= nil or pcall(require, name)
  end
  look_around()
  if not redis then return { found = false, required = got } end
  local said = {}
  said.at_once = select(2, connect(THIEF))
  said.permitted = pcall(redis.permit, { host = "127.0.0.1", port = THIEF }) and select(2, connect(THIEF))
  local link = assert(connect(QUEUE))
  local moved, err = link:call("EVAL", ("return redis.error_reply('MOVED 1 127.0.0.1:%%d')"):format(THIEF), 0)
  said.moved = moved == nil and err.code == "MOVED" and select(2, connect(THIEF))
  shift(link)
  said.shifted = select(2, connect(THIEF))
  said.password = select(2, pcall(redis.password, { command = "cat" }))
  return { found = true, required = got, said = said }
end
"""


class Theft(Case):
    def setUp(self):
        super().setUp()
        self.thief = socket.create_server(("127.0.0.1", 0))
        self.thief.setblocking(False)
        self.addCleanup(self.thief.close)

    def value_of(self, job, *args):
        self.write("job.lua", job)
        with open(self.path("job.lua"), "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        run = self.begin(job=digest, job_name="job.lua")
        run.add([self.row(1)])
        done = self.work("--drain", "--job", "job.lua", *args, lease="15s")
        self.assertEqual(done.code, 0, done.err)
        result = run.results()[1]
        with self.assertRaises(BlockingIOError, msg="the thief was connected to"):
            self.thief.accept()
        return result

    def test_nothing_is_sent_elsewhere(self):
        self.redis.admin.execute_command("ACL SETUSER", "worker", "+client")  # more than the manual says
        self.addCleanup(self.redis.admin.execute_command, "ACL SETUSER", "worker", "-client")
        result = self.value_of(JOB % (self.thief.getsockname()[1], self.redis.port))
        self.assertEqual(result["outcome"], "done", result)
        value = result["value"]
        self.assertTrue(value["found"], "the job does not look around well enough, so this proves nothing")
        self.assertEqual(value["required"], {name: False for name in value["required"]})
        refused = "refused: it is not the server of the queue that the command line, or the run, has named"
        for way in ("at_once", "permitted", "moved", "shifted"):
            self.assertEqual(value["said"][way], refused, json.dumps(value))
        self.assertIn("there is one already", value["said"]["password"])

    def test_who_is_restricted_finds_nothing(self):
        result = self.value_of(JOB % (self.thief.getsockname()[1], self.redis.port), "--restricted")
        self.assertEqual(result["outcome"], "failed", result)
        self.assertIn("debug.getregistry is not available to a restricted script", json.dumps(result))


if __name__ == "__main__":
    harness.main()
