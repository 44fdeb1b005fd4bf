"""moonkey queue: what it says of the runs on a Redis, and what it removes from there.

  python3 test_command.py MOONKEY [unittest's arguments]
"""
import json
import os
import subprocess
import sys
import time
import unittest

import cluster
import scripts
import server

MOONKEY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None
PASSWORD = server.password_of("coordinator")
LONG = 600000  # ms
DAY = 86400000


def moonkey(*args, password=PASSWORD, **more):
    """(exit code, standard output, standard error); none of them shows a password."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "MOONKEY_QUEUE_PASSWORD": password, **more}
    done = subprocess.run([MOONKEY, "queue", *args], env={name: value for name, value in environment.items() if value is not None},
                          capture_output=True, text=True, timeout=60, preexec_fn=server.die_with_the_test)
    assert "Password" not in done.stdout + done.stderr, done
    return done.returncode, done.stdout, done.stderr


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = server.Redis(users=scripts.users())
        cls.addClassCleanup(cls.redis.stop)
        cls.url = cls.redis.url("coordinator")

    def setUp(self):
        self.redis.admin.flushall()

    def begin(self, run, begun=None, alive=LONG, redis=None):
        """A run as its coordinator begins it: a function for its scripts, and one for those of workers."""
        boss, worker = (scripts.Side(redis or self.redis, user, run) for user in ("coordinator", "worker"))
        fields = {"format": 1, "state": "open", "rate": "50", "job": "built-in", "target": "https://api.test", "version": "1.0"}
        boss("begin", "boss-1", alive, *(word for pair in fields.items() for word in pair))
        boss("vouch", boss.server)
        begun = begun or int(time.time() * 1000)
        boss.client.hset(boss.key("run"), "begun", begun)
        self.register(run, begun)
        return boss, worker

    def register(self, run, begun):
        self.redis.admin.zadd("moonkey:runs", {run: begun})

    def fill(self, boss, worker):
        """Two chunks wait, w1 has one and is alive, w2 has one and was never heard of, one was set aside."""
        for i in range(5):
            boss("add", f"1-{i + 1}", "[]", 100)
        worker("take", "w0", 0, 5)
        worker("take", "w1", 0, 1)  # sets aside what w0 has
        facts = {"host": "h", "pid": 7, "jobs": 10, "done": 5000, "failed": 3, "rate": 98.44, "state": "working"}
        worker("beat", "w1", 15000, json.dumps(facts), "1-2")
        worker("take", "w2", LONG, 5)
        self.redis.admin.hdel(boss.key("workers"), "w0", "w2")

    def run_queue(self, *args, code=0, **more):
        got, out, err = moonkey(*args, "--queue", self.url, **more)
        self.assertEqual(got, code, out + err)
        return out + err

    def left(self, run):
        return [key for key in self.redis.keys() if f"{{{run}}}" in key]


class Status(Case):
    def test_of_nothing(self):
        self.assertIn("there is no run on redis://coordinator@127.0.0.1", self.run_queue("status"))
        self.assertEqual(json.loads(moonkey("status", "--queue", self.url, "-o", "json")[1]), [])

    def test_lists_runs_the_oldest_first(self):
        now = int(time.time() * 1000)
        self.fill(*self.begin("RUN-B", now - 3 * DAY))
        self.begin("RUN-A", now, alive=1)
        self.register("RUN-C", now - 9 * DAY)
        lines = [line.split() for line in self.run_queue("status").splitlines()]
        self.assertEqual(lines[0], "RUN AGE STATE COORDINATOR ROWS WAITING HELD REPORTS SET ASIDE WORKERS".split())
        self.assertEqual(lines[1], ["RUN-C", "forgotten"])
        self.assertEqual(lines[2], "RUN-B 72 h 00 min open alive 200 200 1 1 1".split())
        self.assertEqual(lines[3][0], "RUN-A")
        self.assertEqual(lines[3][-7:], "open none 0 0 0 0 0".split())

    def test_of_a_run_tells_of_its_workers_and_what_was_set_aside(self):
        self.fill(*self.begin("RUN-1"))
        out = self.run_queue("status", "last")
        self.assertRegex(out, r"(?m)^w1 +working +\d\.\d s ago +100 rows +\d\.\d s +1 +5,000 +3 +98\.4$")
        self.assertRegex(out, r"(?m)^w2 +not heard of +100 rows +\d\.\d s +1$")
        self.assertRegex(out, r"(?m)^1-1 +100 +1 +\d\.\d s +w0$")

    def test_a_worker_that_was_not_heard_of_for_its_lease_is_none(self):
        _, worker = self.begin("RUN-1")
        worker("beat", "w1", 15000, '{"state":"working"}')
        worker("beat", "w2", 1, '{"state":"working"}')
        out = self.run_queue("status", "RUN-1")
        self.assertEqual(out.splitlines()[1].split()[-1], "1")
        self.assertRegex(out, r"(?m)^w1 +working +\d\.\d s ago")
        self.assertRegex(out, r"(?m)^w2 +silent +\d\.\d s ago")

    def test_as_json(self):
        boss, worker = self.begin("RUN-1")
        self.fill(boss, worker)
        worker("pause", "w1", 60000)
        run, = json.loads(self.run_queue("status", "RUN", "-o", "json"))
        for name, value in {"id": "RUN-1", "state": "open", "coordinator": "boss-1", "vouched": True, "rate": 50, "reports": 1,
                            "set_aside": 1, "waiting": {"chunks": 2, "rows": 200}, "held": {"chunks": 2, "rows": 200},
                            "target": "https://api.test", "dry_run": False}.items():
            self.assertEqual(run[name], value, name)
        self.assertTrue(50000 < run["pause"] <= 60000)
        pending = [(entry["chunk"], entry["consumer"], entry["rows"], entry["deliveries"]) for entry in run["pending"]]
        self.assertEqual(pending, [("1-2", "w1", 100, 1), ("1-3", "w2", 100, 1)])
        workers = {worker["consumer"]: worker for worker in run["workers"]}
        self.assertEqual((workers["w1"]["done"], workers["w1"]["host"], workers["w2"]["rows"]), (5000, "h", 100))
        self.assertLess(workers["w1"]["age"], workers["w1"]["lease"])
        self.assertEqual([(dead["chunk"], dead["consumers"]) for dead in run["dead"]], [("1-1", "w0")])

    def test_after_a_restart_that_nobody_has_vouched_for(self):
        self.begin("RUN-1")
        self.redis.admin.hset("moonkey:{RUN-1}:run", "server", "another")
        self.assertIn("waits for its coordinator", self.run_queue("status"))
        self.assertIs(json.loads(self.run_queue("status", "-o", "json"))[0]["vouched"], False)

    def test_what_others_wrote_does_no_harm_to_a_terminal(self):
        boss, worker = self.begin("RUN-1")
        worker("beat", "w\x1b[31m1", 15000, '{"host":[1],"done":"many","state":"\x1b[2J","rate":{}}')
        boss("state", "halted", "\x1b]0;title\x07why")
        out = self.run_queue("status", "RUN-1")
        self.assertNotRegex(out, r"[\x00-\x09\x0b-\x1f]")
        self.assertIn("It is halted: ", out)

    def test_runs_that_are_not_there(self):
        self.assertIn("there is no run on redis://coordinator@", self.run_queue("status", "last", code=2))
        self.begin("RUN-1"), self.begin("RUN-2")
        self.assertIn("there is no run 'x' on", self.run_queue("status", "x", code=2))
        self.assertIn("'RUN-' is the beginning of 2 runs", self.run_queue("status", "RUN-", code=2))


class Cancel(Case):
    def test_tells_workers_to_hand_back(self):
        boss, worker = self.begin("RUN-1")
        self.fill(boss, worker)
        self.assertIn("and its coordinator ends", self.run_queue("cancel", "RUN-1"))
        self.assertEqual(worker("take", "w3", 1, 5), ["cancelled"])
        self.assertEqual(boss("watch", "boss-1", 1)[0], "cancelled")
        time.sleep(0.01)
        self.assertIn("`moonkey resume RUN-1` collects it", self.run_queue("cancel", "RUN"))
        self.assertIn("It is cancelled: by moonkey queue cancel", self.run_queue("status", "RUN-1"))

    def test_of_a_run_that_the_server_has_forgotten(self):
        self.register("RUN-1", 1)
        self.assertIn("there is nothing to cancel", self.run_queue("cancel", "RUN-1", code=1))


class Purge(Case):
    def setUp(self):
        super().setUp()
        self.boss, self.worker = self.begin("RUN-1", alive=LONG)
        self.begin("RUN-2")

    def die(self):
        self.boss("watch", "boss-1", 1)
        time.sleep(0.01)

    def purge(self, *args, code=0, run="RUN-1"):
        return self.run_queue("purge", run, *args, code=code)

    def stays(self, why, *args):
        before = self.redis.dump()
        said = self.purge(*args, code=5)
        self.assertIn(why, said)
        self.assertIn("--force removes it nevertheless", said)
        self.assertEqual(self.redis.dump(), before)

    def is_gone(self, said):
        self.assertIn("run RUN-1 is removed", said)
        self.assertEqual(self.left("RUN-1"), [])
        self.assertEqual(self.redis.admin.zrange("moonkey:runs", 0, -1), ["RUN-2"])
        self.assertNotEqual(self.left("RUN-2"), [])

    def test_while_its_coordinator_is_alive(self):
        self.stays("its coordinator is alive")
        self.is_gone(self.purge("--force"))

    def test_with_reports_that_no_journal_has(self):
        self.boss("add", "1-1", "[]", 100)
        self.worker("take", "w1", LONG, 5)
        self.worker("finish", "w1", "1-1", 1, "{}")
        self.die()
        self.stays("with it would be lost: 1 report of workers that no journal has yet; `moonkey resume RUN-1` collects that")
        self.is_gone(said := self.purge("--force"))
        self.assertIn("lost: 1 report", said)

    def test_with_rows_that_living_workers_are_at(self):
        self.boss("add", "1-1", "[]", 1)
        self.worker("take", "w1", LONG, 5)
        self.worker("beat", "w1", LONG, "{}", "1-1")
        self.die()
        self.stays("with it would be lost: what workers do with 1 row now")

    def test_with_rows_of_nobody_or_of_the_dead_loses_nothing(self):
        self.boss("add", "1-1", "[]", 100), self.boss("add", "1-2", "[]", 100)
        self.worker("take", "w1", LONG, 5)
        self.worker("beat", "w1", 1, "{}", "1-1")
        self.die()
        self.is_gone(said := self.purge())
        self.assertIn("`moonkey resume RUN-1` can queue its 200 rows again", said)

    def test_removes_nothing_with_dry_run(self):
        self.die()
        before = self.redis.dump()
        self.assertIn("run RUN-1 would be removed", self.purge("--dry-run"))
        self.assertEqual(self.redis.dump(), before)

    def test_what_the_server_knows_by_name_only(self):
        self.redis.admin.delete(*self.left("RUN-1"))
        self.is_gone(self.purge())

    def test_older_than(self):
        now = int(time.time() * 1000)
        self.die()
        self.register("RUN-1", now - 31 * DAY)
        self.register("RUN-2", now - 29 * DAY)
        self.is_gone(self.run_queue("purge", "--older-than", "30d"))
        self.assertIn("no run on redis://coordinator@127.0.0.1", self.run_queue("purge", "--older-than", "30d"))
        self.assertIn("RUN-2 stays", self.run_queue("purge", "--older-than", "28d", code=5))

    def test_takes_runs_or_an_age(self):
        for args in ((), ("RUN-1", "--older-than", "30d")):
            self.assertIn("takes runs, or --older-than", self.run_queue("purge", *args, code=2))
        self.assertIn("expected a duration such as 90d", self.run_queue("purge", "--older-than", "long", code=2))


class Acl(Case):
    def test_prints_what_an_aclfile_takes(self):
        for user in ("worker", "coordinator"):
            code, out, err = moonkey("acl", user)
            self.assertEqual((code, err), (0, ""))
            self.assertEqual(out, f"user {user} on >PASSWORD {scripts.rules(user)}\n")
            self.assertTrue(self.redis.admin.execute_command("ACL SETUSER", *out.replace(f" {user} ", f" trial-{user} ").split()[1:]))


SECRETS = ("hunter2", "hun/te?r@2")


class Urls(Case):
    def refused(self, url, why, code=2, **more):
        got, out, err = moonkey("status", "--queue", url, **more)
        self.assertEqual((got, out), (code, ""), err)
        self.assertIn(why, err)
        for secret in SECRETS:
            self.assertNotIn(secret, err)

    def test_with_a_password_are_refused_and_told_where_it_belongs(self):
        for url in ("rediss://user:hunter2@redis.test/0", "redis://:hunter2@127.0.0.1", "rediss://user:hunter2/x@redis.test",
                    "rediss://u:hunter2?@redis.test", "rediss://:hun/te?r@2@redis.test"):
            self.refused(url, "MOONKEY_QUEUE_PASSWORD_COMMAND='…'")

    def test_never_show_what_may_be_a_password(self):
        for url in ("rediss://hunter2:hunter2", "rediss://:hunter2", "rediss://h/hunter2", "rediss://h?hunter2", "hunter2",
                    "rediss://[hunter2]:1", "hunter2://h"):
            self.refused(url, "the URL of the queue: ")

    def test_without_tls_are_of_this_machine(self):
        for host in ("redis.test", "10.0.0.1", "127.0.0.256", "[2001:db8::1]", "localhost.example.com"):
            self.refused(f"redis://{host}/0", "would travel unencrypted; use rediss://")

    def test_that_are_none(self):
        for url, why in (("http://h", "expected rediss://[USER@]HOST"), ("redis://localhost:0", "a port from 1 to 65535"),
                         ("redis://localhost:65536", "a port from 1 to 65535"), ("redis://localhost/x", "the number of a database"),
                         ("redis://::1/0", "an IPv6 address goes into brackets"), ("rediss://h?x=1", "cacert=FILE"), ("", "expected rediss://"),
                         ("rediss:///0", "expected rediss://")):
            self.refused(url, why)

    def test_are_needed(self):
        code, _, err = moonkey("status")
        self.assertEqual(code, 2)
        self.assertIn("queue status needs --queue URL", err)

    def test_of_all_forms_that_are_one(self):
        for form in ("redis://coordinator@{host}:{port}", "redis://coordinator@{host}:{port}/", "redis://c%6Fordinator@{host}:{port}/0",
                     "redis://coordinator@{host}:{port}/0?cacert=/nosuch"):
            for host in ("127.0.0.1", "localhost"):
                code, _, err = moonkey("status", "--queue", form.format(host=host, port=self.redis.port))
                self.assertEqual(code, 0, err)

    def test_of_servers_and_users_that_are_not_there(self):
        port = server.free_port()
        self.refused(f"redis://u@127.0.0.1:{port}", f"cannot connect to Redis at 127.0.0.1:{port}", code=1)
        self.refused(self.redis.url("nobody"), "WRONGPASS")
        self.refused(self.redis.url("coordinator"), "WRONGPASS", password="hunter2hunter2")
        self.refused(self.redis.url("coordinator"), "there is a user, but no password", password=None)
        self.refused(self.redis.url("coordinator", db=99), "refused the database: ERR DB index is out of range; the URL of the queue "
                     "ends in the number of a database, which has to be below `databases`")

    def test_passwords_of_files_and_commands(self):
        path = os.path.join(self.redis.directory, "password")
        with open(path, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as f:
            f.write(PASSWORD + "\n")
        for more in ({"MOONKEY_QUEUE_PASSWORD_FILE": path}, {"MOONKEY_QUEUE_PASSWORD_COMMAND": f"cat {path}"}):
            self.run_queue("status", password=None, **more)
        self.refused(self.url, "/nosuch: No such file", password=None, MOONKEY_QUEUE_PASSWORD_FILE="/nosuch")


class InACluster(unittest.TestCase):
    def wait_for(self, nodes):
        deadline = time.monotonic() + 20
        while not all(nodes.knows_all(node) for node in nodes.nodes):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def test_all_runs_wherever_they_are(self):
        with cluster.Cluster(scripts.users()) as nodes:
            case = Case()
            runs = [nodes.run_on(node) for node in nodes.nodes]
            register = nodes.node_of("moonkey:runs")
            case.redis = register
            for node, run in zip(nodes.nodes, runs):
                case.begin(run, redis=node, alive=1)
            for node in nodes.nodes:  # whichever is named
                url = node.url("coordinator")
                code, out, err = moonkey("status", "--queue", url, "-o", "json")
                self.assertEqual(code, 0, err)
                self.assertEqual({run["id"]: (run["state"], run["vouched"]) for run in json.loads(out)},
                                 {run: ("open", True) for run in runs})
            away = next(node for node in nodes.nodes if node is not register)
            away.kill()
            code, out, err = moonkey("status", "--queue", register.url("coordinator"), "-o", "json")
            self.assertEqual((code, sorted(run["state"] for run in json.loads(out))), (1, ["open", "open", "unreachable"]), err)
            self.assertIn(f"run {runs[nodes.nodes.index(away)]}: ", err)
            away.start()
            self.wait_for(nodes)
            self.assertEqual(moonkey("cancel", runs[2], "--queue", nodes.nodes[0].url("coordinator"))[0], 0)
            code, _, err = moonkey("purge", *runs, "--queue", nodes.nodes[0].url("coordinator"))
            self.assertEqual(code, 0, err)
            self.assertEqual([node.keys() for node in nodes.nodes], [[], [], []])


if __name__ == "__main__":
    if not MOONKEY:
        sys.exit("usage: python3 test_command.py MOONKEY")
    unittest.main()
