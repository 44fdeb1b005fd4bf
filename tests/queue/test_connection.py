"""The connection to Redis: what it does where the server, its user or its place are not what they were.

  python3 test_connection.py MOONKEY [unittest's arguments]
"""
import json
import os
import socket
import sys
import time
import unittest

import cluster
import proxy
import scripts
import server
from probe import Probe

MOONKEY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None

OPEN = """
  local conn, problem = connection.open{ url = os.getenv("URL"), timeout = 1 }
  if not conn then say(problem.kind, tostring(problem)) return 1 end
"""
# What is asked for, line by line: a call, a script of run RUN, or something of the connection's.
OBEY = """
  conn:on_connect(function(id, host, port, again) say("connected", id, host, port, again) end)
  for line in heard do
    local words = {}
    for word in line:gmatch("%S+") do words[#words + 1] = word end
    local what = table.remove(words, 1)
    local reply, err = conn[what](conn, table.unpack(words))
    if err then say(err.kind, tostring(err), err.sent) else say("ok", reply) end
  end
"""


class Talk(Probe):
    """A connection that is told what to do by lines, and answers by lists."""

    def __init__(self, redis, port=None, user="coordinator", code=OPEN + OBEY, password=None, url=None):
        super().__init__(MOONKEY, code, URL=url or redis.url(user, port),
                         MOONKEY_QUEUE_PASSWORD=password or server.password_of(user or "coordinator"))

    def ask(self, *words):
        self.tell(" ".join(str(word) for word in words))
        return self.hear()

    def hear(self):
        line = self.line()
        if not line:
            raise AssertionError(self.process.stderr.read())
        return json.loads(line)

    def ask_until_ok(self, *words):
        """Asks again until there is a connection: the answer, and what it said before of connections."""
        told, deadline = [], time.monotonic() + 20
        while time.monotonic() < deadline:
            answer = self.ask(*words)
            while answer[0] == "connected":
                told.append(answer)
                answer = self.hear()
            if answer[0] == "ok":
                return answer, told
            time.sleep(0.02)
        raise AssertionError(f"no answer to {words} but {answer}")


class Case(unittest.TestCase):
    def setUp(self):
        self.redis = server.Redis(users=scripts.users())
        self.addCleanup(self.redis.stop)

    def talk(self, *args, **named):
        talk = self.enterContext(Talk(self.redis, *args, **named))
        self.assertEqual(talk.ask("is_up"), ["ok", True])
        return talk

    def enterContext(self, context):  # of unittest from 3.11 on
        self.addCleanup(context.__exit__, None, None, None)
        return context.__enter__()

    def run_id(self):
        return self.redis.admin.info("server")["run_id"]


class Lost(Case):
    def test_after_a_restart_there_is_another_server_and_scripts_work(self):
        talk = self.talk()
        first = self.run_id()
        self.assertEqual(talk.ask("server"), ["ok", first])
        self.assertEqual(talk.ask("script", "begin", "RUN", "me", 60000, "state", "open")[1][0], "ok")
        self.assertEqual(talk.ask("script", "vouch", "RUN", first), ["ok", "ok"])
        self.redis.kill()
        kind, text, sent = talk.ask("call", "PING")
        self.assertEqual((kind, sent), ("lost", False))
        self.assertIn(f"127.0.0.1:{self.redis.port}", text)
        time.sleep(0.3)
        kind, text, _ = talk.ask("call", "PING")
        self.assertEqual(kind, "unreachable", text)
        self.redis.start()
        answer, told = talk.ask_until_ok("script", "take", "RUN", "w1", 1000, 5)
        second = self.run_id()
        self.assertNotEqual(first, second)
        self.assertEqual(answer, ["ok", ["unvouched"]])
        self.assertEqual(told, [["connected", second, "127.0.0.1", self.redis.port, True]])

    def test_a_server_that_is_frozen_loses_the_connection_and_it_is_not_known_what_it_did(self):
        talk = self.talk()
        self.redis.freeze()
        kind, text, sent = talk.ask("call", "SET", "moonkey:{RUN}:pause", "1")
        self.assertEqual((kind, sent), ("lost", True), text)
        self.assertEqual(talk.ask("is_up"), ["ok", False])
        self.redis.thaw()
        self.assertEqual(talk.ask_until_ok("call", "GET", "moonkey:{RUN}:pause")[0], ["ok", "1"])

    def test_cut_and_mended(self):
        link = proxy.Link(self.redis.port)
        self.addCleanup(link.close)
        talk = self.talk(link.port)
        link.refuse()
        time.sleep(0.1)
        self.assertIn(talk.ask("call", "PING")[0], ("lost", "unreachable"))
        link.mend()
        self.assertEqual(talk.ask_until_ok("call", "PING")[0], ["ok", "PONG"])

    def test_waits_until_it_is_there_again(self):
        talk = self.talk()
        self.redis.kill()
        started = time.monotonic()
        talk.tell("wait_up 0.5")
        self.assertIn(talk.hear()[0], ("unreachable", "lost"))
        self.assertTrue(0.45 < time.monotonic() - started < 3)
        talk.tell("wait_up 20")
        time.sleep(0.5)
        self.redis.start()
        self.assertEqual(talk.hear()[0], "connected")
        self.assertEqual(talk.hear(), ["ok", True])

    def test_scripts_are_loaded_anew_where_the_server_forgot_them(self):
        talk = self.talk()
        for _ in range(3):
            self.assertEqual(talk.ask("script", "list", "RUN"), ["ok", {}])
            self.redis.admin.script_flush()
        loads = self.redis.admin.info("commandstats")["cmdstat_script|load"]["calls"]
        self.assertEqual(loads, 1)

    def test_many_that_need_it_make_one_connection(self):
        talk = self.talk(code=OPEN + """
  heard()
  say("ok", true)
  heard()
  for i = 1, 3 do
    local tasks = {}
    for n = 1, 20 do tasks[n] = function() return conn:call("PING") or "failed" end end
    say(task.all(tasks))
    pause(0.3)
  end
""")
        before = self.redis.admin.info("stats")["total_connections_received"]
        for each in self.redis.admin.client_list():
            if each["user"] == "coordinator":
                self.redis.admin.client_kill_filter(_id=each["id"])
        time.sleep(0.1)
        talk.tell()
        answers = [talk.hear() for _ in range(3)]
        self.assertEqual(answers[-1], ["PONG"] * 20)
        self.assertEqual(self.redis.admin.info("stats")["total_connections_received"] - before, 1)

    def test_tries_less_and_less_often(self):
        talk, tried = self.talk(), []
        self.redis.kill()
        with socket.create_server(("127.0.0.1", self.redis.port)) as listener:  # closes each connection at once
            listener.settimeout(0.05)
            talk.tell("wait_up 5")
            until = time.monotonic() + 5
            while time.monotonic() < until:
                try:
                    listener.accept()[0].close()
                    tried.append(time.monotonic())
                except TimeoutError:
                    pass
        gaps = [after - before for before, after in zip(tried, tried[1:])]
        self.assertTrue(5 <= len(tried) <= 10, gaps)
        self.assertLess(gaps[0], 0.5)
        self.assertTrue(1 < max(gaps) < 2.2, gaps)
        self.assertIn(talk.hear()[0], ("unreachable", "lost"))


class Useless(Case):
    def test_a_primary_that_became_a_replica(self):
        other = server.Redis()
        self.addCleanup(other.stop)
        talk = self.talk()
        self.assertEqual(talk.ask("script", "begin", "RUN", "me", 60000, "state", "open")[0], "ok")
        self.redis.admin.replicaof("127.0.0.1", other.port)
        kind, text, sent = talk.ask("script", "add", "RUN", "1-1", "rows", 3)
        self.assertEqual((kind, sent), ("lost", False), text)
        self.assertIn("READONLY", text)
        time.sleep(0.3)
        kind, text, _ = talk.ask("call", "PING")
        self.assertEqual(kind, "unreachable")
        self.assertIn(f"it is a replica, which takes no writes; its primary is 127.0.0.1:{other.port}", text)
        self.redis.admin.replicaof("NO", "ONE")
        self.assertEqual(talk.ask_until_ok("call", "PING")[0], ["ok", "PONG"])

    def fails(self, **how):
        code, out, err = self.enterContext(Talk(self.redis, **how)).finish()
        self.assertEqual(code, 1, err)
        self.assertNotIn("Password", out + err)
        return json.loads(out)

    def test_users_that_are_none(self):
        kind, text = self.fails(user="nobody")
        self.assertEqual(kind, "redis")
        self.assertIn("refused the login", text)
        kind, text = self.fails(password="PasswordThatIsWrong")
        self.assertIn("WRONGPASS", text)

    def test_rights_that_a_user_has_not(self):
        boss, worker = self.talk(), self.talk(user="worker")
        boss.ask("script", "begin", "RUN", "me", 60000, "state", "open")
        for words in (("script", "purge", "RUN", "me", "force"), ("call", "DEL", "moonkey:{RUN}:run"),
                      ("call", "HGET", "of:others", "x")):
            kind, text, *_ = worker.ask(*words)
            self.assertEqual(kind, "redis", words)
            self.assertIn("moonkey queue acl", text)

    def test_a_user_who_may_not_even_ask_who_the_server_is(self):
        self.redis.admin.acl_setuser("coordinator", enabled=True, commands=["-info"])
        self.addCleanup(self.redis.admin.acl_setuser, "coordinator", enabled=True, commands=["+info"])
        kind, text = self.fails()
        self.assertEqual(kind, "redis")
        self.assertRegex(text, "refused INFO: NOPERM.*moonkey queue acl coordinator")

    def test_a_server_that_is_full(self):
        boss = self.talk()
        self.redis.admin.config_set("maxmemory", 1)
        self.addCleanup(self.redis.admin.config_set, "maxmemory", 0)
        kind, text, *_ = boss.ask("script", "begin", "RUN", "me", 60000, "state", "open")
        self.assertEqual(kind, "redis")
        self.assertRegex(text, "refused EVALSHA: OOM.*; give it more with `maxmemory`")

    def test_nobody_there(self):
        kind, text = self.fails(port=server.free_port())
        self.assertEqual(kind, "unreachable")
        self.assertIn("cannot connect", text)


class Demands(unittest.TestCase):
    CHECK = OPEN + """
  say(require("moonkey.queue.demands").check(conn))
"""

    def unmet(self, *settings):
        """What it says of a server with these settings."""
        with server.Redis(users=scripts.users(), more="\n".join(settings)) as redis, Talk(redis, code=self.CHECK) as talk:
            ok, *message = talk.hear()
            self.assertEqual(ok, True if not message else None)
            return message[0] if message else ""

    def test_a_server_that_loses_nothing(self):
        self.assertEqual(self.unmet(), "")

    def test_all_that_is_wrong_is_said_at_once_with_what_to_do(self):
        said = self.unmet("appendonly no", "maxmemory-policy allkeys-lru")
        self.assertIn("cannot have a queue:", said)
        self.assertIn("CONFIG SET appendonly yes", said)
        self.assertIn("its maxmemory-policy is allkeys-lru", said)
        self.assertNotIn("or newer", said)

    def test_each_alone(self):
        self.assertNotIn("maxmemory", self.unmet("appendonly no"))
        self.assertNotIn("appendonly", self.unmet("maxmemory-policy volatile-ttl"))

    def test_versions(self):
        code = """
  local unmet = require("moonkey.queue.demands").unmet
  for _, version in ipairs{ "6.2.14", "7.0.0", "7.2.4", "8.0.1", "10.1", "" } do
    say(version, table.unpack(unmet{ redis_version = version, role = "master", aof_enabled = "1", maxmemory_policy = "noeviction" }))
  end
  say(#unmet{})
"""
        with Probe(MOONKEY, code) as probe:
            told = [json.loads(probe.line()) for _ in range(7)]
        self.assertEqual([len(each) - 1 for each in told[:6]], [1, 0, 0, 0, 0, 1])
        self.assertIn("it is Redis 6.2.14: a queue needs Redis 7.0 or newer, or Valkey", told[0][1])
        self.assertEqual(told[6], [4], "nothing is believed of a server that says nothing")


class InACluster(unittest.TestCase):
    def setUp(self):
        self.cluster = cluster.Cluster(scripts.users())
        self.addCleanup(self.cluster.stop)

    def test_a_run_is_found_wherever_it_is(self):
        named, *others = self.cluster.nodes
        with Talk(named) as talk:
            for node in (named, *others):
                run = self.cluster.run_on(node)
                answer, _ = talk.ask_until_ok("script", "begin", run, "me", 60000, "state", "open")
                self.assertEqual(answer[1][0], "ok")
                server_of_run = node.admin.info("server")["run_id"]
                self.assertEqual(talk.ask("server", run), ["ok", server_of_run])
                self.assertEqual(talk.ask("script", "vouch", run, server_of_run), ["ok", "ok"])
                self.assertEqual(talk.ask("script", "add", run, "1-1", "rows", 3), ["ok", "ok"])
                self.assertEqual(talk.ask("script", "list", run), ["ok", ["1-1", "1-1"]])
                self.assertEqual(talk.ask("call", "HGET", f"moonkey:{{{run}}}:run", "server"), ["ok", server_of_run])
                self.assertEqual(talk.ask_until_ok("call", "ZADD", "moonkey:runs", 1, run)[0], ["ok", 1])
        self.assertEqual(self.cluster.node_of("moonkey:runs").admin.zcard("moonkey:runs"), 3)

    def test_a_node_that_fails_and_comes_back(self):
        named, other = self.cluster.nodes[0], self.cluster.nodes[1]
        run = self.cluster.run_on(other)
        with Talk(named) as talk:
            talk.ask_until_ok("script", "begin", run, "me", 60000, "state", "open")
            other.kill()
            kind, _, sent = talk.ask("call", "HGET", f"moonkey:{{{run}}}:run", "state")
            self.assertEqual((kind, sent), ("lost", False))
            other.start()
            self.assertEqual(talk.ask_until_ok("call", "HGET", f"moonkey:{{{run}}}:run", "state")[0], ["ok", "open"])
            self.assertEqual(talk.ask("server", run), ["ok", other.admin.info("server")["run_id"]])

    def test_a_node_that_fails_for_good_and_another_takes_its_slots(self):
        named, other, third = self.cluster.nodes
        run = self.cluster.run_on(other)
        key = f"moonkey:{{{run}}}:run"
        with Talk(named) as talk:
            talk.ask_until_ok("script", "begin", run, "me", 60000, "state", "open")
            slot, heir = named.admin.execute_command("CLUSTER KEYSLOT", key), third.admin.execute_command("CLUSTER MYID")
            other.kill()
            for node in (third, named):
                node.admin.config_set("cluster-require-full-coverage", "no")
                node.admin.execute_command("CLUSTER SETSLOT", slot, "NODE", heir)
            self.assertEqual(talk.ask_until_ok("script", "begin", run, "me", 60000, "state", "open")[0][1][0], "ok")
            self.assertEqual(talk.ask("server", run), ["ok", third.admin.info("server")["run_id"]])


if __name__ == "__main__":
    if not MOONKEY:
        sys.exit("usage: python3 test_connection.py MOONKEY")
    unittest.main()
