"""A run over a queue whose coordinator, or whose Redis, does not live to its end: each row ends once in the journal, and counts once."""
import json
import os
import shutil
import signal
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import proxy  # noqa: E402
from batch_case import Case, harness, scripts, server  # noqa: E402


class Coordinator(Case):
    def test_a_report_that_nobody_has_read(self):
        process = self.batch()
        worker = self.played()
        one, two = worker.take(), worker.take()
        self.freeze(process)
        worker.finish(one)
        self.kill(process)
        self.assertEqual(self.states(), {})
        process = self.again("resume", "-o", "jsonl")
        self.wait_for(lambda: len(self.states()) == 5, "the report is not read")
        worker.finish(two)
        done = self.assert_ended(process, 0, "10 done, 0 failed")
        self.assertEqual(sorted(r["row"] for r in done.results()), list(range(1, 11)))
        self.assert_all()
        self.assertEqual(self.journal("SELECT count(*) FROM rows WHERE hash IS NULL OR line IS NULL"), [(0,)])
        self.assert_purged()

    def test_a_report_that_was_committed_but_not_removed(self):
        process = self.batch()
        worker = self.played()
        one, two = worker.take(), worker.take()
        worker.finish(one)
        self.wait_for(lambda: len(self.states()) == 5 and not self.entries(worker.side.run))
        self.kill(process)
        again = {"kind": "rows", "chunk": one[0], "consumer": "played", "body": worker.report(one[2], outcome="failed")}
        self.redis.admin.xadd(worker.side.key("results"), again)
        process = self.again("resume", "-o", "jsonl")
        worker.finish(two)
        done = self.assert_ended(process, 0, "10 done, 0 failed", "5 of them before")
        self.assertEqual(sorted(r["row"] for r in done.results()), [6, 7, 8, 9, 10])
        self.assert_all()
        self.assert_purged()

    def test_what_workers_hold_is_not_given_out_again(self):
        process = self.coordinate("batch", self.rows(ids=[2, 3, 4, 2, 5, 6, 2, 7, 8, 9]), "--chunk", "3")
        worker = self.played()
        one = worker.take()
        self.assertEqual([row["n"] for row in one[2]], [1, 2, 3])
        self.kill(process)
        process = self.again("resume")
        rest = []
        while len(rest) < 5:  # all but those that wait behind what is held
            chunk = worker.take()
            rest += [row["n"] for row in chunk[2]]
            worker.finish(chunk)
        self.assertEqual(sorted(rest), [5, 6, 8, 9, 10])
        worker.finish(one)
        for n in (4, 7):
            last = worker.take()
            self.assertEqual([row["n"] for row in last[2]], [n])
            worker.finish(last)
        self.assert_ended(process, 0, "10 done")
        self.assert_all()

    def test_a_retry_that_is_killed(self):
        """Its rows have failed before, and fail or end once more: they are counted once, whoever goes on."""
        process = self.batch()
        worker = self.played()
        for _ in range(2):
            worker.finish(worker.take(), outcome="failed", kind="job", title="not now")
        self.assert_ended(process, 3, "0 done, 10 failed")
        process = self.again("retry")
        worker = self.played()
        one, two = worker.take(), worker.take()
        self.freeze(process)
        results = [worker.result(row, outcome="done" if row["n"] < 4 else "failed", kind="job", title="again") for row in one[2]]
        worker.finish(one, json.dumps({"results": results, "changes": 3, "retries": 0}))
        self.kill(process)
        process = self.again("retry")
        self.wait_for(lambda: list(self.states().values()).count("done") == 3, "the report is not read")
        worker.finish(two)
        self.assert_ended(process, 3, "8 done, 2 failed")
        self.assertEqual([row for row, state in self.states().items() if state == "failed"], [4, 5])
        self.assert_purged()

    def test_a_report_of_a_retry_that_was_committed_but_not_removed(self):
        process = self.batch()
        worker = self.played()
        for _ in range(2):
            worker.finish(worker.take(), outcome="failed", kind="job", title="not now")
        self.assert_ended(process, 3)
        process = self.again("retry")
        worker = self.played()
        one, two = worker.take(), worker.take()
        worker.finish(one, outcome="failed", kind="job", title="again")
        self.wait_for(lambda: self.journal("SELECT count(*) FROM problems WHERE title = 'again'") == [(5,)])
        self.kill(process)
        again = {"kind": "rows", "chunk": one[0], "consumer": "played", "body": worker.report(one[2])}
        self.redis.admin.xadd(worker.side.key("results"), again)
        process = self.again("retry")
        three = worker.take()
        self.assertEqual([row["n"] for row in three[2]], [1, 2, 3, 4, 5])
        worker.finish(three, outcome="failed", kind="job", title="still")
        worker.finish(two)
        self.assert_ended(process, 3, "5 done, 5 failed")
        self.assert_purged()

    def test_two_of_them(self):
        process = self.batch()
        worker = self.played()
        for suffix in ("", "-wal"):
            shutil.copy(self.path("run.journal" + suffix), self.path("copy.journal" + suffix))
        other = self.start("resume", "copy.journal", env=self.env)
        self.assert_ended(other, 2, "another moonkey coordinates run")
        for _ in range(2):
            worker.finish(worker.take())
        self.assert_ended(process, 0, "10 done")

    def test_another_takes_over(self):
        process = self.batch()
        worker = self.played()
        self.redis.admin.set(worker.side.key("coordinator"), "another")
        self.assert_ended(process, 1, "another moonkey coordinates this run now (another)", "10 pending")
        self.assertEqual(self.redis.admin.get(worker.side.key("coordinator")), "another")
        self.assertEqual(len(self.entries(worker.side.run, "chunks")), 2)

    def test_a_journal_that_cannot_be_written(self):
        process = self.batch()
        worker = self.played()
        one, two = worker.take(), worker.take()
        other = sqlite3.connect(self.path("run.journal"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        worker.finish(one)
        self.wait_for(lambda: self.redis.admin.hget(worker.side.key("run"), "state") == "halted")
        worker.finish(two, outcome="pending")
        self.assert_ended(process, 1, "the journal cannot be written")
        other.close()
        self.assertEqual(len(self.entries(worker.side.run)), 2)
        self.redis.admin.delete(worker.side.key("coordinator"))
        process = self.again("resume")
        worker.finish(worker.take())
        self.assert_ended(process, 0, "10 done")
        self.assert_all()


class Elsewhere(Case):
    """A run that leaves its queue."""

    def begin(self):
        """Of its three chunks, one is reported, one is held, and one nobody has taken; its coordinator is gone."""
        process = self.coordinate("batch", self.rows(), "--chunk", "4")
        worker = self.played()
        worker.beat()
        one, two = worker.take(), worker.take()
        self.wait_for(lambda: self.journal("SELECT value FROM run WHERE key = 'queue_lease'"), "the worker is not seen")
        self.freeze(process)
        worker.finish(one)
        self.kill(process)
        return worker, two

    def test_without_a_queue(self):
        worker, two = self.begin()
        process = self.again("resume", "--no-queue")
        self.wait_for(lambda: self.redis.admin.hget(worker.side.key("run"), "state") == "halted")
        results = [worker.result(row, outcome="pending" if row["n"] > 6 else "done") for row in two[2]]
        self.assertEqual(worker.finish(two, json.dumps({"results": results, "changes": 2, "retries": 0})), "ok")
        self.assert_ended(process, 0, "10 done", "6 of them before")
        self.assert_all()
        self.assert_purged()
        self.assertEqual([self.token(self.api.env, self.id(n))["name"] for n in (8, 11)], ["Row 7", "Row 10"])
        self.assertNotEqual(self.token(self.api.env, self.id(7))["name"], "Row 6")  # it was done by the worker, who only said so
        self.assertEqual(self.journal("SELECT value FROM run WHERE key = 'writes'"), [(10,)])

    def test_workers_that_are_gone(self):
        worker, two = self.begin()
        process = self.again("resume", "--no-queue")
        self.assert_ended(process, 0, "4 rows were held by workers that are gone", "10 done", "4 of them before")
        self.assert_all()
        self.assertEqual(worker.finish(two), "gone")

    def test_on_another_queue(self):
        worker, two = self.begin()
        with server.Redis(users=scripts.users()) as other:
            process = self.again("resume", "--queue", other.url("coordinator"))
            self.wait_for(lambda: self.redis.admin.hget(worker.side.key("run"), "state") == "halted")
            worker.finish(two)
            hired = self.start("worker", "--queue", other.url("worker"), env=self.workers)
            self.assert_ended(process, 0, "10 done", "8 of them before")
            hired.send_signal(signal.SIGTERM)
            self.assert_ended(hired, 143)
        self.assert_all()
        self.assert_purged()

    def test_at_another_address(self):
        worker, two = self.begin()
        link = proxy.Link(self.redis.port)
        self.addCleanup(link.close)
        process = self.again("resume", "--queue", self.redis.url("coordinator", link.port))
        worker.finish(two)
        worker.finish(worker.take())
        self.assert_ended(process, 0, "10 done, 0 failed in")
        self.assert_all()

    def test_a_queue_that_is_gone(self):
        with server.Redis(users=scripts.users()) as other:
            process = self.start("batch", self.rows(), "--queue", other.url("coordinator"), "--journal", "run.journal", env=self.env)
            self.wait_for(lambda: other.admin.exists("moonkey:runs"))
            self.kill(process)
        for flags in (["--no-queue"], ["--queue", self.redis.url("coordinator")]):
            self.assert_ended(self.again("resume", *flags), 2, "--queue-lost", "workers may be at rows of run")
        self.assert_ended(self.again("resume", "--no-queue", "--queue-lost"), 0, "10 done")
        self.assert_all()

    def test_what_cannot_be_meant(self):
        self.begin()
        self.assert_ended(self.again("resume", "--accept-changes"), 2, "are with workers still")
        self.assert_ended(self.again("resume", "--no-queue", "--queue", "redis://127.0.0.1"), 2, "exclude each other")
        for flags, said in ((["--emulator"], "--queue and --emulator exclude each other"), (["--chunk", "0"], "--chunk 0"),
                            (["--read-only"], "nothing may be written here")):
            self.assert_ended(self.coordinate("batch", "rows.jsonl", *flags), 2, said)


class Redis(Case):
    """It forgets."""

    def restart(self):
        self.redis.kill()
        self.redis.start()

    def test_started_anew(self):
        process = self.batch()
        worker = self.played()
        worker.beat()
        one = worker.take()
        self.restart()
        worker.side.server = worker.side.client.info("server")["run_id"]
        self.assertEqual(worker.finish(one), "unvouched")
        self.wait_for(lambda: worker.beat() and worker.finish(one) == "ok", "nobody vouches for the server")
        worker.finish(worker.take())
        done = self.assert_ended(process, 0, "10 done")
        self.assertEqual(done.err.count("the server was started anew"), 1, done.err)
        self.assert_all()

    def test_it_forgets_that_the_run_goes_on(self):
        process = self.batch()
        worker = self.played()
        worker.beat()
        self.redis.admin.hset(worker.side.key("run"), mapping={"state": "closing", "rate": "7"})
        self.restart()
        worker.side.server = worker.side.client.info("server")["run_id"]
        self.wait_for(lambda: worker.beat()[0] == "open", "workers take nothing")
        self.assertEqual(self.redis.admin.hget(worker.side.key("run"), "rate"), "0")
        for _ in range(2):
            worker.finish(worker.take())
        self.assert_ended(process, 0, "10 done")

    def test_a_chunk_that_vanishes(self):
        process = self.batch()
        worker = self.played()
        one, two = worker.take(), worker.take()
        for chunk in (one, two):
            self.redis.admin.xack(worker.side.key("chunks"), "workers", chunk[0])
            self.redis.admin.xdel(worker.side.key("chunks"), chunk[0])
            self.redis.admin.hdel(worker.side.key("sizes"), chunk[0])
        again = [worker.take(), worker.take()]
        self.assertEqual([chunk[0] for chunk in again], ["1-3", "1-4"])  # its own id is not above all any more
        self.assertEqual(worker.finish(one), "lost")
        comes_back = {"kind": "rows", "chunk": "1-1", "consumer": "x", "body": worker.report(one[2], outcome="failed", kind="job")}
        self.redis.admin.xadd(worker.side.key("results"), comes_back)
        for chunk in again:
            worker.finish(chunk)
        self.assert_ended(process, 0, "10 done, 0 failed")
        self.assert_all()
        self.assert_purged()

    def test_a_chunk_that_comes_back(self):
        process = self.batch()
        worker = self.played()
        one, two = worker.take(), worker.take()
        worker.finish(one)
        self.wait_for(lambda: len(self.states()) == 5)
        self.redis.admin.hset(worker.side.key("sizes"), one[0], 5)
        self.redis.admin.client_kill_filter(_type="normal", skipme=True)  # it compares
        self.wait_for(lambda: not self.redis.admin.hexists(worker.side.key("sizes"), one[0]), "it is not removed")
        worker.side.client.connection_pool.disconnect()
        worker.finish(two)
        self.assert_ended(process, 0, "10 done")
        self.assert_all()

    def test_it_forgets_everything(self):
        process = self.batch()
        worker = self.played()
        worker.beat()
        one = worker.take()
        worker.finish(one)
        self.wait_for(lambda: len(self.states()) == 5)
        worker.take()
        self.wait_for(lambda: self.journal("SELECT value FROM run WHERE key = 'queue_lease'"), "the worker is not seen")
        self.redis.admin.flushall()
        self.wait_for(lambda: worker.beat()[0] != "gone")
        chunk = worker.take()
        self.assertEqual([row["n"] for row in chunk[2]], [6, 7, 8, 9, 10])
        worker.finish(chunk)
        self.assert_ended(process, 0, "10 done, 0 failed")
        self.assert_all()
        self.assert_purged()

    def test_it_forgets_everything_and_so_does_the_coordinator(self):
        process = self.batch()
        worker = self.played()
        worker.beat()
        one = worker.take()
        worker.finish(one)
        self.wait_for(lambda: len(self.states()) == 5 and self.journal("SELECT value FROM run WHERE key = 'queue_lease'"))
        self.kill(process)
        self.redis.admin.flushall()
        process = self.again("resume")
        chunk = self.played().take()
        self.assertEqual([row["n"] for row in chunk[2]], [6, 7, 8, 9, 10])
        worker.finish(chunk)
        self.assert_ended(process, 0, "10 done", "5 of them before", "after 1 s at most")
        self.assert_all()

    def test_intents_are_told_again(self):
        process = self.batch()
        worker = self.played()
        worker.beat()
        one = worker.take()
        worker.note(one, 2, intent="POST /x")
        self.assertEqual(worker.ack()[0]["row"], 2)
        self.redis.admin.flushall()
        self.wait_for(lambda: worker.beat()[0] not in ("gone", "unvouched"))
        again = worker.take()
        self.assertEqual(again[3], {"2": "POST /x"})
        worker.finish(again)
        worker.finish(worker.take())
        self.assert_ended(process, 0)

    def test_who_announced_it_is_forgotten(self):
        """Redis knows another again as who has the chunk, and the coordinator is a new one."""
        process = self.batch()
        worker, other = self.played(), self.played("other")
        worker.beat()
        one, two = worker.take(), worker.take()
        self.wait_for(lambda: self.journal("SELECT value FROM run WHERE key = 'queue_lease'"), "the worker is not seen")
        self.redis.admin.xclaim(worker.side.key("chunks"), "workers", "other", 0, [one[0]], retrycount=1)
        for row in (1, 2):
            other.note(one, row, intent="POST /x")
            other.ack()
        self.wait_for(lambda: not self.entries(worker.side.run), "what was announced is met again")
        self.kill(process)
        self.redis.admin.xclaim(worker.side.key("chunks"), "workers", "played", 0, [one[0]], retrycount=1)
        self.redis.wait_until_written()
        self.redis.kill()
        self.redis.start()
        process = self.again("resume")
        worker = self.played()
        worker.announced |= {1, 2}
        results = [worker.result(row, outcome="done" if row["n"] == 2 else "pending") for row in one[2]]
        self.wait_for(lambda: worker.finish(one, json.dumps({"results": results})) == "ok", "nobody vouches for it")
        worker.finish(two)
        chunk = worker.take()
        self.assertEqual([row["n"] for row in chunk[2]], [3, 4, 5])
        worker.finish(chunk)
        self.assert_ended(process, 3, "9 done", "1 unknown")
        self.assertEqual(self.states()[1], "unknown")

    def test_real_workers_while_it_is_killed(self):
        self.write("rows.jsonl", "".join(json.dumps({"id": self.id(2 + n % 250), "name": f"Row {n}"}) + "\n" for n in range(1000)))
        hired = [self.hire("-j", "4") for _ in range(2)]
        process = self.coordinate("batch", "rows.jsonl", "--chunk", "5", "--rate", "300/s")
        self.run_id()
        for count in (150, 450):
            self.wait_for(lambda most=count: len(self.states()) > most)
            self.redis.kill_and_forget(0.5)
            self.redis.start()
        self.assert_ended(process, 0, "1,000 done, 0 failed")
        self.assert_all(count=1000)
        for n in (2, 100, 251):
            last = max(k for k in range(1000) if 2 + k % 250 == n)
            self.assertEqual(self.token(self.api.env, self.id(n))["name"], f"Row {last}")
        for worker in hired:
            worker.send_signal(signal.SIGTERM)
            self.assert_ended(worker, 143)
        self.assert_purged()


if __name__ == "__main__":
    harness.main()
