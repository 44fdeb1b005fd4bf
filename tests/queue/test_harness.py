"""What the other tests of the queue rely on: that their Redis forgets what it should, and no more, that their links fail as they
should, and that too high a rate is seen.

  python3 test_harness.py [unittest's arguments]
"""
import os
import random
import time
import unittest

import redis as client

import pace
from proxy import Link
from server import Monitor, Redis, password_of

WRITES = 150


class Case(unittest.TestCase):
    def setUp(self):
        self.redis = Redis(users={"worker": "~moonkey:* +@all"})
        self.addCleanup(self.redis.stop)

    def client(self, port=None, timeout=10):
        return client.Redis("127.0.0.1", port or self.redis.port, username="worker", password=password_of("worker"),
                            socket_timeout=timeout)

    def written(self):
        return self.redis.admin.llen("moonkey:list")

    def write(self, count):
        """By a script, whose effects are a transaction in the file: all or nothing."""
        writer = self.client()
        for _ in range(count):
            writer.eval("redis.call('RPUSH', KEYS[1], 'x') redis.call('INCR', KEYS[2])", 2, "moonkey:list", "moonkey:count")
            time.sleep(0.01)


class Restarts(Case):
    def test_with_all_that_was_written(self):
        self.write(10)
        self.redis.wait_until_written()
        self.redis.kill()
        self.redis.start()
        self.assertEqual(self.written(), 10)

    def test_without_the_last_moment(self):
        self.write(WRITES)
        self.redis.wait_until_written()
        began = time.monotonic()
        self.write(30)
        lost = self.redis.kill_and_forget(time.monotonic() - began)
        self.redis.start()
        self.assertGreater(lost, 0)
        self.assertLessEqual(self.written(), WRITES + 1)  # one, if it came in the moment of the cut
        self.assertGreater(self.written(), WRITES // 2)
        self.assertEqual(self.written(), int(self.redis.admin.get("moonkey:count")))
        self.redis.wait_until_written()
        self.redis.kill()  # and no more is lost by the next one
        kept = self.redis.start() or self.written()
        self.assertGreater(kept, WRITES // 2)

    def test_with_nothing(self):
        self.write(10)
        self.redis.kill_and_forget(float("inf"))
        self.redis.start()
        self.assertEqual(self.redis.keys(), [])

    def test_are_other_processes(self):
        ids = {self.redis.admin.info("server")["run_id"]}
        self.redis.kill()
        self.redis.start()
        self.assertNotIn(self.redis.admin.info("server")["run_id"], ids)


class Links(Case):
    def setUp(self):
        super().setUp()
        self.link = Link(self.redis.port)
        self.addCleanup(self.link.close)
        self.through = self.client(self.link.port, timeout=0.5)
        self.through.ping()

    def value(self):
        return self.redis.admin.get("moonkey:x")

    def test_pass_on(self):
        self.through.set("moonkey:x", "y" * 1_000_000)
        self.assertEqual(len(self.through.get("moonkey:x")), 1_000_000)

    def test_drop_until_they_are_mended(self):
        self.link.drop()
        with self.assertRaises(client.TimeoutError):
            self.through.set("moonkey:x", 1)
        self.assertIsNone(self.value())
        self.link.mend()
        deadline = time.monotonic() + 10
        while self.value() != "1" and time.monotonic() < deadline:  # late, but it comes: nobody has taken it back
            time.sleep(0.01)
        self.assertEqual(self.value(), "1")

    def test_are_cut(self):
        connection = self.through.connection_pool.get_connection("PING")
        self.link.cut()
        with self.assertRaises(client.ConnectionError):
            connection.send_command("PING")
            connection.read_response()
        self.assertTrue(self.through.ping())

    def test_refuse(self):
        self.link.refuse()
        with self.assertRaises(client.ConnectionError):
            self.through.ping()
        self.link.mend()
        self.assertTrue(self.through.ping())

    def test_are_slow(self):
        self.link.slow(0.1)
        began = time.monotonic()
        self.through.ping()
        self.assertGreaterEqual(time.monotonic() - began, 0.2)

    def test_meet_a_redis_that_is_started_anew(self):
        self.redis.kill()
        with self.assertRaises(client.ConnectionError):
            self.through.ping()
        self.redis.start()
        self.assertTrue(self.through.ping())


class Looks(Case):
    def test_monitor_sees_what_scripts_do(self):
        path = os.path.join(self.redis.directory, "monitor")
        Monitor(self.redis, path)
        self.write(1)
        self.redis.kill()
        self.redis.start()
        deadline = time.monotonic() + 10
        text = ""
        pushed = '"RPUSH" "moonkey:list" "x"'  # by a script, whose own text is there, too
        while text.count(pushed) < 2 and time.monotonic() < deadline:  # it connects anew, at some time
            self.write(1)
            with open(path, encoding="utf-8") as f:
                text = f.read()
        self.assertGreaterEqual(text.count(pushed), 2)
        self.assertNotIn(password_of("worker"), text)

    def test_dump_has_all_kinds_of_values(self):
        admin = self.redis.admin
        admin.set("a", "value-1")
        admin.hset("b", "f", "value-2")
        admin.rpush("c", "value-3")
        admin.zadd("d", {"value-4": 1})
        admin.sadd("e", "value-5")
        admin.xadd("f", {"f": "value-6"})
        text = repr(self.redis.dump())
        for number in range(1, 7):
            self.assertIn(f"value-{number}", text)


class Pace(unittest.TestCase):
    def plain(self, times, rate, allowances, reach):
        """The same by its definition."""
        return max(j - i + 1 - rate * (times[j] - times[i]) - sum(n for at, n in allowances if times[i] - reach < at <= times[j])
                   for i in range(len(times)) for j in range(i, len(times)))

    def test_excess_is_that_of_the_worst_span(self):
        chance = random.Random(1)
        for _ in range(300):
            times = sorted(chance.uniform(0, 5) for _ in range(chance.randint(1, 40)))
            allowances = sorted((chance.uniform(0, 5), chance.randint(0, 5)) for _ in range(3))
            rate, reach = chance.uniform(1, 20), chance.uniform(0, 2)
            wanted = max(0, self.plain(times, rate, allowances, reach))
            self.assertAlmostEqual(pace.excess(times, rate, allowances, reach), wanted)

    def test_three_times_the_rate_is_seen(self):
        self.assertLess(pace.excess([i / 100 for i in range(500)], 100), 1.5)
        self.assertGreater(pace.excess([i / 300 for i in range(1500)], 100), 900)


if __name__ == "__main__":
    unittest.main()
