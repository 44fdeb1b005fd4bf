"""What each guard of a run over a queue is for, brought about exactly: real workers, a real coordinator and a real Redis, of which one
is frozen, cut off or killed at the very moment that matters. Afterwards the run is held against the sequential model, as by oracle.py;
but here it is known to the row how often each may be sent. mutations.py takes the guards out one by one, to see these tests fail.

  python3 test_guards.py MOONKEY [unittest's arguments]
"""
import json
import os
import sys
import time
import unittest

from course import Course
from queue_trial import QueueTrial, Settings

MOONKEY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None
LEASE = 1.5  # seconds
SOON = 1.0  # seconds in which something would happen if it were to
WAIT = 20  # seconds for anything to come true


class Case(unittest.TestCase):
    mode, rows, form, lease = "plain", 60, "jsonl", LEASE

    def setUp(self):
        library = os.path.join(os.path.dirname(MOONKEY), "tests", "libworld.so")
        settings = Settings(workers=0, jobs=4, chunk=5, lease=self.lease)
        self.trial = QueueTrial(MOONKEY, library, self.mode, self.rows, 7, self.form, 0.0, settings)
        self.addCleanup(self.trial.close)
        self.trial.server.ask("settings", {"faults": {}})
        self.trial.prepare()
        self.course = Course(self.trial)
        self.course.world = lambda: None  # all with the same clock
        self.place, self.redis = self.trial.place, self.trial.place.redis

    def begin(self):
        """A coordinator that has put its rows on the queue, and no worker yet."""
        self.course.start_coordinator()
        self.wait_for(lambda: self.redis.admin.zcard("moonkey:runs"), "there is no run")
        self.run_id = self.redis.admin.zrange("moonkey:runs", 0, -1)[0]
        self.wait_for(lambda: self.redis.admin.hget(self.key("run"), "server"), "nobody vouches for the server")
        self.wait_for(lambda: self.redis.admin.xlen(self.key("chunks")) > 4, "there are no rows")
        self.trial.find_journal()

    def hire(self):
        self.course.hire()
        return self.place.workers[-1]

    def hire_busy(self):
        """A worker whose requests all wait for their replies, and the rows that it holds: those that it has sent, and all."""
        self.api(hold=["PUT", "POST"])
        before, worker = self.calls(), self.hire()
        self.wait_for(lambda: len(self.calls()) == len(before) + self.trial.jobs, "it does not send as much as it can")
        self.wait_for(lambda: len(self.held_by(worker)) == 2, "it does not hold two chunks")
        return worker, self.calls()[len(before):], self.rows_of(self.held_by(worker))

    def end(self, repeats):
        """The run goes on until it has ended, with so many writes of rows that were written before, and those of which this machine
        has given cause by being slow."""
        self.trial.repeatable += repeats
        self.api(hold=[])
        self.course.finish()
        self.course.dismiss_all()
        self.trial.check_fleet()

    def look(self):
        """What does not have to wait for the end; the coordinator is frozen."""
        self.trial.look_at(self.course.coordinator)

    # ---- what there is

    def api(self, **settings):
        self.trial.server.ask("settings", settings)

    def calls(self):
        """The rows of all writes, in their order."""
        self.trial.poll()
        return [row for method, _, row, _, _ in self.trial.log + self.trial.fresh if method != "GET"]

    def key(self, name):
        return f"moonkey:{{{self.run_id}}}:{name}"

    def held_by(self, worker):
        """Ids of chunks."""
        pending = self.redis.admin.xpending_range(self.key("chunks"), "workers", "-", "+", 1000)
        return [entry["message_id"] for entry in pending if f"-{worker.process.pid}-" in entry["consumer"]]

    def rows_of(self, chunks):
        return [row["n"] for chunk in chunks for _, fields in self.redis.admin.xrange(self.key("chunks"), chunk, chunk)
                for row in json.loads(fields["rows"])]

    def ended(self):
        return self.trial.ended()

    # ---- time

    def wait_for(self, what, message):
        self.assertFalse(self.course.let_go_on(WAIT, what), "it was done too early")
        self.assertTrue(what(), message)

    def pass_time(self, seconds):
        self.assertFalse(self.course.let_go_on(seconds), "it was done too early")

    def restart_redis(self, size):
        """As it was when its file was as long."""
        self.course.redis_goes()
        self.redis.kill_and_cut(size)
        self.course.redis_comes()


class Fence(Case):
    """A worker that was away for longer than its lease says of rows what is not true any more, and may not send what is left of them."""

    def take_over(self, rows):
        """Another, which has all of these rows, and whose requests wait for their replies."""
        self.pass_time(self.lease)
        self.api(hold=["PUT"])
        other = self.hire()
        self.wait_for(lambda: set(self.rows_of(self.held_by(other))) >= set(rows), "nobody takes over")
        return other

    def test_of_who_comes_back_while_another_has_its_rows(self):
        self.begin()
        stale, sent, rows = self.hire_busy()
        stale.freeze()
        other = self.take_over(rows)
        self.wait_for(lambda: len(self.calls()) == 2 * len(sent), "the other does not begin")
        stale.thaw()
        self.pass_time(SOON)
        again = set(self.calls()[2 * len(sent):]) & set(rows)
        self.assertEqual(again, set(), "rows that were sent, while the other who has them is still at them")
        self.assertEqual(set(self.rows_of(self.held_by(other))) & set(rows), set(rows), "the other has its rows still")
        self.end(repeats=len(sent))

    def test_of_who_comes_back_when_another_has_done_its_rows(self):
        """Replies have come meanwhile that would have it begin the next rows at once."""
        self.begin()
        stale, sent, rows = self.hire_busy()
        stale.freeze()
        self.take_over(rows)
        self.api(hold=[])
        self.wait_for(lambda: self.ended() >= set(rows), "the other does not do them")
        stale.thaw()
        self.end(repeats=len(sent))

    def test_of_a_report_that_comes_late(self):
        """Its rows would count as done while another is at them, who cannot know that at once: here it is frozen for a moment."""
        self.begin()
        stale, sent, rows = self.hire_busy()
        stale.link.drop()
        self.api(hold=[])
        self.wait_for(lambda: set(self.calls()) >= set(rows), "it does not go on as long as its lease lasts")
        other = self.take_over(rows)
        self.wait_for(lambda: len(self.calls()) == len(rows) + len(sent), "the other does not begin")
        other.freeze()
        self.course.mend(stale)
        self.pass_time(self.lease / 3)
        ended = self.ended()
        self.api(hold=[])  # so that it would begin the next rows at once
        other.thaw()
        self.pass_time(SOON)
        again = set(self.calls()[len(rows) + len(sent):]) & ended
        self.assertEqual(again, set(), "rows that were sent although they had ended")
        self.end(repeats=len(rows))


class Vouching(Case):
    """A Redis that has forgotten what it did last is not believed before the coordinator has compared."""
    lease = 3

    def test_rows_that_have_ended_are_not_given_out_again(self):
        self.api(faults={"slow": 1.0})
        self.begin()
        self.hire()
        self.wait_for(lambda: len(self.calls()) >= 5, "nothing is written")
        size = self.redis.size()
        self.wait_for(lambda: len(self.ended()) >= 25, "nothing is done")
        self.course.coordinator.freeze()
        self.look()
        self.restart_redis(size)
        unreported = set(self.calls()) - self.ended()
        self.pass_time(1.5 * self.lease)
        self.look()
        self.course.coordinator.thaw()
        self.end(repeats=len(unreported) + self.trial.settings.rows_of_a_worker())

    def test_rows_that_it_does_not_know_to_be_given_out_are_waited_for(self):
        """Who has them has not heard of that, and goes on as long as its lease lasts."""
        self.begin()
        size = self.redis.size()
        worker, _, rows = self.hire_busy()
        self.pass_time(SOON)  # until its lease is known
        worker.link.drop()
        dropped = time.monotonic()
        self.restart_redis(size)
        server = self.redis.admin.info("server")["run_id"]
        self.wait_for(lambda: self.redis.admin.hget(self.key("run"), "server") == server, "nobody vouches for it")
        self.assertGreater(time.monotonic() - dropped, self.lease - 1, "seconds until others were given its rows")
        self.api(hold=[])
        self.hire()
        self.wait_for(lambda: len(self.calls()) > 2 * self.trial.jobs, "the other does not begin")
        self.course.mend(worker)
        self.end(repeats=len(rows))


if __name__ == "__main__":
    if not MOONKEY:
        sys.exit("usage: python3 test_guards.py MOONKEY")
    unittest.main()
