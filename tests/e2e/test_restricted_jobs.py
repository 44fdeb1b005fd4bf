"""Jobs that do not end, or take too much: the run stops with exit 5, its journal is whole, and it goes on once the job is mended."""
import json
import os
import signal
import time
import unittest

from harness import main
from test_restricted_runaway import CAUGHT, CPU, CPU_OF, REPRESENTATIVE, RUNAWAYS, Timed

JOB = """
return function(row)
  if row.name == "bad" then %s end
  return token.update(row.id, { name = row.name })
end
"""


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.02)


class Jobs(Timed):
    ROWS = 40

    def begin(self, code, cpu="300ms"):
        self.write("job.lua", JOB % code)
        self.write("rows.jsonl", "".join(json.dumps({"id": f"TKN-0000-{i:04}", "name": "bad" if i == 11 else f"n{i}"}) + "\n"
                                         for i in range(1, self.ROWS + 1)))
        return self.run_timed("--emulator=tokens.db", "--restricted", "--allow-api", "PUT /accounts/api-tokens/*", "--max-cpu", cpu,
                              "--max-memory", "12M", "batch", "rows.jsonl", "--job", "job.lua", "-j", "4", "--journal", "run.journal",
                              "--results", "results.jsonl")

    def clear(self):
        for name in os.listdir(self.dir):
            if name.startswith(("run.journal", "results.jsonl", "tokens.db")):
                os.remove(self.path(name))

    def finish_run(self):
        """With a job that is mended, the run goes on; the row that failed is there to be retried."""
        self.write("job.lua", JOB % "row.name = 'good'")
        done = self.run_moonkey("resume", "run.journal", "--accept-changes")
        return self.run_moonkey("retry", "last") if done.code == 3 else done

    def test_each(self):
        for name, code, said, hard in RUNAWAYS:
            if name not in REPRESENTATIVE:
                continue
            with self.subTest(name):
                self.clear()
                done, _ = self.begin(code, CPU_OF.get(name, "300ms"))
                self.assertEqual(done.code, 5, done.err)
                self.assertRegex(done.err, said or CAUGHT)
                if hard is False:
                    self.assertRegex(done.err, r"row 11: stopped: .*; go on with `moonkey resume")
                    results = [json.loads(line) for line in self.read("results.jsonl").splitlines()]
                    self.assertEqual({r["row"]: r["outcome"] for r in results if r["outcome"] == "failed"}, {11: "failed"})
                again = self.finish_run()
                self.assertEqual(again.code, 0, again.err)
                shown = json.loads(self.run_moonkey("runs", "show", "last", "-o", "json").out)
                self.assertEqual((shown["counts"]["failed"], shown["counts"]["unknown"]), (0, 0))

    def test_the_row_fails_and_the_run_goes_on(self):
        done, _ = self.begin("while true do end")
        self.assertEqual(done.code, 5, done.err)
        done = self.run_moonkey("resume", "run.journal")
        self.assertEqual(done.code, 3, done.err)
        self.assertRegex(done.err, "39 done")
        rows = self.run_moonkey("runs", "results", "run.journal", "--failed").out
        self.assertRegex(rows, "TKN-0000-0011")

    def test_limits_of_a_run_are_kept(self):
        self.begin("while true do end")
        self.run_moonkey("resume", "run.journal")
        done = self.run_moonkey("retry", "run.journal")
        self.assertEqual(done.code, 5, done.err)
        self.assertRegex(done.err, CPU)

    def test_the_journal_is_not_the_jobs_to_change(self):
        """It says that the run is restricted, which holds for resume."""
        self.write("job.lua", "return function() return true end")
        self.write("rows.jsonl", '{"id":"TKN-0000-0001"}\n')
        self.write("out/deep/keep", "")
        for journal, permitted in (("out/j", "out"), ("out/deep/j", "out"), ("j", "."), ("out/deep/../j", "out/"), ("out/j", "/")):
            with self.subTest(journal + " below " + permitted):
                done = self.run_moonkey("--emulator", "--restricted", "--allow-write", permitted, "batch", "rows.jsonl", "--job", "job.lua",
                                        "--journal", journal)
                self.assertEqual(done.code, 2, done.err)
                self.assertRegex(done.err, "the journal would be in /.*, where --allow-write /.* lets the job change it; put it elsewhere")
                self.assertFalse(os.path.exists(self.path(journal)))
        done = self.run_moonkey("--emulator", "--restricted", "--allow-write", ".", "batch", "rows.jsonl", "--job", "job.lua")
        self.assertRegex(done.err, r"the journal would be in /.*/\.local/state/moonkey")
        done = self.run_moonkey("--emulator", "--restricted", "--allow-write", "out/deep", "batch", "rows.jsonl", "--job", "job.lua",
                                "--journal", "out/j")
        self.assertEqual(done.code, 0, done.err)

    def test_rows_are_counted_one_by_one(self):
        """Forty rows that take 30 ms each are no row that takes a second."""
        done, _ = self.begin("row.name = 'x' ")
        code = "local t = os.clock() + 0.03 while os.clock() < t do end row.name = row.name"
        self.write("job.lua", JOB.replace('if row.name == "bad" then %s end', "%s") % code)
        done = self.run_moonkey("--emulator", "--max-cpu", "300ms", "batch", "rows.jsonl", "--job", "job.lua", "--journal", "b.journal")
        self.assertEqual(done.code, 0, done.err)
        done = self.run_moonkey("--emulator", "--max-cpu-total", "300ms", "batch", "rows.jsonl", "--job", "job.lua", "--journal", "c.journal")
        self.assertEqual(done.code, 5, done.err)
        self.assertRegex(done.err, "--max-cpu-total permits")

    def test_interrupted(self):
        """Ctrl-C ends a loop of a job, limited or not; its row is pending, and done by the resume."""
        for flags in ((), ("--max-cpu", "60s")):
            self.clear()
            self.write("job.lua", JOB % "if io.open('ready', 'w') then while true do pcall(function() while true do end end) end end")
            self.write("rows.jsonl", '{"id":"TKN-0000-0002","name":"n"}\n{"id":"TKN-0000-0003","name":"bad"}\n')
            process = self.start("--emulator=tokens.db", *flags, "batch", "rows.jsonl", "--job", "job.lua", "--journal", "run.journal")
            wait_for(self.path("ready"))
            process.send_signal(signal.SIGINT)
            done = self.finish(process)
            self.assertEqual(done.code, 130, done.err)
            self.assertRegex(done.err, r"[12] pending.*\n(.*\n)*.*go on with `moonkey resume run\.journal`")
            os.remove(self.path("ready"))
            self.assertEqual(self.finish_run().code, 0)

    def test_setup_and_teardown(self):
        for job in ("return { setup = function() while true do end end, job = function() end }",
                    "return { teardown = function() while true do end end, job = function() return true end }",
                    "while true do end"):
            self.write("job.lua", job)
            self.write("rows.jsonl", '{"id":"TKN-0000-0001"}\n')
            done = self.run_moonkey("--emulator", "--max-cpu", "300ms", "batch", "rows.jsonl", "--job", "job.lua")
            self.assertEqual(done.code, 5, (job, done.err))
            self.assertRegex(done.err, CPU)


if __name__ == "__main__":
    main()
