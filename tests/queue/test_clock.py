"""What becomes of a run when the clock of its Redis is set: the server is started anew with another date, by the library of the tests'.

  python3 test_clock.py MOONKEY [unittest's arguments]
"""
import os
import sys
import time
import unittest

import scripts
import server

MOONKEY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None
LEASE, HOUR = 300, 3600  # ms, s


class Clock(unittest.TestCase):
    def setUp(self):
        self.addCleanup(os.environ.pop, "LD_PRELOAD", None)
        self.addCleanup(os.environ.pop, "WORLD_DATE", None)
        self.redis = None

    def set(self, seconds):
        """The server's clock is that much later than ours."""
        os.environ.update(LD_PRELOAD=os.path.join(os.path.dirname(MOONKEY), "tests", "libworld.so"), WORLD_DATE=str(seconds))
        if self.redis:
            self.save()
            self.redis.kill()
            self.redis.start()
        else:
            self.redis = server.Redis(users=scripts.users())
            self.addCleanup(self.redis.stop)
        del os.environ["LD_PRELOAD"]
        self.assertLess(abs(self.redis.admin.time()[0] - time.time() - seconds), 30, "the clock is as it was asked for")
        self.boss, self.worker = scripts.Side(self.redis, "coordinator"), scripts.Side(self.redis, "worker")

    def save(self):
        """As it is: commands that are carried out anew, as those of the append-only file, would take a time of the future for now."""
        self.redis.admin.bgrewriteaof()
        state = {"aof_rewrite_in_progress": 1}
        while state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"]:
            time.sleep(0.02)
            state = self.redis.admin.info("persistence")

    def begin(self):
        self.boss("begin", "boss-1", 60000, "state", "open", "rate", "0")
        self.boss("vouch", self.boss.server)
        self.boss("add", "1-1", "rows", 3)
        self.worker("take", "w1", LEASE, 5)
        self.worker("beat", "w1", LEASE, "{}", "1-1")
        self.worker("pause", "w1", 300000)

    def take_soon(self):
        self.assertEqual(self.boss("vouch", self.boss.server), "ok")
        for _ in range(3):  # the coordinator and another worker go on; w1 is dead
            self.boss("watch", "boss-1", 60000)
            self.worker("beat", "w2", LEASE, "{}")
            time.sleep(LEASE / 1000)
        return self.worker("take", "w2", LEASE, 5)

    def test_set_back_by_an_hour_a_dead_worker_does_not_keep_its_rows(self):
        self.set(HOUR)
        self.begin()
        self.set(0)
        self.assertEqual(self.take_soon()[1:2], ["1-1"])

    def test_set_back_a_living_worker_keeps_its_rows(self):
        self.set(HOUR)
        self.begin()
        self.set(0)
        self.boss("vouch", self.boss.server)
        for _ in range(5):
            self.boss("watch", "boss-1", 60000)
            self.assertEqual(self.worker("beat", "w1", LEASE, "{}", "1-1")[0], "open")
            self.assertEqual(self.worker("take", "w2", LEASE, 5), ["open"])
            time.sleep(0.1)
        self.assertEqual(self.worker("finish", "w1", "1-1", 1, "{}"), "ok")

    def test_set_back_a_pause_does_not_last_for_ever(self):
        self.set(HOUR)
        self.begin()
        self.assertGreater(self.worker("beat", "w1", LEASE, "{}")[1], 200000)
        self.set(0)
        self.assertEqual(self.worker("pace", "w1", 3), [3, 0])
        self.assertEqual(self.worker("beat", "w1", LEASE, "{}")[1], 0)
        self.assertGreater(self.worker("pause", "w1", 5000), 4000, "and a new one counts")

    def test_set_back_a_dead_coordinator_is_dead(self):
        self.set(HOUR)
        self.begin()
        self.set(0)
        self.assertEqual(self.boss("begin", "boss-2", 60000, "state", "open")[0], "ok")
        self.assertEqual(self.boss("begin", "boss-3", 60000, "state", "open")[:2], ["busy", "boss-2"])

    def test_set_forward_rows_are_given_out_once_more_and_the_late_report_is_not_taken(self):
        self.set(0)
        self.begin()
        self.set(HOUR)
        self.assertEqual(self.take_soon()[1:4:2], ["1-1", 2])
        self.assertEqual(self.worker("finish", "w1", "1-1", 1, "{}"), "lost")
        self.assertEqual(self.worker("finish", "w2", "1-1", 2, "{}"), "ok")


if __name__ == "__main__":
    if not MOONKEY:
        sys.exit("usage: python3 test_clock.py MOONKEY")
    unittest.main()
