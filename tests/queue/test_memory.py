"""A command that connects to Redis while memory runs out: whatever allocation of libcurl's or of the C library's fails, it ends, says
why, keeps nothing, and does not wait for what cannot come.

  python3 test_memory.py MOONKEY [unittest's arguments]
"""
import os
import subprocess
import sys
import tempfile
import unittest

import scripts
import server

MOONKEY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None
USER = "coordinator"
KINDS = ("curl", "libc")  # of ../alloc/failing.c, and its others: those by which connecting fails at different steps
TIMEOUT = 30


class Memory(unittest.TestCase):
    def setUp(self):
        self.library = os.path.join(os.path.dirname(MOONKEY), "tests", "libfailing.so")
        if not os.path.exists(self.library):
            self.skipTest(f"there is no {self.library}")
        self.redis = server.Redis(users=scripts.users())
        self.addCleanup(self.redis.stop)
        home = tempfile.TemporaryDirectory(prefix="moonkey-memory.")
        self.addCleanup(home.cleanup)
        self.environment = {"PATH": os.environ["PATH"], "HOME": home.name, "LC_ALL": "C.UTF-8", "MOONKEY_MALLOC": "1",
                            "MOONKEY_QUEUE_PASSWORD": server.password_of(USER), "LD_PRELOAD": self.library}

    def status(self, fail=""):
        """Exit code, standard error, and the lines of the report."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as report:
            done = subprocess.run([MOONKEY, "queue", "status", "--queue", self.redis.url(USER)], capture_output=True, text=True,
                                  timeout=TIMEOUT, check=False, pass_fds=[report.fileno()], preexec_fn=server.die_with_the_test,
                                  env={**self.environment, "ALLOC_FAIL": fail, "ALLOC_REPORT": str(report.fileno())})
            report.seek(0)
            return done.returncode, done.stderr, report.read().splitlines()

    def test_each_fails_in_turn(self):
        code, err, report = self.status()
        self.assertEqual(code, 0, err)
        counts = {kind: int(count) for kind, count in (line.split() for line in report if not line.startswith("kept"))}
        failed = 0
        for fail in (f"{kind}:{n}" for kind in KINDS for n in range(1, counts[kind] + 3)):
            with self.subTest(fail):
                code, err, report = self.status(fail)
                self.assertIn(code, (0, 1, 2), err)
                self.assertTrue(code == 0 or err.strip())
                self.assertNotIn("wait for each other", err)
                self.assertNotIn("MustNeverBeShown", err)
                self.assertTrue(report, "it ended without coming to an end")
                self.assertEqual([line for line in report if line.startswith("kept")], [])
                failed += code != 0
        self.assertGreater(failed, 20)  # so they do fail


if __name__ == "__main__":
    if not MOONKEY:
        sys.exit("usage: python3 test_memory.py MOONKEY")
    unittest.main()
