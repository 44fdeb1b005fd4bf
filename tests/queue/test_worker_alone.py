"""A run whose coordinator is gone does not keep a worker from those that have one; and nothing of it is lost or repeated.

  python3 test_worker_alone.py MOONKEY [unittest's arguments]
"""
import hashlib
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

from worker_case import Timed, harness  # noqa: E402

ROWS = range(1, 4)
SET_ASIDE = "run RUN-1: its coordinator is gone: set aside until it has one again"


class Alone(Timed):
    def leave_alone(self, run):
        self.redis.admin.delete(run.boss.key("coordinator"))

    def come_back(self, run):
        run.boss("begin", "boss", 600000, "state", "open")
        run.boss("vouch", run.boss.server)

    def others(self):
        other = self.begin("RUN-2")
        other.add([self.row(n) for n in range(11, 14)])
        return other

    def doubt(self, run):
        """As a server that was started anew."""
        self.redis.admin.hset(run.boss.key("run"), "server", "another")

    def leave_with_a_report(self):
        """RUN-1, whose rows are done, and nobody takes the report."""
        run, self.api.delay = self.begin(), 0.3
        chunk = run.add([self.row(n) for n in ROWS])
        worker = self.hire()
        self.wait_for_writes()
        self.leave_alone(run)
        self.doubt(run)
        self.wait_for(lambda: len(self.api.writes()) == 3)
        self.api.delay = 0
        return run, chunk, worker

    def test_what_is_done_waits_for_who_takes_it(self):
        run, chunk, worker = self.leave_with_a_report()
        other = self.others()
        self.wait_for(lambda: other.chunks() == [], "the other run is not done")
        time.sleep(1.5)  # more than the lease
        self.assertEqual((run.held(), run.reports()), ({chunk: 1}, {}))
        self.assertEqual([json.loads(facts)["state"] for facts in run.workers().values()], ["set aside"])
        self.assertEqual(run.take_over(), ["unvouched"])
        self.come_back(run)
        self.wait_for(lambda: run.chunks() == [], "it is not reported")
        more = run.add([self.row(4)])
        self.wait_for(lambda: more in run.reports(), "the worker does not come back")
        self.assertEqual((run.outcomes(), len(self.api.writes())), ({n: "done" for n in range(1, 5)}, 7))
        self.wait_for(lambda: len(run.workers()) == 1)
        done = self.end(worker)
        self.assertEqual(done.code, 143, done.err)
        self.assertIn(SET_ASIDE, done.err)

    def test_the_worker_ends_with_it(self):
        run, chunk, worker = self.leave_with_a_report()
        other = self.others()
        self.wait_for(lambda: other.chunks() == [], "the other run is not done")
        done = self.end(worker)
        self.assertEqual(done.code, 143, done.err)
        self.assertIn("1 chunk could not be handed back", done.err)
        self.come_back(run)
        self.assertEqual(self.wait_for(lambda: run.take_over()[1:2]), [chunk])

    def test_somebody_else_has_got_it(self):
        run, chunk, worker = self.leave_with_a_report()
        other = self.others()
        self.wait_for(lambda: other.chunks() == [], "the other run is not done")
        self.redis.admin.xclaim(run.boss.key("chunks"), "workers", "another", 0, [chunk])
        self.wait_for(lambda: not run.workers(), "it is kept")
        self.come_back(run)
        done = self.end(worker)
        self.assertEqual(done.code, 143, done.err)
        self.assertIn(f"what came of chunk {chunk} is not accepted any more", done.err)
        self.assertEqual(run.reports(), {})

    def test_rows_that_wait_for_the_journal_are_handed_back(self):
        run = self.begin(built_in='{"undoable":true}')
        run.add([self.row(n) for n in ROWS])
        worker = self.hire()
        self.wait_for(lambda: len(run.entries("note")) == 3)
        self.leave_alone(run)
        other = self.others()
        self.wait_for(lambda: other.chunks() == [], "the other run is not done")
        self.assertEqual(run.outcomes(), {n: "pending" for n in ROWS})
        self.assertEqual(len(self.api.writes()), 3)
        waiting = run.add([self.row(4)])
        time.sleep(1.5)
        self.assertEqual((run.chunks(), run.held()), ([waiting], {}), "it comes back though nobody coordinates the run")
        self.come_back(run)
        self.wait_for(lambda: len(run.entries("note")) == 4, "it does not come back")
        list(run.acknowledge())
        self.wait_for(lambda: run.chunks() == [])
        self.assertEqual(run.outcomes(), {1: "pending", 2: "pending", 3: "pending", 4: "done"})
        done = self.end(worker)
        self.assertEqual(done.code, 143, done.err)
        self.assertIn(SET_ASIDE, done.err)

    def test_while_no_other_run_is_there_it_waits(self):
        run, _, worker = self.leave_with_a_report()
        time.sleep(7)
        self.come_back(run)
        self.wait_for(lambda: run.chunks() == [])
        done = self.end(worker)
        self.assertEqual((run.outcomes(), len(self.api.writes())), ({n: "done" for n in ROWS}, 3))
        self.assertNotIn("set aside", done.err)


class Served(Timed):
    def test_a_run_that_ends_while_the_worker_is_at_another_is_torn_down(self):
        text = """
          local log = require "moonkey.log"
          return {
            setup = function() log.info("up") end,
            job = function() end,
            teardown = function() log.info("down") end,
          }"""
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.write("job.lua", text)
        first, second = (self.begin(name, job=digest, job_name="job.lua") for name in ("RUN-1", "RUN-2"))
        first.add([(1, {"n": 1})])
        worker = self.hire("--job", "job.lua")
        self.wait_for(lambda: first.chunks() == [])
        second.add([(1, {"n": 1})])
        self.wait_for(lambda: second.chunks() == [], "it stays with the first run")
        first.purge()
        second.purge()
        time.sleep(1.5)
        worker.kill()
        said = self.finish(worker).err
        self.assertEqual((said.count(" up\n"), said.count(" down\n")), (2, 2), said)


if __name__ == "__main__":
    harness.main()
