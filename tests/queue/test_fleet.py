"""What a fleet is to do together, one thing at a time: keep one pace, pause together, and go on without one of its workers, or without
Redis for as long as a lease lasts.

  python3 test_fleet.py MOONKEY [unittest's arguments]
"""
import itertools
import os
import sys
import time
import unittest

from course import Course
from pace import bucket, excess
from queue_trial import LATE, QueueTrial, Settings

MOONKEY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None
RATE = 50


class Case(unittest.TestCase):
    rows, mode, slow = 300, "plain", 0.0

    def begin(self, worlds=(None,), **settings):
        library = os.path.join(os.path.dirname(MOONKEY), "tests", "libworld.so")
        self.trial = QueueTrial(MOONKEY, library, self.mode, self.rows, 7, "jsonl", self.slow, Settings(**settings))
        self.addCleanup(self.trial.close)
        self.trial.prepare()
        self.course = Course(self.trial)
        worlds = itertools.cycle(worlds)
        self.course.world = lambda: {**self.trial.place.preloaded, **world} if (world := next(worlds)) else None
        self.course.begin()

    def end(self):
        self.course.finish()
        self.course.dismiss_all()
        self.trial.check_fleet()

    def starts(self):
        return [at for at, _ in self.trial.server.ask("starts?0")]

    def lag(self):
        return self.trial.server.ask("lag")

    def reach(self, requests):
        self.assertFalse(self.course.let_go_on(60, lambda: self.trial.poll() >= requests), "it was done too early")
        self.assertGreaterEqual(self.trial.arrived, requests)


class OnePace(Case):
    def test_of_all_workers_together(self):
        """Whatever their clocks say: the bucket is filled by that of Redis."""
        self.begin([{"WORLD_DATE": "-7200"}, {"WORLD_DATE": "7200"}, None], rate=RATE)
        self.end()  # looks at the rate
        self.assertGreater(excess(self.starts(), RATE / 4), 10)  # what it looks at is not empty

    def test_retry_after_holds_for_all(self):
        self.begin(rate=RATE)
        self.reach(100)
        self.trial.server.ask("settings", {"wait": 4})
        asked = time.monotonic()
        self.reach(self.trial.poll() + 1)  # that request is answered so
        paused = time.monotonic()
        self.course.let_go_on(4 - (time.monotonic() - asked) - 0.3)
        late = [at - asked for at in self.starts() if at > paused + LATE + self.lag()]
        self.assertEqual(late, [], "seconds from the pause of 4 s to requests that came nevertheless")
        self.end()

    def test_a_pause_without_a_rate_holds_for_all(self):
        self.slow = 1.0
        self.begin()
        self.reach(50)
        self.trial.server.ask("settings", {"wait": 4})
        asked = time.monotonic()
        self.reach(self.trial.poll() + 1)
        paused = time.monotonic()
        self.course.let_go_on(4 - (time.monotonic() - asked) - 0.3)
        late = [at - asked for at in self.starts() if at > paused + LATE + self.lag()]
        self.assertEqual(late, [], "seconds from the pause of 4 s to requests that came nevertheless")
        self.end()


class OneLess(Case):
    slow = 1.0

    def test_the_plug_of_one_is_pulled(self):
        self.begin()
        self.reach(60)
        self.course.repeat(1)
        self.course.place.dismiss(self.course.place.workers[0], 9)
        self.end()


class NoRedis(Case):
    def test_what_is_held_goes_on_at_the_last_share_and_no_longer_than_the_lease(self):
        self.rows = 600
        self.begin(rate=RATE, chunk=100, jobs=4, lease=2)
        self.reach(150)
        place = self.course.place
        self.course.redis_goes()
        place.redis.kill()
        gone = time.monotonic()
        self.course.let_go_on(2 + LATE + self.lag())
        after = [at for at in self.starts() if at > gone]
        self.assertLessEqual(len(after), RATE * 2 + bucket(RATE) + 3 * 4 + RATE * LATE)  # 3 workers, 4 permits each under way
        self.course.let_go_on(2)
        late = [at - gone for at in self.starts() if at > gone + 2 + LATE + self.lag()]
        self.assertEqual(late, [], "seconds after Redis had gone, with a lease of 2 s")
        self.course.repeat(3)
        self.trial.repeatable += 3 * 100  # the chunks are large
        self.course.redis_comes()
        self.end()


if __name__ == "__main__":
    if not MOONKEY:
        sys.exit("usage: python3 test_fleet.py MOONKEY")
    unittest.main()
