"""A batch over a queue to which something happens that is no worker's business: what it reads or writes fails.

  python3 test_trouble.py MOONKEY [unittest's arguments]
"""
import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from batch_case import Case, harness  # noqa: E402


def feed(pipe, data):
    """To somebody who may end before all is read."""
    try:
        pipe.write(data)
        pipe.close()
    except OSError:
        pass


class Journal(Case):
    def test_one_that_turns_out_to_be_damaged(self):
        """While the input is read, which is done beside all else: the run ends as without a queue, instead of waiting for more rows."""
        rows = 24000 * ['{"id":"TKN-0000-0002","x":1}\n'] + [json.dumps({"id": self.id(n), "name": "x"}) + "\n" for n in range(2, 20)]
        self.write("rows.jsonl", "".join(rows))
        first = self.start("batch", "rows.jsonl", "--max-changes", "9", "--journal", "run.journal", env=self.api.env)
        self.assert_ended(first, 5, "9 done, 24,000 failed")
        process = self.start("resume", "run.journal", "-", "--queue", self.redis.url("coordinator"), "--max-changes", "99", env=self.env,
                             stdin=subprocess.PIPE)
        process.stdin.write(rows[0].encode())
        process.stdin.flush()
        self.run_id()
        with open(self.path("run.journal"), "r+b") as f:  # more than SQLite has read of it yet
            f.seek(8 * 4096)
            f.write(b"\xff" * (os.path.getsize(f.name) - 8 * 4096))
        pipe, process.stdin = process.stdin, None
        threading.Thread(target=feed, args=(pipe, "".join(rows[1:]).encode()), daemon=True).start()
        self.assert_ended(process, 2, "cannot read the journal run.journal: it is damaged")


if __name__ == "__main__":
    harness.main()
