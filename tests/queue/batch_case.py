"""What the tests of `batch --queue` share: real coordinators and workers, and a worker that a test plays, which may do as it likes."""
import json
import os
import signal
import sqlite3
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import harness  # noqa: E402
import scripts  # noqa: E402
import server  # noqa: E402
from worker_case import WAIT, WithRedis, eventually  # noqa: E402

LEASE, LONG = 1000, 600000  # ms


class Played:
    """A worker by hand: it takes chunks, and says of them what it is told to."""

    def __init__(self, case, run, name="played"):
        self.case, self.name, self.side = case, name, scripts.Side(case.redis, "worker", run)
        self.announced = set()  # rows

    def beat(self, lease=LEASE, **facts):
        return self.side("beat", self.name, lease, json.dumps({"host": "here", "rate": 5, **facts}))

    def take_now(self, lease=LONG, limit=0.3):
        """(id, deliveries, rows, intents); None if there is no chunk within a moment."""
        answer = eventually(lambda: (lambda words: words if len(words) > 1 else None)(self.side("take", self.name, lease, 5)), limit)
        if not answer:
            return None
        _, id_, text, deliveries, *intents = answer
        return id_, deliveries, json.loads(text), dict(zip(intents[::2], intents[1::2]))

    def take(self, lease=LONG):
        chunk = self.take_now(lease, WAIT)
        self.case.assertTrue(chunk, "there is no chunk")
        return chunk

    def result(self, row, **more):
        return {"row": row["n"], "line": row["l"], "id": row["r"].get("id"), "outcome": "done", "status": 200, "attempts": 1, "ms": 1,
                "hash": row["h"], **({"announced": True} if row["n"] in self.announced else {}), **more}

    def report(self, rows, changes=None, **more):
        results = [self.result(row, **more) for row in rows]
        return json.dumps({"results": results, "changes": len(rows) if changes is None else changes, "retries": 0})

    def finish(self, chunk, text=None, **more):
        id_, deliveries, rows, _ = chunk
        return self.side("finish", self.name, id_, deliveries, text or self.report(rows, **more))

    def note(self, chunk, row, **what):
        intent = [row, what["intent"]] if "intent" in what else []
        self.announced |= set(intent[:1])
        return self.side("note", self.name, chunk[0], chunk[1], json.dumps({"row": row, **what}), *intent)

    def ack(self, limit=10):
        key = f"moonkey:{{{self.side.run}}}:acks:{self.name}"
        found = self.side.client.blpop(key, limit)
        return found and json.loads(found[1])

    def leave(self):
        return self.side("leave", self.name)


class Case(WithRedis):
    def setUp(self):
        super().setUp()
        self.api = self.emulator("--seed", "300")
        self.env = {**self.api.env, "MOONKEY_QUEUE_PASSWORD": server.password_of("coordinator")}
        self.workers = {**self.api.env, "MOONKEY_QUEUE_PASSWORD": server.password_of("worker")}

    @staticmethod
    def id(n):
        return f"TKN-0000-{n:04}"

    def rows(self, count=10, first=2, name="rows.jsonl", ids=None):
        ids = ids or range(first, first + count)
        return self.write(name, "".join(json.dumps({"id": self.id(n), "name": f"Row {i}"}) + "\n" for i, n in enumerate(ids, 1)))

    # ---- coordinators and workers

    def coordinate(self, *args, env=None):
        """`moonkey batch … --queue`, under way."""
        return self.start(*args, "--queue", self.redis.url("coordinator"), "--journal", "run.journal", env={**self.env, **(env or {})})

    def again(self, kind, *args):
        return self.start(kind, "run.journal", *args, env=self.env)

    def batch(self, *args, chunk=5):
        return self.coordinate("batch", self.rows(), "--chunk", str(chunk), *args)

    def hire(self, *args, env=None):
        return self.start("worker", "--queue", self.redis.url("worker"), "--lease", "1s", *args, env={**self.workers, **(env or {})})

    def played(self, name="played"):
        return Played(self, self.run_id(), name)

    def run_id(self):
        ids = self.wait_for(lambda: self.redis.admin.zrange("moonkey:runs", 0, -1), "no run is there")
        self.assertEqual(len(ids), 1)
        self.wait_for(lambda: self.redis.admin.hget(f"moonkey:{{{ids[0]}}}:run", "server"), "nobody vouches for the server")
        return ids[0]

    def wait_for(self, what, message="it does not come true"):
        value = eventually(what)
        self.assertTrue(value, message)
        return value

    def freeze(self, process):
        process.send_signal(signal.SIGSTOP)

    def kill(self, process):
        """As SIGKILL does; nobody counts it as alive any more."""
        process.kill()
        self.finish(process)
        for key in self.redis.admin.keys("moonkey:{*:coordinator"):
            self.redis.admin.delete(key)

    # ---- what came of it

    def journal(self, sql, *values):
        if not os.path.exists(self.path("run.journal")):
            return []
        with sqlite3.connect(f"file:{self.path('run.journal')}?mode=ro", uri=True) as db:
            return db.execute(sql, values).fetchall()

    def states(self):
        """Row → state, as the journal has it."""
        names = ["new", "done", "failed", "unknown", "skipped"]
        return {row: names[state] for row, state in self.journal("SELECT row, state FROM rows ORDER BY row")}

    def entries(self, run, name="results"):
        return self.redis.admin.xrange(f"moonkey:{{{run}}}:{name}")

    def assert_ended(self, process, code=0, *said):
        done = self.finish(process)
        self.assertEqual(done.code, code, done.err)
        for text in said:
            self.assertIn(text, done.err)
        return done

    def assert_all(self, outcome="done", count=10):
        self.assertEqual(self.states(), {row: outcome for row in range(1, count + 1)})

    def assert_purged(self):
        self.assertEqual(self.redis.keys(), [])
