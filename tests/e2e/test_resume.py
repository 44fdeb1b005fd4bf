"""Runs that go on: resume, retry, runs, --accept-changes, against an emulator that outlives them."""
import json
import os
import signal
import socket
import sqlite3
import time

from harness import Case, Emulator, main

ROWS = 600


class Resume(Case):
    def setUp(self):
        super().setUp()
        self.emulator = Emulator(self, "--seed", "1000", "--data", "tokens.db")

    def tearDown(self):
        for place, _, names in os.walk(self.path(".local")):
            for name in names:
                with open(os.path.join(place, name), "rb") as f:
                    self.said.append(f.read())
        super().tearDown()

    def moonkey(self, *args, **more):
        return self.run_moonkey(*args, env=self.emulator.env, **more)

    def rows(self, count=ROWS, name="rows.jsonl", change="new", more=()):
        lines = [json.dumps({"id": f"TKN-0000-{n:04d}", "name": f"{change} {n}"}) for n in range(1, count + 1)]
        return self.write(name, "".join(line + "\n" for line in [*lines, *more]))

    def journal(self, run="last"):
        directory = self.path(".local/state/moonkey/runs")
        names = sorted(name for name in os.listdir(directory) if name.endswith(".journal"))
        return os.path.join(directory, names[-1] if run == "last" else run + ".journal")

    def recorded(self):
        with sqlite3.connect(f"file:{self.journal()}?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM rows WHERE state <> 0").fetchone()[0]

    def kill_after(self, recorded, *args, signo=signal.SIGKILL):
        """Begin a run, and end it once so many rows are recorded."""
        process = self.start(*args, env=self.emulator.env)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if self.recorded() >= recorded:
                    break
            except (FileNotFoundError, IndexError, sqlite3.OperationalError):
                pass
            time.sleep(0.01)
        process.send_signal(signo)
        return self.finish(process)

    def names_in_emulator(self):
        script = self.write("names.lua", """
            for i = 1, tonumber(arg[1]) do print((token.get(("TKN-0000-%04d"):format(i)).name)) end""")
        return self.moonkey("run", script, str(ROWS)).out.split("\n")[:-1]

    def results(self, *args):
        return self.moonkey("runs", "results", "last", "-o", "jsonl", *args).results()

    # ---- resume

    def test_goes_on_after_a_kill(self):
        killed = self.kill_after(100, "batch", self.rows(), "--rate", "300/s", "-o", "jsonl")
        self.assertEqual(killed.code, -signal.SIGKILL)
        before = self.recorded()
        self.assertTrue(100 <= before < ROWS, before)
        self.assertRegex(self.moonkey("runs").out, r"broken off +\d+ done; rows.jsonl")
        told = killed.results() if killed.out.endswith("\n") or not killed.out else []
        self.assertTrue({r["row"] for r in told} <= {r["row"] for r in self.results()}, "told, but not recorded")

        done = self.moonkey("resume", "last", "-o", "jsonl", "--rate", "10000/s")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(len(done.results()), ROWS - before)
        self.assertIn(f"600 done, 0 failed, {before} of them before", done.err)
        self.assertEqual([r["row"] for r in self.results()], list(range(1, ROWS + 1)))
        self.assertEqual(self.names_in_emulator(), [f"new {n}" for n in range(1, ROWS + 1)])

    def test_goes_on_after_ctrl_c_and_says_how(self):
        ended = self.kill_after(50, "batch", self.rows(), "--rate", "300/s", signo=signal.SIGINT)
        self.assertEqual(ended.code, 130)
        self.assertRegex(ended.err, r"interrupted: .*; go on with `moonkey resume \d{8}-\d{6}-[a-z2-7]{4}`")
        self.assertRegex(self.moonkey("runs").out, r"interrupted +\d+ done; rows.jsonl")
        self.assertEqual(self.moonkey("resume", "last", "--rate", "10000/s").code, 0)
        self.assertEqual(self.recorded(), ROWS)

    def test_takes_its_settings_from_the_run(self):
        self.kill_after(20, "batch", self.rows(), "--rate", "100/s", "-j", "3", "--halt", "fail=7")
        process = self.start("resume", "last", env=self.emulator.env)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(process).code, 130)
        self.assertLess(self.recorded(), ROWS // 2, "the rate was not kept")
        shown = json.loads(self.moonkey("runs", "show", "last", "-o", "json").out)
        self.assertEqual(shown["options"], {"rate": "100/s", "jobs": "3", "halt": "fail=7"})
        self.assertEqual([s["kind"] for s in shown["sessions"]], ["batch", "resume"])

    def test_max_changes_holds_for_the_run_as_a_whole(self):
        stopped = self.kill_after(20, "batch", self.rows(), "--rate", "100/s", "--max-changes", "100", signo=signal.SIGINT)
        self.assertEqual(stopped.code, 130)
        before = self.recorded()
        stopped = self.moonkey("resume", "last", "--rate", "10000/s")
        self.assertEqual(stopped.code, 5, stopped.err)
        self.assertRegex(stopped.err, rf"run \S+ has sent {before} of the 100 writes that its --max-changes permits")
        self.assertRegex(stopped.err, r"--max-changes permits no more writes; go on with `moonkey resume \S+ --max-changes N`")
        self.assertEqual(self.recorded(), 100)
        refused = self.moonkey("resume", "last", "--rate", "10000/s")
        self.assertEqual(refused.code, 5, refused.err)
        self.assertRegex(refused.err, r"run \S+ has sent the 100 writes that its --max-changes permits; a --max-changes of now permits more")
        self.assertEqual(self.moonkey("resume", "last", "--rate", "10000/s", "--max-changes", "50").code, 5)
        self.assertEqual(self.recorded(), 150)
        self.assertEqual(self.moonkey("resume", "last", "--rate", "10000/s", "--max-changes", "10000").code, 0)

    def test_says_that_there_is_nothing_left(self):
        self.assertEqual(self.moonkey("batch", self.rows(5)).code, 0)
        again = self.moonkey("resume", "last")
        self.assertEqual((again.code, again.out), (0, ""))
        self.assertIn("nothing is left to do", again.err)
        refused = self.moonkey("resume", "last", "--journal", "other.journal")
        self.assertEqual(refused.code, 2)
        self.assertIn("--journal goes with --accept-changes", refused.err)

    def test_refuses_an_input_that_has_changed(self):
        self.kill_after(50, "batch", self.rows(), "--rate", "300/s")
        before = self.recorded()
        self.rows(ROWS - 1, more=['{"id":"TKN-0000-0999","name":"another"}'])
        refused = self.moonkey("resume", "last")
        self.assertEqual(refused.code, 2)
        self.assertRegex(refused.err, r"the input .*/rows.jsonl has changed since the run began \(\d+ bytes now, \d+ then; SHA-256 "
                                      r"\w+… now, \w+… then\); nothing was sent. .*--accept-changes")
        self.assertEqual(self.recorded(), before)

    def test_accepts_changes_by_id_and_contents(self):
        self.kill_after(50, "batch", self.rows(), "--rate", "300/s")
        before = self.recorded()
        lines = self.read("rows.jsonl").splitlines()
        lines[0] = '{"id":"TKN-0000-0001","name":"corrected"}'
        self.write("rows.jsonl", "".join(line + "\n" for line in reversed(lines)))
        done = self.moonkey("resume", "last", "--accept-changes", "--rate", "10000/s", "--log-level", "debug")
        self.assertEqual(done.code, 0, done.err)
        results = self.results()
        self.assertEqual(len(results), ROWS)
        self.assertEqual(results[-1]["id"], "TKN-0000-0001")
        self.assertEqual(self.names_in_emulator(), ["corrected"] + [f"new {n}" for n in range(2, ROWS + 1)])
        shown = json.loads(self.moonkey("runs", "show", "last", "-o", "json").out)
        self.assertIn("continues", shown)
        self.assertEqual(shown["counts"]["done"], ROWS)
        # What was recorded is not sent again, but for the corrected row, which was among the first.
        self.assertEqual(done.err.count("> PUT "), ROWS - before + 1)

    def test_accepted_changes_leave_the_last_word_to_the_last_row(self):
        def row(number, name):
            return json.dumps({"id": f"TKN-0000-{number:04d}", "name": name}) + "\n"

        rest = row(5, "last") + row(6, "sixth") + "bad\n" + row(7, "seventh")
        self.write("some.jsonl", row(5, "<bad>") + rest)
        self.assertEqual(self.moonkey("batch", "some.jsonl", "-j", "1", "--halt", "fail=2").code, 5)
        self.write("some.jsonl", row(5, "first") + rest)
        done = self.moonkey("resume", "last", "--accept-changes", "-o", "jsonl", "--halt", "fail=10")
        self.assertEqual(done.code, 3, done.err)
        self.assertEqual(self.names_in_emulator()[4:7], ["last", "sixth", "seventh"])
        by_row = {r["row"]: r for r in self.results()}
        self.assertEqual([by_row[n]["outcome"] for n in (1, 2, 3, 4, 5)], ["done", "done", "done", "failed", "done"])

    def test_refuses_a_job_that_has_changed(self):
        job = self.write("job.lua", "return function(row) return token.update(row.id, { name = row.name }) ~= nil end")
        self.kill_after(50, "batch", self.rows(), "--job", job, "--rate", "300/s")
        self.write("job.lua", "return function(row) return true end")
        refused = self.moonkey("resume", "last")
        self.assertEqual(refused.code, 2)
        self.assertRegex(refused.err, r"the job .*/job.lua has changed since the run began")

    def test_refuses_another_target(self):
        self.kill_after(50, "batch", self.rows(), "--rate", "300/s")
        self.emulator.env["MPT_API_BASE_URL"] = "http://127.0.0.1:9"
        # An emulator that was started elsewhere has an address like any other server.
        refused = self.moonkey("resume", "last")
        self.assertEqual(refused.code, 2)
        self.assertRegex(refused.err, r"run \S+ was against http://127.0.0.1:\d+\S*, and this would go to http://127.0.0.1:9")

    def test_a_dry_run_is_not_recorded_as_if_it_had_written(self):
        self.kill_after(50, "batch", self.rows(), "--rate", "300/s", signo=signal.SIGINT)
        before = self.recorded()
        for args in (("resume", "last"), ("resume", "last", "--halt", "fail=1")):
            refused = self.moonkey(*args, "--dry-run")
            self.assertEqual(refused.code, 2)
            self.assertRegex(refused.err, r"run \S+ is no dry run: in it, rows of a dry run would count as written")
        self.assertEqual(self.recorded(), before)

    def test_rows_from_standard_input_are_given_again(self):
        text = self.read(self.rows())
        halted = self.moonkey("batch", "-", "-j", "1", "--halt", "fail=1", stdin='{"id":"TKN-0000-0001","name":"new 1"}\nbad\n' + text)
        self.assertEqual(halted.code, 5)
        refused = self.moonkey("resume", "last")
        self.assertEqual(refused.code, 2)
        self.assertIn("came from standard input: give them again: moonkey resume", refused.err)
        other = self.moonkey("resume", "last", "-", stdin='{"id":"TKN-0000-0001","name":"other"}\nbad\n' + text)
        self.assertEqual(other.code, 2)
        self.assertIn("row 1 is not the one (TKN-0000-0001) that it was when the run began", other.err)
        done = self.moonkey("resume", "last", "-", "--halt", "fail=100",
                            stdin='{"id":"TKN-0000-0001","name":"new 1"}\nbad\n' + text)
        self.assertEqual(done.code, 3, done.err)
        self.assertEqual(len(self.results()), ROWS + 2)

    def test_rows_that_are_tried_again_are_those_that_failed(self):
        def row(number, name):
            return f'{{"id":"TKN-{number}","name":"{name}"}}\n'

        failed = row("9999-0001", "a") + row("0000-0002", "fine") + row("9999-0003", "c")
        self.assertEqual(self.moonkey("batch", "-", stdin=failed).code, 3)
        other = self.moonkey("retry", "last", "-", stdin=row("0000-0005", "other") + row("0000-0002", "fine") + row("9999-0003", "c"))
        self.assertEqual(other.code, 2, other.err)
        self.assertIn("row 1 is not the one (TKN-9999-0001) that it was when the run began", other.err)
        short = self.moonkey("retry", "last", "-", stdin=row("9999-0001", "a") + row("0000-0002", "fine"))
        self.assertEqual(short.code, 2, short.err)
        self.assertIn("the input ends before rows that are to be tried again", short.err)
        self.assertEqual(self.moonkey("retry", "last", "-", stdin=failed).code, 3)
        self.assertEqual([r["outcome"] for r in self.results()], ["failed", "done", "failed"])
        self.assertNotIn("other", self.names_in_emulator())

    def test_a_script_does_not_go_on_with_what_batch_began(self):
        self.assertEqual(self.moonkey("batch", self.rows(3), "--journal", "mine.journal", "--undoable").code, 0)
        script = self.write("again.lua", """
            print(require("moonkey.batch").run{ source = "rows.jsonl", journal = "mine.journal", resume = true, job = print })""")
        done = self.moonkey("run", script)
        self.assertRegex(done.out, r"^nil\s+run \S+ was begun by moonkey batch: `moonkey resume mine.journal` goes on with it\n$")
        self.assertTrue(json.loads(self.moonkey("runs", "show", "mine.journal", "-o", "json").out)["options"]["undoable"])

    def test_a_run_under_way_is_refused(self):
        process = self.start("batch", self.rows(), "--rate", "50/s", env=self.emulator.env)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not os.path.isdir(self.path(".local/state/moonkey/runs")):
            time.sleep(0.05)
        time.sleep(0.5)
        self.assertRegex(self.moonkey("runs").out, "running")
        second = self.moonkey("resume", "last")
        self.assertEqual(second.code, 2)
        self.assertIn("is under way: another moonkey is working on it", second.err)
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(process).code, 130)

    def test_a_post_under_way_is_not_repeated(self):
        job = self.write("job.lua", """
            local api = require "moonkey.api"
            return function(row)
              io.stdout:write("sending\\n") io.stdout:flush()
              return api.request("POST", "/accounts/api-tokens/" .. row.id .. "/disable")
            end""")
        self.write("three.jsonl", "".join(f'{{"id":"TKN-0000-{n:04d}"}}\n' for n in (2, 3, 4)))  # 1 is the credential's own
        process = self.start("batch", "three.jsonl", "--job", job, "-j", "1",
                             env={**self.emulator.env, "MPT_API_BASE_URL": self.silent_server()})
        self.assertEqual(process.stdout.readline(), b"sending\n")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not self.intents():
            time.sleep(0.02)
        process.kill()
        self.finish(process)
        self.assertEqual(self.intents(), [(1, "POST /public/v1/accounts/api-tokens/TKN-0000-0002/disable")])
        self.assertEqual(self.results()[0]["outcome"], "unknown")
        # Where the silent server was, the emulator's port cannot be: tell the journal.
        with sqlite3.connect(self.journal()) as db:
            db.execute("UPDATE run SET value = ? WHERE key = 'target'", (self.emulator.url,))
            db.execute("UPDATE run SET value = json_remove(value, '$.jobs') WHERE key = 'options'")
        db.close()
        done = self.moonkey("resume", "last")
        self.assertEqual(done.code, 3, done.err)
        self.assertEqual([r["outcome"] for r in self.results()], ["unknown", "done", "done"])
        self.assertIn("1 unknown", done.err)

    def intents(self):
        try:
            with sqlite3.connect(f"file:{self.journal()}?mode=ro", uri=True) as db:
                return db.execute("SELECT * FROM intents").fetchall()
        except (FileNotFoundError, IndexError, sqlite3.OperationalError):
            return []

    def silent_server(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.addCleanup(listener.close)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    # ---- retry and runs

    def test_retries_only_what_failed(self):
        name = self.rows(10, more=['{"id":"TKN-9999-0001","name":"a"}', '{"id":"TKN-0000-0011","nmae":"b"}'])
        self.assertEqual(self.moonkey("batch", name).code, 3)
        again = self.moonkey("retry", "last", "-o", "jsonl")
        self.assertEqual(again.code, 3)
        self.assertEqual(sorted(r["row"] for r in again.results()), [11, 12])
        self.assertEqual(len(self.results()), 12)
        stopped = self.moonkey("retry", "last", "-j", "1", "--halt", "fail=1")
        self.assertEqual(stopped.code, 5)
        self.assertRegex(stopped.err, r"stopped by the halt rule: 1 of 1 rows failed; go on with `moonkey retry \S+`")

    def test_a_retry_does_not_finish_a_run(self):
        self.kill_after(50, "batch", self.write("some.jsonl", "bad\n" + self.read(self.rows())), "--rate", "300/s")
        again = self.moonkey("retry", "last")
        self.assertEqual(again.code, 3)
        self.assertRegex(again.err, r"has rows that have not been run yet: `moonkey resume \S+` goes on with those")
        self.assertRegex(self.moonkey("runs").out, "unfinished +[0-9]+ done, 1 failed; some.jsonl")
        self.assertEqual(self.moonkey("resume", "last", "--rate", "10000/s").code, 3)
        self.assertRegex(self.moonkey("runs").out, "done +600 done, 1 failed of 601; some.jsonl")

    def test_another_emulator_is_another_target(self):
        begun = self.run_moonkey("--emulator=kept.db", "batch", self.rows(3, more=["bad"]), "-j", "1", "--halt", "fail=1")
        self.assertEqual(begun.code, 5, begun.err)
        with sqlite3.connect(self.journal()) as db:  # as if it had been killed before
            db.execute("DELETE FROM rows WHERE row > 1")
        db.close()
        refused = self.run_moonkey("resume", "last", "--emulator=other.db")
        self.assertEqual(refused.code, 2)
        self.assertRegex(refused.err, "the run was against the emulator of /.*/kept.db, and this would go to that of other.db")
        self.assertEqual(self.run_moonkey("resume", "last", "--emulator").code, 5)
        script = self.write("name.lua", 'print((token.get("TKN-0000-0003")).name)')
        self.assertEqual(self.run_moonkey("--emulator=kept.db", "run", script).out, "new 3\n")

    def test_nothing_goes_on_without_the_emulator_of_the_run(self):
        ended = self.run_moonkey("--emulator", "batch", self.rows(3, more=["bad"]), "--halt", "fail=1")
        self.assertEqual(ended.code, 5)
        self.assertNotRegex(ended.err, "moonkey (resume|retry)")
        refused = self.run_moonkey("resume", "last")
        self.assertEqual(refused.code, 2)
        self.assertIn("was against an emulator that ended with it", refused.err)
        self.run_moonkey("--emulator=kept.db", "batch", "rows.jsonl", "--halt", "fail=1", "--undoable")
        os.remove(self.path("kept.db"))
        for command in ("resume", "retry", "undo"):
            refused = self.run_moonkey(command, "last")
            self.assertEqual(refused.code, 2, refused.err)
            self.assertRegex(refused.err, "was against the emulator of /.*/kept.db, which is not there any more")
        self.assertFalse(os.path.exists(self.path("kept.db")))

    def test_retry_leaves_alone_what_a_later_row_has_decided(self):
        lines = ['{"id":"TKN-0000-0005","name":"<bad>"}', '{"id":"TKN-0000-0005","name":"new"}', '{"id":"TKN-0000-0005","name":"new"}']
        name = self.write("rows.jsonl", "\n".join(lines) + "\n")
        self.assertEqual(self.moonkey("batch", name, "--skip-unchanged").code, 3)
        self.assertEqual([r["outcome"] for r in self.results()], ["failed", "done", "skipped"])
        with sqlite3.connect(self.journal()) as db:  # as if only the last one were left
            db.execute("UPDATE rows SET state = 2 WHERE row = 2")
        db.close()
        again = self.moonkey("retry", "last", "-o", "jsonl")
        self.assertEqual((again.code, again.results()), (3, []), again.err)
        self.assertIn("2 failed rows are left alone: a later row of the same token is done, and they would undo it", again.err)

    def test_failed_rows_become_a_file_for_batch(self):
        name = self.write("rows.csv", "id,name,description,modules\nTKN-0000-0001,fine,,\nTKN-9999-0001,\"a \"\"b\"\"\",\\N,MOD-1756;MOD-9042\n"
                          "TKN-0000-0002,<bad>,,\n")
        self.assertEqual(self.moonkey("batch", name).code, 3)
        failed = self.moonkey("runs", "results", "last", "--failed", "-o", "csv")
        lines = failed.out.splitlines()
        self.assertEqual(lines[0], "id,name,description,modules,error")
        self.assertEqual(lines[1], 'TKN-9999-0001,"a ""b""",\\N,MOD-1756;MOD-9042,'
                                   "404 Not Found: Token 'TKN-9999-0001' was not found.")
        self.assertEqual(failed.err, "")
        self.write("again.csv", failed.out.replace("<bad>", "good").replace("TKN-9999-0001", "TKN-0000-0003"))
        done = self.moonkey("batch", "again.csv", "-o", "jsonl")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(len(done.results()), 2)

    def test_a_file_of_failed_rows_tells_what_is_not_in_it(self):
        self.assertEqual(self.moonkey("batch", self.rows(1, more=["bad", '{"id":"TKN-9999-0001","name":"a"}', "[]"])).code, 3)
        failed = self.moonkey("runs", "results", "last", "--failed", "-o", "csv")
        self.assertEqual(len(failed.out.splitlines()), 2)
        self.assertRegex(failed.err, r"2 rows that could not be read at all are not among them; moonkey runs results \S+ --failed tells")

    def test_a_file_of_failed_rows_says_what_the_rows_said(self):
        fields = [{"description": ""}, {"name": "'"}, {"name": "''"}, {"description": None}, {"name": "=a", "icon": ""}]
        self.write("rows.jsonl", "".join(json.dumps({"id": "TKN-9999-0001", **f}) + "\n" for f in fields))
        self.assertEqual(self.moonkey("batch", "rows.jsonl").code, 3)
        failed = self.moonkey("runs", "results", "last", "--failed", "-o", "csv")
        self.write("again.csv", failed.out)
        self.write("keep.lua", "local json = require 'moonkey.json' return function(row) row.id, row.error = nil return json.encode(row) end")
        done = self.moonkey("batch", "again.csv", "--job", "keep.lua", "-o", "jsonl", "-j", "1")
        self.assertEqual([json.loads(r["value"]) for r in done.results()], fields)

    def test_results_in_every_format(self):
        self.moonkey("batch", self.rows(2, more=['{"id":"TKN-9999-0001","name":"a"}']))
        self.assertRegex(self.moonkey("runs", "results", "last").out, r"(?m)^ +3  TKN-9999-0001   failed    404  Not Found: Token")
        self.assertEqual(len(self.moonkey("runs", "results", "last", "-o", "csv").out.splitlines()), 4)
        self.assertEqual([r["row"] for r in self.results("--failed")], [3])

    def test_json_is_one_document(self):
        self.assertEqual(json.loads(self.moonkey("runs", "-o", "json").out), [])
        name = self.rows(2, more=["bad"])
        for _ in range(2):
            self.moonkey("batch", name)
        self.assertEqual([run["counts"]["failed"] for run in json.loads(self.moonkey("runs", "-o", "json").out)], [1, 1])
        self.assertEqual(len(self.moonkey("runs", "list", "-o", "jsonl").results()), 2)
        self.assertEqual([r["row"] for r in json.loads(self.moonkey("runs", "results", "last", "-o", "json").out)], [1, 2, 3])
        self.moonkey("batch", self.rows(1))
        self.assertEqual(json.loads(self.moonkey("runs", "results", "last", "--failed", "-o", "json").out), [])
        refused = self.moonkey("runs", "list", "-o", "csv")
        self.assertEqual((refused.code, refused.out), (2, ""))

    def test_what_is_no_run(self):
        self.write("notes.journal", "not a journal\n")
        self.write("last", "not the last run")
        for args, message in (
                (("resume", "last"), "there are no runs in"),
                (("batch", self.rows(1), "--journal", "."), "cannot write the journal .: it is no regular file\n"),
                (("resume", "./none.journal"), "there is no journal ./none.journal"),
                (("resume", "notes.journal"), "it is damaged, or no journal of moonkey"),
                (("runs", "show"), "runs show needs a RUN"),
                (("runs", "list", "-o", "xml"), "must be one of"),
                (("batch", self.rows(1), "--journal", "notes.journal"), "notes.journal: it is there already, with contents")):
            with self.subTest(args):
                done = self.moonkey(*args)
                self.assertEqual(done.code, 2)
                self.assertIn(message, done.err)

    def test_a_journal_where_it_is_wanted(self):
        done = self.moonkey("batch", self.rows(3, more=["bad"]), "--journal", "mine.db")
        self.assertEqual(done.code, 3)
        self.assertIn("`moonkey retry mine.db`", done.err)
        self.assertEqual(os.stat(self.path("mine.db")).st_mode & 0o777, 0o600)
        self.assertEqual(self.moonkey("retry", "mine.db").code, 3)
        self.assertFalse(os.path.exists(self.path(".local/state/moonkey/runs")))


main()
