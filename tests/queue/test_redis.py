"""moonkey.redis as the host's own Lua has it: arguments, replies, errors, and the life of a connection.

  python3 test_redis.py MOONKEY [unittest's arguments]
"""
import json
import os
import sys
import unittest

import server
from probe import Probe

MOONKEY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None
CONNECT = """
  local redis = require "moonkey.redis"
  local port = math.tointeger(tonumber(os.getenv("PORT")))
  local function connect() return assert(redis.connect{ host = "127.0.0.1", port = port, timeout = 2 }) end
  local function open_connections()
    local _, count = connect():call("CLIENT", "LIST"):gsub("user=default", "")
    return count
  end
  local conn = connect()
  local function refused(...) return select(2, pcall(...)) end
"""


class Binding(unittest.TestCase):
    def setUp(self):
        self.redis = server.Redis(users={})
        self.addCleanup(self.redis.stop)
        self.redis.admin.acl_setuser("default", enabled=True, nopass=True, keys=["*"], commands=["+@all"])

    def said(self, code):
        with Probe(MOONKEY, CONNECT + code, PORT=str(self.redis.port)) as probe:
            status, out, err = probe.finish()
        self.assertEqual(status, 0, err)
        return [json.loads(line) for line in out.splitlines()]

    def test_arguments_go_as_they_are(self):
        self.assertEqual(self.said(r"""
  for _, value in ipairs{ 7, -7, 3.0, 1.5, "3.0", "", "a\r\nb" } do say((conn:call("ECHO", value))) end
  local bytes = {}
  for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
  local all = table.concat(bytes):rep(1000)
  say(conn:call("ECHO", all) == all)
  say(math.maxinteger == conn:call("INCRBY", "n", math.maxinteger))
"""), [["7"], ["-7"], ["3"], ["1.5"], ["3.0"], [""], ["a\r\nb"], [True], [True]])

    def test_arguments_that_are_none(self):
        for what, said in self.said("""
  say("table", refused(conn.call, conn, "GET", {}))
  say("nil", refused(conn.call, conn, "GET", nil))
  say("boolean", refused(conn.call, conn, "GET", true))
  say("string expected", refused(conn.call, conn))
  say("number of seconds", refused(conn.call_within, conn, 0, "PING"))
  say("number of seconds", refused(conn.call_within, conn, 0/0, "PING"))
  say("port", refused(redis.connect, { host = "127.0.0.1", port = 65536 }))
  say("host", refused(redis.connect, { port = 1 }))
  say("host: expected a string, got number", refused(redis.connect, { host = 127 }))
  say("client is not answered once", refused(conn.call, conn, "client", "reply", "skip"))
  say("PSUBSCRIBE is not answered once", refused(conn.call, conn, "PSUBSCRIBE", "x"))
  say("unsubscribe is not answered once", refused(conn.call_within, conn, 1, "unsubscribe"))
  say("MONITOR is not answered once", refused(conn.call, conn, "MONITOR"))
  say("inside table.sort", refused(table.sort, { 2, 1 }, function() return conn:call("PING") end))
"""):
            self.assertIn(what, said)

    def test_replies(self):
        self.assertEqual(self.said("""
  local reply = conn:call("EVAL", "return { 1, false, 'x', { 2, {} }, redis.status_reply('fine'), redis.error_reply('BAD x') }", 0)
  say(#reply, reply[1], reply[2], reply[3], reply[4][1], #reply[4][2], reply[5], reply[6].error)
  say(conn:call("GET", "nothing"), conn:call("BLPOP", "nothing", 0.01))
  local none, err = conn:call("EVAL", "return redis.error_reply('BAD thing')", 0)
  say(none, err.kind, err.code, err.message, err.detail, err.sent)
  say(tostring(err) == err.title .. ": " .. err.detail, conn:is_open())
"""), [[6, 1, False, "x", 2, 0, "fine", "BAD x"], [False, False],
            [None, "redis", "BAD", "BAD thing", "BAD thing", None], [True, True]])

    def test_each_of_many_tasks_gets_its_own(self):
        self.assertEqual(self.said("""
  local tasks, right = {}, 0
  for i = 1, 500 do
    tasks[i] = function()
      local text = ("x"):rep(i)
      for _ = 1, 10 do
        local same = conn:call("ECHO", text) == text
        right = right + (same and 1 or 0)
      end
    end
  end
  task.all(tasks)
  say(right, open_connections())
"""), [[5000, 2]])

    def test_errors_show_no_password(self):
        code = """
  say(redis.password{ environment = true })
  local none, err = conn:call("ECHO", "x", "NeverQuoteThis42")
  local _, other = conn:call("EVAL", "return redis.error_reply('with NeverQuoteThis42')", 0)
  say(none, tostring(err), tostring(other), other.message, other.detail)
  say(conn:call("EVAL", "return { redis.error_reply('with NeverQuoteThis42') }", 0)[1].error)
"""
        with Probe(MOONKEY, CONNECT + code, PORT=str(self.redis.port), MOONKEY_QUEUE_PASSWORD="NeverQuoteThis42") as probe:
            status, out, err = probe.finish()
        self.assertEqual(status, 0, err)
        self.assertNotIn("NeverQuote", out + err)
        self.assertEqual(out.count("with [redacted]"), 4)

    def test_its_end(self):
        self.assertEqual(self.said("""
  do local closed <close> = connect() end
  say(open_connections())
  for _ = 1, 20 do connect() end
  collectgarbage()
  collectgarbage()
  pause(0.1)
  say(open_connections())
  local waiting = task.spawn(function() return conn:call_within(5, "BLPOP", "nothing", 0) end)
  pause(0.1)
  conn:close("for a test")
  local none, err = waiting:join()
  say(none, err.kind, err.sent, err.detail)
  none, err = conn:call("PING")
  say(none, err.kind, err.sent, err.detail, conn:is_open(), (conn:close()))
"""), [[2], [2], [None, "lost", True, "for a test"], [None, "lost", False, "for a test", False, None]])

    def test_no_script_gets_it(self):
        out = self.said("""say(package.loaded["moonkey.redis"] ~= nil)
  require("moonkey.control").seal()
  say(package.loaded["moonkey.redis"] == nil, pcall(require, "moonkey.redis"))
""")
        self.assertEqual((out[0], out[1][:2]), ([True], [True, False]))


if __name__ == "__main__":
    if not MOONKEY:
        sys.exit("usage: python3 test_redis.py MOONKEY")
    unittest.main()
