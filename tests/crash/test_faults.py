"""What a disk can do to a journal, and what can be in place of one: a message that says what to do, the right exit code, and nothing
lost: once the fault is gone, the run is resumed, and all the checks of the oracle hold (trial.py).

  python3 tests/crash/test_faults.py MOONKEY [unittest's arguments]

Where the system allows that, it all happens in a mount namespace of its own, with real small and read-only file systems.
"""
import collections
import contextlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
import unittest

from rows import CREDENTIAL
from trial import Trial

MOONKEY = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else None
NAMESPACE = "MOONKEY_TEST_NAMESPACE"
ROWS, JOBS = 600, 8


class Case(unittest.TestCase):
    def trial(self, mode="plain", form="jsonl", rows=ROWS, slow=0.0):
        library = os.path.join(os.path.dirname(MOONKEY), "tests", "libcrash.so")
        trial = Trial(MOONKEY, library, mode, rows, 7, JOBS, form, slow)
        self.addCleanup(trial.close)
        return trial.prepare()

    def fails(self, done, code, *words):
        """It ended with that code, and what it said matches these words (regular expressions)."""
        said = done.err.decode()
        self.assertEqual(done.code, code, said)
        for word in words:
            self.assertRegex(said, word)
        self.assertNotIn("stack traceback", said)
        return said

    def refuses(self, trial, arguments, code, *words, orders=None, state=None):
        """Nothing is sent, and nothing is changed."""
        before = self.contents(trial)
        self.fails(trial.place.run(*arguments, orders=orders, state=state), code, *words)
        self.assertEqual([r for r in trial.requests() if r[0] != "GET"], [])
        self.assertEqual(self.contents(trial), before)

    def contents(self, trial):
        contents = {}
        for directory, _, names in os.walk(trial.place.state):
            for name in names:
                path = os.path.join(directory, name)
                if stat.S_ISREG(os.lstat(path).st_mode) and not name.endswith("-shm"):
                    with open(path, "rb") as f:
                        contents[path] = f.read()
        return {path: data for path, data in contents.items() if data or not path.endswith("-wal")}

    def killed(self, **more):
        """A run that was killed halfway."""
        trial = self.trial(**more)
        while not trial.committed:
            self.assertTrue(trial.once({"CRASH_AT": "sync/wal/6/after"}).killed)
        return trial


class DiskOfAJournal(Case):
    """While it is written."""

    def breaks(self, fault, *words, mode="plain"):
        trial = self.trial(mode)
        done = trial.once({"CRASH_FAIL": fault})
        self.fails(done, 1, "the journal cannot be written", "moonkey resume " + trial.run_id(), *words)
        self.assertTrue(trial.committed, "nothing had been committed: the fault came too early to show anything")
        self.assertLessEqual(len(trial.sent - trial.committed.keys()), JOBS + 256)
        self.assertFalse(self.is_done(trial))
        self.assertIn(b"broken off", trial.place.run("runs").out)
        trial.finish()

    def text(self, path):
        if not os.path.exists(path):
            return ""
        with open(path, encoding="ascii") as f:
            return f.read()

    def is_done(self, trial):
        return len(trial.committed) == len(trial.input.rows)

    def test_full(self):
        self.breaks("ENOSPC/write/any/120000b", "full")

    def test_full_undoable(self):
        self.breaks("ENOSPC/write/any/200000b", "full", mode="undoable")

    def test_quota(self):
        self.breaks("EDQUOT/write/any/120000b", "quota|code 778")

    def test_sync_fails(self):
        self.breaks("EIO/sync/wal/6", "I/O error")

    def test_write_fails(self):
        self.breaks("EIO/write/wal/60", "I/O error")

    def test_full_for_a_post(self):
        self.breaks("ENOSPC/write/any/200000b", "full", mode="job")

    def test_room_again_before_the_end(self):
        """Room comes back while the last requests are under way: their results are recorded in the end."""
        trial = self.trial(slow=1.0)
        switch, trace = trial.place.path("full"), trial.place.path("trace")
        open(switch, "w", encoding="ascii").close()
        orders = {"CRASH_FAIL": "ENOSPC/write/any/200000b", "CRASH_SWITCH": switch, "CRASH_TRACE": trace}
        process = trial.place.start(*trial.command(), orders=orders)
        while process.poll() is None and "fails" not in self.text(trace):
            time.sleep(0.005)
        os.remove(switch)
        done = trial.after(trial.place.finish(process))
        self.fails(done, 1, "full")
        self.assertEqual(trial.sent - trial.committed.keys(), set(), "what was sent is not recorded, although there was room")
        trial.finish()

    def test_full_from_the_beginning(self):
        trial = self.trial()
        for nth in (1, 9, 19):
            self.refuses(trial, trial.command(), 2, "full|No space left", "--journal FILE", orders={"CRASH_FAIL": f"ENOSPC/write/any/{nth}"})
        trial.finish()

    def test_not_to_be_removed(self):
        trial = self.trial(rows=20)
        trial.finish()
        done = trial.place.run("runs", "remove", "last", "-y", orders={"CRASH_FAIL": "EROFS/unlink/journal/1"})
        self.fails(done, 1, "cannot remove the journal .*: Read-only file system", "0 runs are removed")
        trial.check_end()
        self.assertEqual(trial.place.run("runs", "remove", "last", "-y").code, 0)
        self.assertEqual(os.listdir(os.path.join(trial.place.state, "runs")), [])

    def test_results_full(self):
        trial = self.trial()
        done = trial.once({"CRASH_FAIL": "ENOSPC/write/file/1"}, more=["--results", "results.jsonl"])
        self.fails(done, 1, "results.jsonl", "No space left", "moonkey resume " + trial.run_id())
        self.assertFalse(self.is_done(trial))
        trial.finish()


class Reported(Case):
    def test_results_are_committed_before(self):
        """It dies just when it has written results."""
        trial = self.trial(slow=1.0)
        for name in ("1.jsonl", "2.jsonl"):
            self.assertTrue(trial.once({"CRASH_AT": "write/file/1/after"}, more=["--results", name]).killed)
            with open(trial.place.path(name), encoding="utf-8") as f:
                reported = {json.loads(line)["row"] for line in f}
            self.assertTrue(reported)
            self.assertEqual(reported - trial.committed.keys(), set())
        trial.finish()


class NoPlaceForAJournal(Case):
    def refuses_place(self, fault, *words):
        trial = self.trial()
        self.refuses(trial, trial.command(), 2, "--journal FILE", *words, orders={"CRASH_FAIL": fault})
        trial.finish()

    def test_read_only_directory(self):
        self.refuses_place("EROFS/any/any/1", "Read-only file system")

    def test_forbidden_directory(self):
        self.refuses_place("EACCES/any/any/1", "Permission denied")

    def test_forbidden_file(self):
        self.refuses_place("EACCES/open/any/1")

    def test_directory_is_a_file(self):
        trial = self.trial()
        self.refuses(trial, trial.command(), 2, "--journal FILE", "Not a directory", state=trial.place.path(trial.source))
        trial.finish()

    def test_no_home(self):
        trial = self.trial()
        env = trial.place.environment()
        del env["HOME"], env["XDG_STATE_HOME"]

        def run(*more):
            return subprocess.run([MOONKEY, *trial.command(), *more], cwd=trial.place.directory, env=env, capture_output=True,
                                  check=False, stdin=subprocess.DEVNULL)
        self.assertIn("--journal FILE", run().stderr.decode())
        self.assertEqual(run().returncode, 2)
        self.assertEqual(trial.requests(), [])
        self.assertEqual(run("--journal", "mine.journal").returncode, 3)
        self.assertTrue(trial.requests())

    def test_read_only_when_resumed(self):
        trial = self.killed()
        for fault in ("EROFS/open/any/1", "EACCES/open/any/1"):
            self.refuses(trial, ["resume", trial.path], 2, trial.path, orders={"CRASH_FAIL": fault})
        trial.finish()

    def test_journal_exists(self):
        trial = self.killed()
        self.refuses(trial, [*trial.begin_command(), "--journal", trial.path], 2, trial.path)
        trial.finish()


class NoJournal(Case):
    """What somebody may find in place of a journal: every command says so, and leaves it alone."""

    def commands(self, path):
        return [["resume", path], ["retry", path], ["runs", "show", path], ["runs", "results", path], ["undo", path, "--yes"],
                ["report", path]]

    def all_refuse(self, trial, *words):
        for command in self.commands(trial.path):
            with self.subTest(command=command[:-1]):
                self.refuses(trial, command, 2, trial.path, *words)
        listed = trial.place.run("runs", "list")
        self.assertEqual(listed.code, 0, listed.err.decode())

    def replace(self, trial, data):
        """A journal without its log: once that has been copied into it, as at the end of a run."""
        for end in ("-wal", "-shm"):
            if os.path.exists(trial.path + end):
                os.remove(trial.path + end)
        with open(trial.path, "wb") as f:
            f.write(data)
        os.chmod(trial.path, 0o600)

    def whole(self):
        trial = self.killed()
        with contextlib.closing(sqlite3.connect(trial.path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(trial.path, "rb") as f:
            return trial, f.read()

    def test_newer_version(self):
        trial, data = self.whole()
        with sqlite3.connect(trial.path) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        self.all_refuse(trial, "newer moonkey")
        self.replace(trial, data)
        trial.finish()

    def test_truncated(self):
        trial, data = self.whole()
        for size in (50, 4096, len(data) // 2, len(data) - 4096, len(data) - 100):
            with self.subTest(size=size):
                self.replace(trial, data[:size])
                self.all_refuse(trial)
        self.replace(trial, data)
        trial.finish()

    def test_damaged(self):
        trial, data = self.whole()
        for at in (4096 * 2, len(data) - 4096):
            with self.subTest(at=at):
                self.replace(trial, data[:at] + b"\xa5" * 4096 + data[at + 4096:])
                self.all_refuse(trial)
        self.replace(trial, data)
        trial.finish()

    def test_empty(self):
        trial, data = self.whole()
        self.replace(trial, b"")
        self.all_refuse(trial)
        self.replace(trial, data)
        trial.finish()

    def test_text(self):
        trial, data = self.whole()
        self.replace(trial, b"id,name\r\nTKN-0000-0001,CRM robot\r\n" * 300)
        self.all_refuse(trial, "no journal")
        self.replace(trial, data)
        trial.finish()

    def test_other_database(self):
        trial, data = self.whole()
        os.remove(trial.path)
        with sqlite3.connect(trial.path) as db:
            db.execute("CREATE TABLE rows(row)")
        db.close()
        self.all_refuse(trial, "no journal of moonkey")
        self.replace(trial, data)
        trial.finish()

    def test_not_a_file(self):
        trial = self.killed()
        kept = trial.path + ".kept"
        for end in ("", "-wal", "-shm"):
            shutil.move(trial.path + end, kept + end)
        os.mkdir(trial.path)
        self.all_refuse(trial)
        os.rmdir(trial.path)
        os.symlink("nowhere", trial.path)
        self.all_refuse(trial)
        os.remove(trial.path)
        for end in ("", "-wal", "-shm"):
            shutil.move(kept + end, trial.path + end)
        trial.finish()


class InUse(Case):
    def test_second_process(self):
        trial = self.trial(slow=1.0)
        process = trial.place.start(*trial.command())
        while not trial.place.journals() or not trial.server.ask("log?0"):
            time.sleep(0.01)
        path = trial.place.journals()[0]
        for command in (["resume", path], ["retry", path]):
            done = trial.place.run(*command)
            self.fails(done, 2, "another moonkey is working on it")
        shown = trial.place.run("runs", "show", path)
        self.assertEqual(shown.code, 0, shown.err.decode())
        trial.last = trial.after(trial.place.finish(process))
        self.assertEqual(trial.last.code, 3)
        trial.check_end()

    def test_credential_is_refused(self):
        trial = self.trial(slow=1.0)
        process = trial.place.start(*trial.command())
        while len(trial.server.ask("log?0")) < 100:
            time.sleep(0.01)
        trial.server.ask("settings", {"credential": "another"})
        self.fails(trial.after(trial.place.finish(process)), 4, "moonkey resume")
        self.assertFalse(len(trial.committed) == len(trial.input.rows))
        trial.server.ask("settings", {"credential": CREDENTIAL})
        trial.finish()


class ChangedInput(Case):
    def test_no_post_is_repeated(self):
        """A run that was killed goes on over a changed input, is killed again, and resumed."""
        trial = self.trial("job", slow=0.5)
        while len(trial.committed) < 50:
            self.assertTrue(trial.once({"CRASH_AT": "sync/wal/25/before"}).killed)
        with open(trial.place.path(trial.source), encoding="utf-8") as f:
            rows = f.read()
        trial.place.write(trial.source, trial.input.rows[0].as_json() + "\n" + rows.replace("row-2 ", "row-9999 "))
        self.refuses(trial, trial.command(), 2, "has changed", "--accept-changes")
        new = ["--accept-changes", "--journal", "new.journal"]
        self.assertTrue(trial.place.run(*trial.command(), *new, orders={"CRASH_AT": "sync/wal/8/after"}).killed)
        self.assertEqual(trial.place.run("resume", "new.journal").code, 3)
        trial.requests()
        posts = collections.Counter(row for method, _, row, _, _ in trial.log if method == "POST")
        self.assertEqual({row: count for row, count in posts.items() if count > 1 and row != 1}, {})
        self.assertEqual(posts[9999], 1)
        self.assertLessEqual(posts[1], 2)  # it is there twice now

    def test_no_post_is_repeated_after_the_end_of_the_input(self):
        """Killed at each commit of a run in which nothing is left to do, and resumed."""
        trial = self.trial("job", rows=40)
        trial.finish()
        with open(trial.place.path(trial.source), encoding="utf-8") as f:
            lines = f.readlines()
        trial.place.write(trial.source, "".join(reversed(lines)))
        new = ["resume", trial.path, "--accept-changes", "--journal", "new.journal"]
        trial.requests()
        for commit in range(1, 100):
            if not trial.place.run(*new, orders={"CRASH_AT": f"sync/wal/{commit}/after"}).killed:
                break
            trial.place.run("resume", "new.journal")  # where it has been begun
            self.assertEqual([r for r in trial.requests() if r[0] == "POST"], [], f"killed after commit {commit}")
            for name in os.listdir(trial.place.directory):
                if name.startswith("new.journal"):
                    os.remove(trial.place.path(name))
        self.assertGreater(commit, 3)


@unittest.skipUnless(os.environ.get(NAMESPACE), "no mount namespace: this system does not allow `unshare -rm`")
class FileSystems(Case):
    """The same with real ones, which fail in their own ways."""

    def mount(self, trial, *options):
        os.makedirs(trial.place.path("state"), exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", trial.place.path("state")], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", trial.place.path("state")], check=True)

    def test_full(self):
        for size in range(100, 400, 60):
            with self.subTest(size=size):
                trial = self.trial("undoable")
                self.mount(trial, f"size={size}k", "mode=0700")
                done = trial.once()
                self.fails(done, 1, "full", "moonkey resume")
                subprocess.run(["mount", "-o", "remount,size=100m", trial.place.path("state")], check=True)
                trial.finish()

    def test_full_from_the_beginning(self):
        trial = self.trial()
        self.mount(trial, "size=16k", "mode=0700")
        self.refuses(trial, trial.command(), 2, "No space left", "--journal FILE")

    def test_read_only(self):
        trial = self.killed()
        subprocess.run(["mount", "--bind", trial.place.path("state"), trial.place.path("state")], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", trial.place.path("state")], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", trial.place.path("state")], check=True)
        self.refuses(trial, ["resume", trial.path], 2, trial.path)
        self.refuses(trial, trial.begin_command(), 2, "--journal FILE", "Read-only file system")
        self.assertEqual(trial.place.run("runs", "list").code, 0)
        shown = trial.place.run("runs", "show", trial.path)
        self.assertEqual(shown.code, 0, shown.err.decode())
        subprocess.run(["mount", "-o", "remount,rw,bind", trial.place.path("state")], check=True)
        trial.finish()


def enter_namespace():
    """Start this program again where it may mount; the servers and moonkeys it starts die with it as ever."""
    allowed = shutil.which("unshare") and subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                                                         capture_output=True, check=False).returncode == 0
    if allowed and NAMESPACE not in os.environ:
        os.execvpe("unshare", ["unshare", "-rm", sys.executable, *sys.argv], {**os.environ, NAMESPACE: "1"})


if __name__ == "__main__":
    if not MOONKEY:
        sys.exit("usage: python3 test_faults.py MOONKEY")
    enter_namespace()
    del sys.argv[1]
    unittest.main(verbosity=1)
