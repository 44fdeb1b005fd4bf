"""moonkey worker: frozen, cut off, told to end, its run halted or gone, at any moment; with a coordinator that the test plays itself.

  python3 test_worker_leases.py MOONKEY [unittest's arguments]
"""
import os
import signal
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import harness  # noqa: E402
import scripts  # noqa: E402
from worker_case import Timed  # noqa: E402


class Ends(Timed):
    def test_told_to_end_it_finishes_what_is_in_flight_and_hands_back_the_rest(self):
        run, self.api.delay = self.begin(), 0.3
        run.add([self.row(n) for n in range(1, 21)])
        worker = self.hire("-j", "3")
        self.wait_for_writes(3)
        done = self.end(worker)
        self.assertEqual(done.code, 143, done.err)
        outcomes = list(run.outcomes().values())
        self.assertEqual((outcomes.count("done"), outcomes.count("pending")), (3, 17))
        self.assertEqual((run.chunks(), run.workers()), ([], {}))
        self.assertEqual(len(self.api.writes()), 3)

    def test_told_to_end_while_it_waits(self):
        for begin in (False, True):
            if begin:
                run = self.begin()
            worker = self.hire()
            self.wait_for(lambda: worker.poll() is not None or (run.workers() if begin else self.redis.admin.client_list()))
            time.sleep(0.3)
            self.assertEqual(self.end(worker, signal.SIGINT).code, 130)

    def test_drain_waits_for_what_others_hold(self):
        run = self.begin()
        run.add([self.row(1)])
        self.assertEqual(run.take_over()[1], "1-1")
        began = time.monotonic()
        done = self.work("--drain")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(run.outcomes(), {1: "done"})
        self.assertGreater(time.monotonic() - began, 0.9, "it was the other's for a lease")
        self.assertIn("taken over", done.err)

    def test_the_run_is_halted(self):
        for state in ("halted", "cancelled"):
            self.redis.admin.flushall()
            run, self.api.delay = self.begin(), 0.3
            run.add([self.row(n) for n in range(1, 21)])
            worker = self.hire("-j", "3")
            before = len(self.api.writes())
            self.wait_for_writes(before + 3)
            run.state(state)
            self.wait_for(lambda: run.chunks() == [])
            outcomes = list(run.outcomes().values())
            self.assertGreater(outcomes.count("pending"), 9)
            self.assertEqual(outcomes.count("done") + outcomes.count("pending"), 20)
            self.assertEqual(len(self.api.writes()) - before, outcomes.count("done"))
            self.wait_for(lambda: run.workers() == {}, "it leaves")
            self.assertEqual(self.end(worker).code, 143)

    def test_the_run_is_closing(self):
        run, self.api.delay = self.begin(), 0.1
        run.add([self.row(n) for n in range(1, 21)])
        run.add([self.row(n) for n in range(21, 41)])
        worker = self.hire("-j", "3")
        self.wait_for_writes(3)
        run.state("closing")
        self.wait_for(lambda: run.workers() == {}, "it leaves")
        self.assertEqual((run.outcomes(), run.chunks()), ({n: "done" for n in range(1, 21)}, ["1-2"]))
        self.end(worker)

    def test_the_run_is_purged_and_another_comes(self):
        run, self.api.delay = self.begin(), 0.3
        run.add([self.row(n) for n in range(1, 21)])
        worker = self.hire("-j", "3")
        self.wait_for_writes(3)
        run.purge()
        other = self.begin("RUN-2")
        other.add([self.row(n) for n in range(50, 60)])
        self.wait_for(lambda: other.chunks() == [])
        self.assertEqual(other.outcomes(), {n: "done" for n in range(50, 60)})
        self.assertLess(len(self.api.writes()), 17, "the first is given up at once")
        done = self.end(worker)
        self.assertEqual(done.code, 143, done.err)
        self.assertEqual(self.redis.admin.keys("moonkey:{RUN-1}*"), [])

    def test_the_oldest_run_with_rows_comes_first(self):
        first, second = self.begin("RUN-1"), self.begin("RUN-2")
        worker = self.hire()
        self.wait_for(first.workers, "it has begun with the first")
        second.add([self.row(1)])
        self.wait_for(lambda: second.chunks() == [], "it goes where there is something to do")
        first.add([self.row(2)])
        self.wait_for(lambda: first.chunks() == [], "and back")
        self.end(worker)


class Leases(Timed):
    def held_back(self, worker, seconds):
        worker.send_signal(signal.SIGSTOP)
        time.sleep(seconds)

    def test_frozen_past_it_while_another_has_taken_over(self):
        run, self.api.delay = self.begin(), 0.1
        run.add([self.row(n) for n in range(1, 31)])
        worker = self.hire("-j", "2")
        self.wait_for_writes(4)
        self.held_back(worker, 1.2)
        self.assertEqual(run.take_over()[1:4:2], ["1-1", 2])
        before = len(self.api.writes())
        worker.send_signal(signal.SIGCONT)
        time.sleep(1)
        self.assertEqual(len(self.api.writes()), before, "nothing is sent for rows that are another's")
        self.assertEqual((run.reports(), run.held()), ({}, {"1-1": 2}))
        self.assertEqual(self.side(run.name)("finish", "another", "1-1", 2, '{"results":[]}'), "ok")
        run.add([self.row(50)])
        self.wait_for(lambda: run.outcomes() == {50: "done"}, "it goes on with other rows")
        done = self.end(worker)
        self.assertEqual(done.code, 143, done.err)
        self.assertIn("given to another", done.err)

    def test_frozen_past_it_while_nobody_else_was_there(self):
        run, self.api.delay = self.begin(), 0.1
        run.add([self.row(n) for n in range(1, 31)])
        worker = self.hire("-j", "2")
        self.wait_for_writes(4)
        self.held_back(worker, 1.2)
        worker.send_signal(signal.SIGCONT)
        self.wait_for(lambda: run.chunks() == [])
        outcomes = list(run.outcomes().values())
        self.assertEqual(outcomes.count("done") + outcomes.count("pending"), 30)
        self.assertEqual(self.end(worker).code, 143)

    def test_cut_off_for_less(self):
        run, self.api.delay, link = self.begin(), 0.1, self.link()
        run.add([self.row(n) for n in range(1, 21)])
        worker = self.hire("-j", "2", port=link.port, lease="3s")
        self.wait_for_writes(4)
        link.refuse()
        time.sleep(1.2)
        link.mend()
        self.wait_for(lambda: run.chunks() == [])
        self.assertEqual(run.outcomes(), {n: "done" for n in range(1, 21)})
        self.assertEqual(len(self.api.writes()), 20)
        self.assertEqual(self.end(worker).code, 143)

    def test_cut_off_for_more(self):
        for how in ("refuse", "drop"):
            self.redis.admin.flushall()
            self.api.requests.clear()
            run, self.api.delay, link = self.begin(), 0.1, self.link()
            run.add([self.row(n) for n in range(1, 41)])
            worker = self.hire("-j", "2", port=link.port)
            self.wait_for_writes(4)
            cut = time.monotonic()
            getattr(link, how)()
            time.sleep(2.5)
            link.mend()
            mended = time.monotonic()
            self.wait_for(lambda: run.chunks() == [])
            late = [at for at, _, _ in self.api.writes() if cut + 1 < at < mended]
            self.assertEqual(late, [], "nothing starts when the lease is over")
            self.assertGreater(len(self.api.writes()), 8, "it goes on as long as the lease lasts")
            outcomes = list(run.outcomes().values())
            self.assertEqual(outcomes.count("done") + outcomes.count("pending"), 40, how)
            self.assertLessEqual(abs(outcomes.count("done") - len(self.api.writes())), 2, "what was cut off is pending")
            run.add([self.row(50)])
            self.wait_for(lambda: run.outcomes().get(50) == "done", "it goes on")
            self.assertEqual(self.end(worker).code, 143)

    def test_told_to_end_while_it_is_cut_off(self):
        for how in ("refuse", "drop"):
            self.redis.admin.flushall()
            self.api.requests.clear()
            run, self.api.delay, link = self.begin(), 0.1, self.link()
            run.add([self.row(n) for n in range(1, 41)])
            worker = self.hire("-j", "2", port=link.port, lease="2s")
            self.wait_for_writes(4)
            getattr(link, how)()
            time.sleep(0.3)
            told = time.monotonic()
            done = self.end(worker)
            self.assertEqual(done.code, 143, done.err)
            self.assertLess(time.monotonic() - told, 5)
            self.assertIn("1 chunk could not be handed back", done.err)
            link.mend()
            self.assertEqual(self.work("--drain").code, 0)
            self.assertEqual(run.outcomes(), {n: "done" for n in range(1, 41)}, "another does them")

    def test_an_answer_that_got_lost(self):
        run, link = self.begin(), self.link()
        worker = self.hire(port=link.port, lease="5s")
        self.wait_for(run.workers)
        run.add([self.row(n) for n in range(1, 6)])
        link.slow(0.3)
        self.wait_for(run.entries)
        link.cut()
        link.mend()
        time.sleep(1)
        self.assertEqual(run.outcomes(), {n: "done" for n in range(1, 6)})
        run.add([self.row(6)])
        self.wait_for(lambda: run.outcomes().get(6) == "done")
        self.assertEqual(len(self.api.writes()), 6)
        self.assertEqual(self.end(worker).code, 143)

    def test_the_server_is_started_anew(self):
        run, self.api.delay = self.begin(), 0.1
        run.add([self.row(n) for n in range(1, 21)])
        worker = self.hire("-j", "2", lease="3s")
        self.wait_for_writes(4)
        self.redis.wait_until_written()
        self.redis.kill()
        self.redis.start()
        time.sleep(1.5)
        boss = scripts.Side(self.redis, "coordinator", run.name)
        run.boss = boss
        self.assertEqual(run.reports(), {}, "nobody vouches for it yet")
        self.assertEqual(len(self.api.writes()), 20)
        boss("vouch", boss.server)
        self.wait_for(lambda: run.chunks() == [])
        self.assertEqual(run.outcomes(), {n: "done" for n in range(1, 21)})
        self.assertEqual(len(self.api.writes()), 20)
        done = self.end(worker)
        self.assertIn("waiting for that", done.err)


if __name__ == "__main__":
    harness.main()
