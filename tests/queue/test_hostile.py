"""Whoever may write to the Redis of a queue may write anything: what is not moonkey's is told of, and harms nobody beyond the rows that
it is about.

  python3 test_hostile.py MOONKEY [unittest's arguments]
"""
import hashlib
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import batch_case  # noqa: E402
import worker_case  # noqa: E402
from batch_case import harness  # noqa: E402


class Worker(worker_case.Case):
    """Chunks that no coordinator has made."""

    def put(self, run, text, count=1, fields=None):
        run.sequence += 1
        chunk = f"1-{run.sequence}"
        if fields:
            run.boss.client.xadd(run.boss.key("chunks"), fields, id=chunk)
        else:
            self.assertEqual(run.boss("add", chunk, text, count), "ok")
        return chunk

    def test_chunks_that_are_none(self):
        run = self.begin()
        row = {"n": 1, "l": 1, "r": {"id": self.id(2), "name": "x"}}
        twice = [row, row]
        texts = ["", "[", "5", "null", "[]", "{}", "[5]", "[null]", '"\xff"', json.dumps(twice), 70 * "[" + 70 * "]",
                 json.dumps([{**row, "n": "1"}]), json.dumps([{**row, "n": 2**63}]), json.dumps([{**row, "l": {}}]),
                 json.dumps([{**row, "r": []}]), json.dumps([{**row, "h": 5}]),
                 json.dumps([{**row, "p": 1, "r": {"id": self.id(2), "changes": 5}}]),
                 json.dumps([{**row, "p": 1, "r": {"id": self.id(2), "changes": None}}])]
        for text in texts:
            self.put(run, text)
        self.put(run, None, fields={"x": "y"})
        run.add([self.row(3)])  # 1-20
        worker = self.hire()
        self.wait_for(lambda: "1-20" in run.reports(), "the worker is of no use any more")
        done = self.end(worker)
        self.assertEqual(done.code, 143, done.err)
        self.assertEqual(sorted(run.reports()), ["1-15", "1-16", "1-20"])  # an empty row fails, and a hash is none of a worker's business
        self.assertIn("chunk 1-10: the chunk is not what moonkey writes: row 1 is in it twice; it is left to others", done.err)

    def test_an_intent_of_no_row(self):
        run = self.begin()
        chunk = run.add([self.row(3), self.row(4)])
        self.redis.admin.hset(run.boss.key("intents"), mapping={f"{chunk}/x": "POST /x", f"{chunk}/1e999": "POST /x", f"{chunk}/4": "POST /4"})
        done = self.work("--drain")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(run.outcomes(), {3: "done", 4: "unknown"})


class Job(worker_case.Case):
    """What a job says may be anything, too."""

    def begin_job(self):
        with open(self.path("job.lua"), "rb") as f:
            return self.begin(job=hashlib.sha256(f.read()).hexdigest(), job_name="job.lua")

    def test_errors_and_values_that_are_no_json(self):
        self.write("job.lua", """
          local raise = {
            function() error{ title = "\\xff", errors = { { field = "a", message = "b" } } } end,
            function() error{ title = "t", errors = { { field = "a", message = "\\xff" } } } end,
            function() error{ title = "t", kind = ("k"):rep(1e6), trace_id = ("t"):rep(1e6) } end,
            function()
              local list = {}
              for i = 1, 1e4 do list[i] = { field = "f", message = ("m"):rep(1e4) } end
              error{ title = "t", errors = list }
            end,
            function() return setmetatable({ print }, { __tostring = function() error("no") end }) end,
            function() return "\\xff" end,
            function() error(("x"):rep(4083) .. row_with_secret) end,
          }
          return function(row)
            row_with_secret = row.text:reverse()
            return raise[row.n] and raise[row.n]() or "fine"
          end""")
        run = self.begin_job()
        secret = self.env["MPT_API_TOKEN"]
        chunk = run.add([(n, {"n": n, "text": secret[::-1]}) for n in range(1, 9)])
        done = self.work("--job", "job.lua", "--drain", "--no-strict", lease="15s")
        self.assertEqual(done.code, 0, done.err)
        results = run.results()
        self.assertEqual(run.outcomes(), {1: "failed", 2: "failed", 3: "failed", 4: "failed", 5: "done", 6: "done", 7: "failed", 8: "done"})
        self.assertLess(len(json.dumps(run.reports()[chunk])), 300000)
        self.assertEqual(results[1]["errors"], [{"field": "a", "message": "b"}])
        self.assertEqual(results[2]["errors"][0]["message"], "(not UTF-8)")
        self.assertNotIn(secret[-64:-56], json.dumps(results[7]))

    def test_values_that_are_nested_deep(self):
        """Beyond 128 levels no JSON is read, and so no report of a chunk with one such value."""
        self.write("job.lua", """
          return function(row)
            local value = {}
            for _ = 2, row.levels do value = { value } end
            return value
          end""")
        run = self.begin_job()
        run.add([(n, {"levels": n}) for n in range(120, 130)])
        done = self.work("--job", "job.lua", "--drain")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(run.outcomes(), {n: "done" for n in range(120, 130)})
        self.assertIsInstance(run.results()[125]["value"], list)
        self.assertRegex(run.results()[126]["value"], "^table: ")

    def long_errors(self, character, seconds):
        self.write("job.lua", f"""
          local task = require "moonkey.task"
          return function(row)
            task.sleep({seconds})
            local list, text = {{}}, ("{character}"):rep(4096)
            for i = 1, 50 do list[i] = {{ field = text, message = text }} end
            return nil, {{ title = "t", errors = list }}
          end""")
        return self.begin_job()

    def test_results_that_are_long_together(self):
        run = self.long_errors("m", 0)
        chunk = run.add([(n, {"n": n}) for n in range(1, 31)])
        done = self.work("--job", "job.lua", "--drain", "-j", "2", lease="15s")
        self.assertEqual(done.code, 0, done.err)
        body = run.entries()[0]["body"]
        self.assertLess(len(body), 6e6)
        outcomes = [r["outcome"] for r in run.reports()[chunk]["results"]]
        self.assertEqual((outcomes.count("failed") in (11, 12), outcomes.count("pending") in (18, 19)), (True, True), outcomes)

    def test_results_that_are_too_long_at_once(self):
        """A command for Redis has at most 64 MiB, and a text grows where it is written as JSON."""
        run = self.long_errors("\\1", 0.5)
        chunk = run.add([(n, {"n": n}) for n in range(1, 16)])
        done = self.work("--job", "job.lua", "--drain", "-j", "15", lease="15s")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("are left out", done.err)
        self.assertEqual([r["outcome"] for r in run.reports()[chunk]["results"]], 15 * ["failed"])


class Coordinator(batch_case.Case):
    """Reports and notes that no worker has sent."""

    def xadd(self, run, **fields):
        self.redis.admin.xadd(f"moonkey:{{{run}}}:results", fields)

    def report(self, worker, chunk, **more):
        return json.dumps({"results": [worker.result(row, **more) for row in chunk[2]], "changes": 1, "retries": 0})

    def end(self, process, worker):
        """The played worker does what there is, until the run is over."""
        while process.poll() is None:
            chunk = worker.take_now(limit=0.5)
            if chunk:
                worker.finish(chunk)

    def test_entries_without_what_belongs_to_them(self):
        process = self.batch()
        worker = self.played()
        for fields in ({"x": "y"}, {"kind": "rows"}, {"kind": "note", "chunk": "1-1"}, {"kind": "note", "chunk": "1-1", "body": "{}"},
                       {"kind": "dead", "body": ""}, {"kind": "rows", "chunk": "9-9", "consumer": "x", "body": "{}"}):
            self.xadd(worker.side.run, **fields)
        self.end(process, worker)
        self.assert_ended(process, 0, "10 done, 0 failed")
        self.assert_all()

    def test_what_the_journal_could_not_be_read_again_with(self):
        """Changes are believed by `report` and `undo`, so they are looked at before they are in the journal."""
        process = self.coordinate("batch", self.rows(10), "--chunk", "1", "--undoable")
        worker = self.played()
        named = {"field": "name", "from": "a", "to": "b"}
        changes = [[1], {"a": 1}, [{**named, "field": 5}], [{**named, "field": "status"}], [{"field": "name"}],
                   [{"field": "modules", "from": 5, "to": []}], [{"field": "modules", "from": [{}], "to": []}]]
        for one in changes:
            chunk = worker.take()
            worker.note(chunk, chunk[2][0]["n"], changes=one)
            self.assertEqual(worker.ack()[0]["message"], "the note is not what moonkey writes")
            worker.finish(chunk, self.report(worker, chunk, changes=one))
        chunk = worker.take()
        worker.finish(chunk, outcome="failed", title="t" * 100000)
        chunk = worker.take()
        worker.finish(chunk, self.report(worker, chunk, changes=[named, {"field": "modules", "from": [], "to": ["MOD-1756"]}]))
        self.end(process, worker)
        self.assert_ended(process, 3, "2 done, 8 failed", "the report is not what moonkey writes")
        self.assertEqual(len(self.journal("SELECT * FROM changes")), 1)
        for args in (["runs", "show"], ["runs", "results"], ["report"], ["undo", "--dry-run"]):
            done = self.run_moonkey(*args, "run.journal", env=self.env)
            self.assertNotIn("traceback", done.err)
            self.assertIn(done.code, (0, 5), done.err)

    def test_a_worker_that_says_nonsense_of_itself(self):
        process = self.batch()
        worker = self.played()
        worker.beat()
        now = round(time.time() * 1000)
        for name, facts in (("one", '{"lease":"nan","at":"nan"}'), ("two", f'{{"lease":1000,"at":{now},"rate":1e999,"x":nan}}'),
                            ("three", f'{{"lease":1e300,"at":{now}}}'), ("four", "")):
            self.redis.admin.hset(worker.side.key("workers"), name, facts)
        self.wait_for(lambda: not {"one", "three", "four"} & set(self.redis.admin.hkeys(worker.side.key("workers"))), "they stay")
        self.end(process, worker)
        done = self.assert_ended(process, 0, "10 done, 0 failed")
        self.assertNotIn("refused", done.err)

    def lose_chunks(self, worker, top):
        """The stream has come to `top`, and has nothing of what was in it."""
        chunks, sizes = worker.side.key("chunks"), worker.side.key("sizes")
        ids = [entry[0] for entry in self.redis.admin.xrange(chunks)]
        self.redis.admin.xadd(chunks, {"x": "[]"}, id=top)
        self.redis.admin.xdel(chunks, top, *ids)
        self.redis.admin.hdel(sizes, *ids)
        self.redis.admin.hset(sizes, "no id", "5")

    def test_an_id_that_is_higher_than_all(self):
        process = self.batch()
        worker = self.played()
        self.wait_for(lambda: len(self.entries(worker.side.run, "chunks")) == 2)
        self.lose_chunks(worker, "777-1")
        again = [worker.take(), worker.take()]
        self.assertEqual([chunk[0] for chunk in again], ["778-3", "778-4"])
        worker.finish(again[0])
        process.send_signal(signal.SIGINT)
        self.wait_for(lambda: worker.beat()[0] == "closing")
        worker.finish(again[1])
        self.assert_ended(process, 130, "10 done, 0 failed")

    def test_an_id_that_nothing_can_come_behind(self):
        process = self.batch()
        worker = self.played()
        self.wait_for(lambda: len(self.entries(worker.side.run, "chunks")) == 2)
        self.lose_chunks(worker, "18446744073709551615-1")
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        said = "has a chunk 18446744073709551615-1 at the queue: no moonkey has put it there"
        self.assert_ended(process, 130, said)
        self.redis.admin.delete(worker.side.key("coordinator"))
        self.assert_ended(self.again("resume"), 2, said, "--force")


if __name__ == "__main__":
    harness.main()
