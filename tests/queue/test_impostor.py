"""What answers is no Redis, or one that answers what no Redis should: that is said as any other error of the queue, and ends nothing else.

  python3 test_impostor.py MOONKEY [unittest's arguments]
"""
import json
import os
import socket
import sys
import threading
import unittest

import scripts
import server
from probe import Probe

MOONKEY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None
CODE = """
  local conn, problem = connection.open{ url = os.getenv("URL"), timeout = 2 }
  if not conn then say(problem.kind, tostring(problem)) return 0 end
  for _, call in ipairs{ function() return conn:call("GET", "moonkey:{RUN}:x") end, function() return conn:script("list", "RUN") end } do
    local ok, reply, err = pcall(call)
    say(ok, reply, err and err.kind, err and tostring(err))
  end
"""


def bulk(text):
    return f"${len(text)}\r\n{text}\r\n"


INFO = bulk("run_id:0123456789abcdef\r\nrole:master\r\n")


class Impostor:
    """Answers each command by its name, and +OK to all others."""

    def __init__(self, answers):
        self.answers, self.listener = {"INFO": INFO, **answers}, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as commands:
            while line := commands.readline():
                words = []
                for _ in range(int(line[1:])):
                    words.append(commands.read(int(commands.readline()[1:])))
                    commands.readline()
                connection.sendall(self.answers.get(words[0].decode(), "+OK\r\n").encode())


class Answers(unittest.TestCase):
    def said(self, **answers):
        impostor = Impostor(answers)
        self.addCleanup(impostor.listener.close)
        with Probe(MOONKEY, CODE, URL=f"redis://127.0.0.1:{impostor.port}") as probe:
            code, out, err = probe.finish()
        self.assertEqual((code, err), (0, ""))
        return [json.loads(line) for line in out.splitlines()]

    def test_places_that_are_none(self):
        for where in ("127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:99999999999999999999", ":", "", "127.0.0.1:-1"):
            with self.subTest(where):
                moved = f"-MOVED 1 {where}\r\n"
                get, script = self.said(GET=moved, EXISTS=moved)
                self.assertEqual(get[:3], [True, None, "redis"], get)
                self.assertIn("MOVED", get[3])
                self.assertEqual(script, [True, "OK", None, None])

    def test_places_that_are_not_the_queues(self):
        for where, why in (("192.0.2.1:6379", "without TLS"), ("a/b:6379", "no host can be called so")):
            with self.subTest(where):
                moved = f"-MOVED 1 {where}\r\n"
                (ok, _, kind, text), _ = self.said(GET=moved, EXISTS=moved)
                self.assertEqual((ok, kind), (True, "refused"))
                self.assertIn(why, text)

    def test_nodes_that_send_one_to_each_other(self):
        impostors = [Impostor({}), Impostor({})]
        for one, other in (impostors, impostors[::-1]):
            self.addCleanup(one.listener.close)
            one.answers["GET"] = one.answers["EXISTS"] = f"-MOVED 1 127.0.0.1:{other.port}\r\n"
        with Probe(MOONKEY, CODE, URL=f"redis://127.0.0.1:{impostors[0].port}") as probe:
            code, out, err = probe.finish()
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(json.loads(out.splitlines()[0])[:3], [True, None, "redis"])

    def test_what_is_no_answer_to_info(self):
        for answer in (":5\r\n", "$-1\r\n", "*1\r\n:5\r\n", bulk(""), bulk("role:master\r\n")):
            with self.subTest(answer):
                (kind, text), = self.said(INFO=answer)
                self.assertEqual(kind, "unreachable", text)
                self.assertIn("what it answers to INFO has no run_id", text)


class Rights(unittest.TestCase):
    def test_who_may_not_ask_leaves_no_connections_behind(self):
        rules = scripts.users()["worker"].replace("+info", "-info")
        with server.Redis(users={"worker": rules}) as redis:
            code = """
  local opened = 0
  for _ = 1, 20 do opened = opened + (connection.open{ url = os.getenv("URL"), timeout = 2 } and 1 or 0) end
  say(opened)
  heard()
"""
            with Probe(MOONKEY, code, URL=redis.url("worker"), MOONKEY_QUEUE_PASSWORD=server.password_of("worker")) as probe:
                self.assertEqual(json.loads(probe.line()), [0])
                self.assertNotIn("worker", [each["user"] for each in redis.admin.client_list()])


if __name__ == "__main__":
    if not MOONKEY:
        sys.exit("usage: python3 test_impostor.py MOONKEY")
    unittest.main()
