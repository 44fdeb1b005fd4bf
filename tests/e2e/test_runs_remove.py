"""runs remove: journals that nobody wants any more, and none that somebody needs."""
import json
import os
import signal
import sqlite3
import time

from harness import Case, Emulator, main

DAY = 86400 * 1000
ASKED = "? [y/N] "


class Remove(Case):
    def setUp(self):
        super().setUp()
        self.env = Emulator(self, "--seed", "100").env
        self.rows(3)

    def moonkey(self, *args, code=0):
        done = self.run_moonkey(*args, env=self.env)
        self.assertEqual(done.code, code, done.err)
        return done

    def rows(self, count):
        self.write("rows.jsonl", "".join(f'{{"id":"TKN-0000-{n:04d}","name":"new {n}"}}\n' for n in range(2, count + 2)))

    def batch(self, *args, days_ago=0):
        """The id of a new run, as if it had been begun and ended so long ago."""
        self.moonkey("batch", *(args or ["rows.jsonl"]))
        run = self.ids()[0] if self.files() else None
        if days_ago:
            with sqlite3.connect(self.journal(run)) as db:
                db.execute("UPDATE sessions SET started = started - ?, ended = ended - ?", (days_ago * DAY, days_ago * DAY))
            db.close()
        return run

    def journal(self, run):
        return self.path(f".local/state/moonkey/runs/{run}.journal")

    def ids(self):
        return [run["id"] for run in json.loads(self.moonkey("runs", "-o", "json").out)]

    def files(self):
        """All there are, but what SQLite keeps beside a journal that is there."""
        names = {name for _, _, names in os.walk(self.path(".local/state/moonkey/runs")) for name in names}
        return sorted(name for name in names if not name.endswith(("-wal", "-shm")) or name[:-4] not in names)

    def test_those_that_are_named_with_all_that_belongs_to_them(self):
        first, second = self.batch(), self.batch()
        self.moonkey("plan", "rows.jsonl", "-o", "x.plan")
        third = self.batch("x.plan")
        open(self.journal(third) + "-wal", "wb").close()
        open(self.journal(third) + "-shm", "wb").close()
        done = self.moonkey("runs", "remove", first, third, first, "-y")
        self.assertRegex(done.out, rf"^RUN .*\n{first} .* done .*; rows.jsonl\n{third} .* done .*; x.plan\n$")
        self.assertIn("2 runs are removed", done.err)
        self.assertEqual(self.files(), [second + ".journal"])
        self.assertIn("3 unchanged", self.moonkey("plan", "rows.jsonl").out)
        self.moonkey("batch", "x.plan")  # nothing is known of it any more

    def test_what_undo_has_kept_goes_too(self):
        run = self.batch("rows.jsonl", "--undoable")
        self.moonkey("undo", run, "-y")
        self.assertEqual(len(self.files()), 4)  # two journals, a plan, and the note that it is applied
        self.moonkey("runs", "remove", "last", "-y")
        self.assertEqual(self.files(), [run + ".journal"])

    def test_after_consent(self):
        run = self.batch()
        for typed, code in (("n\n", 5), ("\n", 5), ("\x03", 130)):
            done = self.run_on_terminal("runs", "remove", run, env=self.env, answers=[(ASKED, typed)])
            self.assertEqual(done.code, code, done.err)
        self.assertIn("nothing is removed: there is no terminal to ask on; --yes would agree",
                      self.moonkey("runs", "remove", run, code=5).err)
        self.assertIn("dry run: nothing is removed", self.moonkey("runs", "remove", run, "--dry-run", "-y").err)
        self.assertEqual(self.ids(), [run])
        done = self.run_on_terminal("runs", "remove", run, env=self.env, answers=[("Remove this run" + ASKED, "y\n")])
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.files(), [])

    def test_those_that_are_old(self):
        self.assertIn("no run is older than 30d: nothing to remove", self.moonkey("runs", "remove", "--older-than", "30d").err)
        old, young = self.batch(days_ago=31), self.batch(days_ago=29)
        self.write(".local/state/moonkey/runs/20200101-000000-aaaa.journal", "what is this")
        done = self.moonkey("runs", "remove", "--older-than", "30d", "-y")
        self.assertRegex(done.err, r"run 20200101-000000-aaaa stays: cannot read the journal")
        self.assertIn("1 run is removed", done.err)
        self.assertEqual(self.ids(), [young], old)
        self.moonkey("runs", "remove", "--older-than", "36h", "-y")
        self.moonkey("runs", "remove", "20200101", "-y")  # by name also one that cannot be read
        self.assertEqual(self.files(), [])

    def test_none_under_way(self):
        old = self.batch()
        self.rows(90)
        process = self.start("batch", "rows.jsonl", "--rate", "20/s", env=self.env)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and len(self.ids()) < 2:
            time.sleep(0.05)
        refused = self.moonkey("runs", "remove", old, "last", "-y", code=2)
        self.assertRegex(refused.err, r"run \S+ is under way: another moonkey is working on it; nothing is removed")
        time.sleep(0.01)
        done = self.moonkey("runs", "remove", "--older-than", "0.001s", "-y")
        self.assertRegex(done.err, r"run \S+ stays: is under way")
        self.assertEqual(len(self.ids()), 1)
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(process).code, 130)
        done = self.run_on_terminal("runs", "remove", "last", env=self.env, answers=[(
            "Remove this run? It has not come to the end, and could not be gone on with. [y/N] ", "y\n")])
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.files(), [])

    def test_none_that_another_one_needs(self):
        self.rows(90)
        for args in (["batch", "rows.jsonl"], ["resume", "last", "--accept-changes"]):
            process = self.start(*args, "--rate", "20/s", env=self.env)
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            self.assertEqual(self.finish(process).code, 130)
        new, old = self.ids()
        refused = self.moonkey("runs", "remove", old, "-y", code=2)
        self.assertIn(f"run {old} is needed by run {new}, which goes on with it, and is not at its end", refused.err)
        refused = self.moonkey("runs", "remove", new, "-y", code=2)  # or what it has done would be done again
        self.assertIn(f"run {new} goes on with run {old}, which does not know what this one has done: only both", refused.err)
        self.moonkey("resume", new, "--rate", "1000/s")
        self.moonkey("runs", "remove", old, "-y")
        self.assertEqual(self.ids(), [new])
        self.moonkey("runs", "remove", new, "-y")
        self.assertEqual(self.files(), [])

    def test_both_of_two_that_belong_together(self):
        self.rows(90)
        for args in (["batch", "rows.jsonl"], ["resume", "last", "--accept-changes"]):
            process = self.start(*args, "--rate", "20/s", env=self.env)
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            self.finish(process)
        time.sleep(0.01)
        self.moonkey("runs", "remove", *self.ids(), "--dry-run")
        self.moonkey("runs", "remove", *reversed(self.ids()), "--dry-run")
        done = self.moonkey("runs", "remove", "--older-than", "0.001s", "-y")
        self.assertNotIn("stays", done.err)
        self.assertEqual(self.files(), [])

    def test_misuse(self):
        self.batch("rows.jsonl", "--journal", "mine.journal")
        self.write("notes.txt", "do not remove me")
        for args, message in (([], "takes runs, or --older-than"), (["last", "--older-than", "1d"], "takes runs, or --older-than"),
                              (["nonsense"], "there is no run nonsense"), (["./notes.txt"], "nothing is removed"),
                              (["--older-than", "soon"], "--older-than soon: expected a duration such as 90d"),
                              (["--older-than", "30"], "--older-than 30: expected"),
                              (["last", "-o", "json"], "-o is not for `runs remove`"), (["last", "--failed"], "--failed is not for")):
            self.assertIn(message, self.moonkey("runs", "remove", *args, "-y", code=2).err)
        self.assertIn("runs list takes no RUN", self.moonkey("runs", "list", "last", code=2).err)
        self.assertIn("runs show needs a RUN", self.moonkey("runs", "show", "last", "last", code=2).err)
        self.assertIn("--older-than is for", self.moonkey("runs", "list", "--older-than", "1d", code=2).err)
        self.assertTrue(os.path.exists(self.path("notes.txt")))
        self.moonkey("runs", "remove", "mine.journal", "-y")
        self.assertFalse(os.path.exists(self.path("mine.journal")))


if __name__ == "__main__":
    main()
