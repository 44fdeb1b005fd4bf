"""moonkey worker, against a real Redis and the emulator, with a coordinator that the test plays itself: so each order of events can be
had.

  python3 test_worker.py MOONKEY [unittest's arguments]
"""
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import harness  # noqa: E402
from worker_case import Case  # noqa: E402


class Plain(Case):
    def test_does_what_there_is_and_ends(self):
        run = self.begin()
        for chunk in range(3):
            run.add([self.row(n) for n in range(chunk * 10 + 1, chunk * 10 + 11)])
        done = self.work("--drain")
        self.assertEqual(done.code, 0, done.err)
        results = run.results()
        self.assertEqual(sorted(results), list(range(1, 31)))
        self.assertEqual({r["outcome"] for r in results.values()}, {"done"})
        self.assertEqual(results[7]["id"], self.id(7))
        self.assertEqual(results[7]["status"], 200)
        self.assertEqual(run.chunks(), [])
        self.assertEqual(self.token(self.env, self.id(7))["name"], "Row 7")
        self.assertEqual(run.workers(), {}, "it has left")
        self.assertIn("did 30 rows: 30 done", done.err)


if __name__ == "__main__":
    harness.main()
