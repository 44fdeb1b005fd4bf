"""`moonkey batch --queue`: its coordinator, against a real Redis; with real workers, and with one that the test plays."""
import functools
import json
import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from batch_case import Case, harness  # noqa: E402


class Plain(Case):
    def test_rows_are_done_by_workers(self):
        rows = [{"id": self.id(n), "name": f"Row {n}"} for n in range(2, 42)] + [{"id": "TKN-9999-0001", "name": "None"}, {"name": "No id"}]
        self.write("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        hired = [self.hire() for _ in range(2)]
        done = self.assert_ended(self.coordinate("batch", "rows.jsonl", "--chunk", "5", "-o", "jsonl"), 3, "40 done, 2 failed", "404 Not Found")
        results = {r["row"]: r for r in done.results()}
        self.assertEqual(len(done.results()), 42)
        self.assertEqual([results[n]["outcome"] for n in (1, 40, 41, 42)], ["done", "done", "failed", "failed"])
        self.assertEqual((results[42]["kind"], results[41]["status"]), ("row", 404))
        self.assertEqual(self.journal("SELECT value FROM run WHERE key IN ('rows', 'writes') ORDER BY key"), [(42,), (41,)])
        self.assertEqual(self.journal("SELECT count(*) FROM rows WHERE hash IS NULL"), [(0,)])
        self.assertEqual(self.token(self.api.env, self.id(41))["name"], "Row 41")
        self.assert_purged()
        for worker in hired:
            worker.send_signal(signal.SIGTERM)
            self.assert_ended(worker, 143)

    def test_rows_of_one_id_end_in_file_order(self):
        ids = [2, 3, 2, 2, 4, 2, 3, 2, 2, 2]
        process = self.coordinate("batch", self.rows(ids=ids), "--chunk", "2")
        workers = [self.played(name) for name in ("one", "two", "three")]
        seen, held = [], []
        while len(seen) < len(ids):
            worker = workers[len(seen) % 3]
            chunk = worker.take_now()
            if not chunk:  # all that could be given out are
                self.wait_for(lambda: held, "nothing is given out")
                who, done = held.pop(0)
                self.assertEqual(who.finish(done), "ok")
                continue
            for _, other in held:  # what is out at the same time has no id in common
                self.assertFalse({row["r"]["id"] for row in other[2]} & {row["r"]["id"] for row in chunk[2]})
            held.append((worker, chunk))
            seen += [row["n"] for row in chunk[2]]
        for n in (2, 3):
            mine = [row for row in seen if ids[row - 1] == n]
            self.assertEqual(mine, sorted(mine))
        for who, done in held:
            who.finish(done)
        self.assert_ended(process)
        self.assert_all()

    def test_a_row_with_a_credential_is_not_queued(self):
        self.write("rows.jsonl", json.dumps({"id": self.id(2), "name": "idt:TKN-0000-0009:" + 64 * "s"}) + "\n")
        self.assert_ended(self.coordinate("batch", "rows.jsonl"), 3, "it has a credential in it")
        self.assertEqual(self.states(), {1: "failed"})

    def test_files_of_the_url_are_found_from_elsewhere(self):
        url = self.redis.url("coordinator") + "?cacert={}a%26b.pem&cert=/c.pem"
        process = self.start("batch", self.rows(), "--queue", url.format(""), "--journal", "run.journal", env=self.env)
        self.run_id()
        process.send_signal(signal.SIGINT)
        self.assert_ended(process, 130)
        (options,), = self.journal("SELECT value FROM run WHERE key = 'options'")
        self.assertEqual(json.loads(options)["queue"], url.format(os.path.realpath(self.dir) + "/"))

    def test_what_workers_have_to_know(self):
        self.write("job.lua", "return function(row) return row.id end")
        process = self.coordinate("batch", self.rows(), "--job", "job.lua", "--rate", "90/m", "--dry-run")
        run = self.run_id()
        facts = self.redis.admin.hgetall(f"moonkey:{{{run}}}:run")
        expected = {"format": "1", "job_name": "job.lua", "dry_run": "1", "rate": "1.5", "target": self.api.url, "state": "open"}
        self.assertEqual({name: facts[name] for name in expected}, expected)
        self.assertEqual(len(facts["job"]), 64)
        worker = self.hire("--job", "job.lua", "--dry-run", "--drain")
        self.assert_ended(process, 0, "10 done", "dry run")
        self.assert_ended(worker)

    def test_without_a_worker(self):
        self.write("job.lua", "return function() end")
        process = self.batch("--job", "job.lua", "--dry-run")
        self.run_id()
        time.sleep(5.5)
        process.send_signal(signal.SIGINT)
        start = f"moonkey worker --queue redis://USER@127.0.0.1:{self.redis.port}/0 --job job.lua --dry-run"
        err = self.assert_ended(process, 130, f"no worker: start one with `{start}`\n", "0%: no worker; 0 done").err
        self.assertEqual(err.count("moonkey worker"), 1, err)
        self.assertEqual(self.states(), {})
        self.assert_purged()


    def test_a_right_that_its_user_has_not_is_told_once(self):
        may_read = functools.partial(self.redis.admin.acl_setuser, "coordinator", enabled=True)
        self.addCleanup(may_read, commands=["+xread"])
        may_read(commands=["-xread"])
        process = self.batch()
        time.sleep(4)
        may_read(commands=["+xread"])
        process.send_signal(signal.SIGINT)
        err = self.assert_ended(process, 130, "refused XREAD: NOPERM").err
        self.assertEqual((err.count("NOPERM"), err.count("answers again")), (1, 0), err)

    def test_workers_that_are_not_heard_of_any_more_are_not_counted(self):
        process = self.batch()
        alive, dead = self.played("alive"), self.played("dead")
        dead.beat(lease=1500, rate=7)
        for _ in range(28):
            alive.beat(lease=60000, rate=5)
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        alive.leave()
        self.assert_ended(process, 130, "done, 0 failed, 0/s, 1 worker: 5.0/s\n")


class Reports(Case):
    """What workers say, and when."""

    def test_a_report_that_comes_back_counts_once(self):
        process = self.batch("--results", "results.jsonl")
        worker = self.played()
        one, two = worker.take(), worker.take()
        self.assertEqual(worker.finish(one), "ok")
        self.wait_for(lambda: not self.entries(worker.side.run), "the report is not removed")
        again = {"kind": "rows", "chunk": one[0], "consumer": "played", "body": worker.report(one[2], outcome="failed")}
        self.redis.admin.xadd(f"moonkey:{{{worker.side.run}}}:results", again)
        worker.finish(two)
        self.assert_ended(process, 0, "10 done, 0 failed")
        self.assert_all()
        self.assertEqual(len(self.read("results.jsonl").splitlines()), 10)
        self.assertEqual(self.journal("SELECT value FROM run WHERE key = 'writes'"), [(10,)])

    def test_rows_that_are_handed_back_are_given_out_anew(self):
        process = self.batch()
        worker = self.played()
        chunk = worker.take()
        results = [worker.result(row, outcome="pending" if row["n"] % 2 else "done") for row in chunk[2]]
        worker.finish(chunk, json.dumps({"results": results, "changes": 2, "retries": 0}))
        back = []
        for _ in range(2):
            chunk = worker.take()
            back += [row["n"] for row in chunk[2]]
            worker.finish(chunk)
        self.assertEqual(sorted(back), [1, 3, 5, 6, 7, 8, 9, 10])
        self.assert_ended(process, 0, "10 done, 0 failed")
        self.assert_all()

    def test_a_report_of_rows_that_are_not_its_chunks(self):
        process = self.batch()
        worker = self.played()
        one, two = worker.take(), worker.take()
        foreign = [worker.result(row, outcome="failed", kind="job", title="x") for row in two[2]]
        results = foreign + 2 * [worker.result(row) for row in one[2]]
        worker.finish(one, json.dumps({"results": results, "changes": 5, "retries": 0}))
        worker.finish(two)
        self.assert_ended(process, 0, "10 done, 0 failed")
        self.assert_all()

    def test_nonsense_fails_its_rows(self):
        process = self.batch()
        worker = self.played()
        worker.finish(worker.take(), '{"results":[{"row":1,"outcome":"fine"}]}')
        worker.finish(worker.take())
        self.assert_ended(process, 3, "5 done, 5 failed", "its result 1 is none")

    def test_a_chunk_that_nobody_can_do(self):
        process = self.batch()
        worker = self.played()
        first = worker.take(lease=1)
        for deliveries in range(2, 6):
            time.sleep(0.02)
            self.assertEqual(worker.take(lease=1)[:2], (first[0], deliveries))
        time.sleep(0.02)
        worker.finish(worker.take(lease=1))
        self.assert_ended(process, 3, "5 done, 5 failed", "given out 5 times", "no worker could report it")
        self.assertEqual(self.journal("SELECT DISTINCT kind FROM problems"), [("queue",)])


class Notes(Case):
    CHANGES = [{"field": "name", "from": "Before", "to": "After"}]

    def test_changes_are_in_the_journal_before_they_are_made(self):
        process = self.batch("--undoable")
        worker = self.played()
        one, two = worker.take(), worker.take()
        worker.note(one, 1, changes=self.CHANGES)
        self.assertEqual(worker.ack(), [{"chunk": one[0], "row": 1, "kind": "changes"}])
        self.assertEqual([json.loads(text) for _, text in self.journal("SELECT row, changes FROM changes")], [self.CHANGES])
        worker.note(one, 6, changes=self.CHANGES)
        self.assertIn("not under way", worker.ack()[0]["message"])
        # Whoever has it next finds the token as it is to be: then it is not unchanged.
        worker.finish(one, outcome="skipped")
        worker.finish(two, outcome="skipped")
        self.assert_ended(process, 0, "1 done, 9 unchanged")

    def test_undo(self):
        before = self.token(self.api.env, self.id(2))["name"]
        hired = self.hire()
        self.assert_ended(self.batch("--undoable"), 0, "10 done")
        self.assertEqual(self.token(self.api.env, self.id(2))["name"], "Row 1")
        undo = self.start("undo", "run.journal", "--yes", "--queue", self.redis.url("coordinator"), env=self.env)
        self.assert_ended(undo, 0, "10 done")
        self.assertEqual(self.token(self.api.env, self.id(2))["name"], before)
        self.assert_purged()
        hired.send_signal(signal.SIGTERM)
        self.assert_ended(hired, 143)

    def test_an_intent_is_left_open_while_a_worker_may_report_it(self):
        process = self.batch()
        worker = self.played()
        one, two = worker.take(), worker.take()
        for row in (1, 2):
            worker.note(one, row, intent="POST /x")
            self.assertEqual(worker.ack()[0]["kind"], "intent")
        worker.note(two, 6, intent="POST /x")
        worker.ack()
        self.kill(process)
        self.redis.admin.xack(worker.side.key("chunks"), "workers", two[0])  # this one is gone, and nobody can report it
        self.redis.admin.xdel(worker.side.key("chunks"), two[0])
        self.redis.admin.hdel(worker.side.key("sizes"), two[0])
        process = self.again("resume", "-o", "jsonl")
        self.wait_for(lambda: self.states().get(6) == "unknown", "the row whose chunk is gone is not settled")
        self.assertEqual([self.states()[n] for n in (1, 2)], ["new", "new"])
        worker.finish(one)
        chunk = worker.take()
        self.assertEqual([row["n"] for row in chunk[2]], [7, 8, 9, 10])
        worker.finish(chunk)
        self.assert_ended(process, 3, "9 done", "1 unknown")
        self.assertEqual([self.states()[n] for n in (1, 2, 6)], ["done", "done", "unknown"])

    def test_what_was_handed_back_was_not_announced(self):
        process = self.batch()
        worker = self.played()
        one, two = worker.take(), worker.take()
        worker.note(one, 1, intent="POST /x")
        worker.ack()
        self.assertEqual(self.states(), {1: "new"})
        worker.finish(one, outcome="pending")
        self.wait_for(lambda: self.states() == {}, "it is announced still")
        self.assertEqual(self.journal("SELECT * FROM intents"), [])
        worker.finish(two)
        worker.finish(worker.take())
        self.assert_ended(process, 0)
        self.assert_all()

    def test_what_another_has_announced_is_not_handed_back(self):
        """The server has forgotten that it gave the chunk to another, which has announced a write since, and may have sent it."""
        process = self.batch()
        worker, other = self.played(), self.played("other")
        one, two = worker.take(), worker.take()
        key, admin = worker.side.key("chunks"), self.redis.admin
        admin.xclaim(key, "workers", "other", 0, [one[0]], retrycount=1)
        self.assertEqual(other.note(one, 1, intent="POST /x"), "ok")
        other.note(one, 2, intent="POST /x")
        other.ack()
        admin.xclaim(key, "workers", "played", 0, [one[0]], retrycount=1)
        self.wait_for(lambda: self.states() == {1: "new", 2: "new"}, "it is not announced")
        results = [worker.result(row, outcome="failed" if row["n"] == 2 else "pending") for row in one[2]]
        worker.finish(one, json.dumps({"results": results}))
        worker.finish(two)
        chunk = worker.take()
        self.assertEqual([row["n"] for row in chunk[2]], [3, 4, 5])
        worker.finish(chunk)
        self.assert_ended(process, 3, "8 done", "2 unknown")
        self.assertEqual([self.states()[n] for n in (1, 2)], ["unknown", "unknown"])

    def test_what_two_have_announced_is_done_by_one(self):
        """The same, and the first announces it, too: it is not told that it may send it, which does not make it unsent."""
        process = self.batch()
        worker, other = self.played(), self.played("other")
        one, two = worker.take(), worker.take()
        key, admin = worker.side.key("chunks"), self.redis.admin
        admin.xclaim(key, "workers", "other", 0, [one[0]], retrycount=1)
        other.note(one, 1, intent="POST /x")
        self.assertNotIn("message", other.ack()[0])
        admin.xclaim(key, "workers", "played", 0, [one[0]], retrycount=1)
        worker.note(one, 1, intent="POST /x")
        self.assertIn("another worker has announced it", worker.ack()[0]["message"])
        worker.finish(one, outcome="pending")
        worker.finish(two)
        chunk = worker.take()
        self.assertEqual([row["n"] for row in chunk[2]], [2, 3, 4, 5])
        worker.finish(chunk)
        self.assert_ended(process, 3, "9 done", "1 unknown")
        self.assertEqual(self.states()[1], "unknown")


class Stopping(Case):
    def test_ctrl_c_takes_back_what_nobody_has(self):
        process = self.batch()
        worker = self.played()
        worker.beat()
        one = worker.take()
        process.send_signal(signal.SIGINT)
        run = worker.side.run
        self.wait_for(lambda: self.redis.admin.hget(f"moonkey:{{{run}}}:run", "state") == "closing")
        self.wait_for(lambda: len(self.entries(run, "chunks")) == 1, "the other chunk is not taken back")
        worker.finish(one)
        self.assert_ended(process, 130, "5 done, 0 failed, 5 pending", "resume")
        self.assert_purged()
        process = self.again("resume")
        worker = self.played()
        chunk = worker.take()
        self.assertEqual([row["n"] for row in chunk[2]], [6, 7, 8, 9, 10])
        self.assertEqual(chunk[0], "2-1")
        worker.finish(chunk)
        self.assert_ended(process, 0, "10 done", "5 of them before")
        self.assert_all()

    def test_ctrl_c_waits_no_longer_than_the_lease(self):
        process = self.batch()
        worker = self.played()
        worker.beat()
        one = worker.take()
        self.wait_for(lambda: self.journal("SELECT value FROM run WHERE key = 'queue_lease'"), "the worker is not seen")
        process.send_signal(signal.SIGINT)
        self.assert_ended(process, 130, "10 pending", "for 1 s at most", "with the queue still")
        self.assertEqual(worker.finish(one), "ok")
        self.redis.admin.delete(worker.side.key("coordinator"))
        process = self.again("resume", "-o", "jsonl")
        worker.finish(worker.take())
        done = self.assert_ended(process, 0, "10 done")
        self.assertEqual(len(done.results()), 10)
        self.assert_all()
        self.assert_purged()

    def test_the_halt_rule(self):
        process = self.batch("--halt", "fail=2", chunk=2)
        worker = self.played()
        one, two = worker.take(), worker.take()
        worker.finish(one, outcome="failed", kind="job", title="it cannot be")
        self.wait_for(lambda: self.redis.admin.hget(worker.side.key("run"), "state") == "halted")
        worker.finish(two, outcome="pending")
        self.assert_ended(process, 5, "2 of 2 rows failed", "8 pending")
        self.assertEqual(self.states(), {1: "failed", 2: "failed"})
        self.assert_purged()

    def test_no_worker_is_authorised(self):
        process = self.batch()
        worker = self.played()
        worker.beat()
        one = worker.take()
        report = json.loads(worker.report(one[2], outcome="pending", changes=0))
        worker.finish(one, json.dumps({**report, "stopped": "auth"}))
        worker.leave()
        self.assert_ended(process, 4, "no worker is left", "refused its credential (401)")
        self.assertEqual(self.states(), {})

    def test_by_what_a_worker_has_ended(self):
        secret = self.api.env["MPT_API_TOKEN"]
        self.write("job.lua", f"return {{ setup = function() error('no setup with {secret}') end, job = function() end }}")
        process = self.batch("--job", "job.lua")
        run = self.run_id()
        for _ in range(2):
            self.assert_ended(self.hire("--job", "job.lua"), 1, "no setup with")
        status = self.run_moonkey("queue", "status", run, "--queue", self.redis.url("coordinator"), env=self.env).out
        self.assertRegex(status, "The last worker that ended by an error: [^ ]+ .*job.lua:1: no setup with")
        self.assertNotIn(secret[-40:], status)
        for _ in range(2):  # it has looked at the run, and at what it saw
            key = f"moonkey:{{{run}}}:coordinator"
            self.redis.admin.delete(key)
            self.wait_for(lambda: self.redis.admin.exists(key))
        process.send_signal(signal.SIGINT)
        err = self.assert_ended(process, 130).err
        self.assertRegex(err, "warning: worker [^ ]+ has ended: .*job.lua:1: no setup with")
        self.assertEqual(err.count("has ended:"), 1)

    def test_cancelled(self):
        process = self.batch()
        run = self.run_id()
        self.redis.admin.hset(f"moonkey:{{{run}}}:run", "state", "cancelled")
        self.assert_ended(process, 5, "`moonkey queue cancel` has ended the run")
        self.assert_purged()

    def test_no_more_writes_than_permitted(self):
        process = self.batch("--max-changes", "6", chunk=4)
        worker = self.played()
        one, two = worker.take(), worker.take()
        self.assertEqual((len(one[2]), len(two[2])), (4, 2))
        worker.finish(one, changes=1)
        three = worker.take()
        self.assertEqual(len(three[2]), 3)
        worker.finish(two)
        worker.finish(three)
        self.assert_ended(process, 5, "--max-changes permits no more writes", "9 done")
        self.assertEqual(self.journal("SELECT value FROM run WHERE key = 'writes'"), [(6,)])


if __name__ == "__main__":
    harness.main()
