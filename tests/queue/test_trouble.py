"""A batch over a queue to which something happens that is no worker's business: what it reads or writes fails.

  python3 test_trouble.py MOONKEY [unittest's arguments]
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time

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


class Network(Case):
    def test_a_connection_that_breaks_while_leases_are_waited_for(self):
        """A worker that the new server has not heard of may go on until its lease is over: so long nobody gets its rows, whatever else
        happens."""
        process = self.batch()
        worker, other = self.played(), self.played("other")
        worker.beat(3000)
        self.wait_for(lambda: self.journal("SELECT value FROM run WHERE key = 'queue_lease'") == [(3000,)], "the worker is not seen")
        worker.take()
        self.redis.kill()
        restarted = time.monotonic()
        self.redis.start()
        other.side.server = other.side.client.info("server")["run_id"]
        time.sleep(1)
        self.redis.admin.client_kill_filter(_type="normal", skipme=True)
        other.side.client.connection_pool.disconnect()
        self.assertTrue(other.take(1000))
        self.assertGreater(time.monotonic() - restarted, 2.9)
        process.kill()


class Interrupted(Case):
    def test_before_it_knows_what_workers_have(self):
        """What was announced stays open: a worker tells of it still."""
        process = self.batch()
        worker = self.played()
        worker.beat()
        one = worker.take()
        worker.note(one, 2, intent="POST /x")
        self.assertEqual(worker.ack()[0]["row"], 2)
        self.kill(process)
        self.redis.admin.set(worker.side.key("coordinator"), "another", px=9000)
        process = self.again("resume")
        self.wait_for(lambda: self.journal("SELECT count(*) FROM sessions") == [(2,)])
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        self.assert_ended(process, 130)
        self.assertEqual(self.states(), {2: "new"})
        self.redis.admin.delete(worker.side.key("coordinator"))
        process = self.again("resume")
        self.wait_for(lambda: worker.beat()[0] == "open", "the run does not go on")
        worker.finish(one)
        worker.finish(worker.take())
        self.assert_ended(process, 0, "10 done, 0 failed")
        self.assert_all()

    def test_undo_of_a_run_that_workers_are_at_still(self):
        process = self.batch("--undoable")
        worker = self.played()
        chunk = worker.take()
        worker.note(chunk, 1, changes=[{"field": "name", "from": "a", "to": "b"}])
        self.assertTrue(worker.ack())
        self.kill(process)
        done = self.run_moonkey("undo", "run.journal", "--dry-run", env=self.env)
        self.assertIn("may be with workers still, and what they write is not undone: collect it first", done.err)


class Limits(Case):
    def test_the_last_worker_may_write_no_more(self):
        """Another --max-changes of the coordinator would permit nothing."""
        hired = self.hire("--max-changes", "7")
        done = self.assert_ended(self.batch(), 5, "7 done, 0 failed, 3 pending", "has ended because its --max-changes permits no more")
        self.assertIn("go on with `moonkey resume run.journal`\n", done.err)
        self.assert_ended(hired, 5, "--max-changes permits no more writes")


if __name__ == "__main__":
    harness.main()
