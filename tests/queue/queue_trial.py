"""A run over a queue, and what is checked of it: all that crash/trial.py checks of a run in one process, and of the fleet besides."""
import collections
import contextlib
import sqlite3
import time

from fleet import Failed, Fleet  # before what is in tests/crash, which it makes known
from pace import bucket, excess
from place import Done, Snapshot
from trial import Trial, expect, some

__all__ = ["Failed", "QueueTrial", "Settings", "expect"]

LATE = 1.0  # seconds that may pass from the permit of a start to its arrival on a machine that has other things to do


class Settings:
    """`lease` in seconds; `chunk`: rows; `jobs` of each worker; `rate`: starts a second, 0: as fast as it goes."""

    def __init__(self, workers=3, jobs=8, chunk=10, lease=2, rate=0):
        self.workers, self.jobs, self.chunk, self.lease, self.rate = workers, jobs, chunk, lease, rate

    def rows_of_a_worker(self):
        """That it holds at most: it takes one chunk more when it has fewer rows left than it could begin."""
        return self.jobs + 2 * self.chunk


class QueueTrial(Trial):
    def __init__(self, moonkey, library, mode, count, seed, form, slow, settings):
        self.settings, self.fresh, self.arrived = settings, [], 0
        self.repeatable = 0  # rows that the events so far may have had sent again
        self.glanced, self.over_by_then = 0, set()  # at so many requests, and the rows that had ended before those that came since
        self.over = None  # starts more than the rate, in the worst span
        self.allowances = []  # (time, starts) that the events may have added to the rate
        super().__init__(moonkey, library, mode, count, seed, settings.jobs, form, slow)

    def make_place(self, moonkey, library):
        s = self.settings
        return Fleet(moonkey, library, self.server, s.lease, s.jobs, "job.lua" if self.mode == "job" else None)

    def close(self):
        self.place.stop()
        super().close()

    def begin_command(self):
        rate = ["--rate", f"{self.settings.rate}/s"] if self.settings.rate else []
        return ["batch", *self.what(), "--queue", "URL", "--chunk", str(self.settings.chunk), *rate, "-o", "jsonl"]

    # ---- what arrives at the API

    def poll(self):
        """How many requests have come so far. It waits for none: the workers live on."""
        self.fresh += self.server.ask(f"log?{self.arrived}")
        self.arrived = len(self.log) + len(self.fresh)
        return self.arrived

    def has_written(self):
        """Then there is a journal, too."""
        return self.poll() > 0 and any(method != "GET" for method, *_ in self.log + self.fresh)

    def requests(self):
        self.poll()
        new, self.fresh = self.fresh, []
        self.log += new
        return new

    def writes_since(self, seconds):
        """How many came in the last so many seconds."""
        self.poll()
        late = time.monotonic() - seconds
        starts = self.server.ask(f"starts?{max(0, self.arrived - 5000)}")
        return sum(at >= late for at, _ in starts)

    # ---- at any time

    def glance(self):
        """What has ended is not sent again, not even while the coordinator is away."""
        self.find_journal()
        if not self.path:
            return
        self.poll()
        sent = {row for method, _, row, _, _ in (self.log + self.fresh)[self.glanced:] if method != "GET"}
        expect(not sent & self.over_by_then, f"sent again although they had ended: rows {some(sent & self.over_by_then)}")
        self.over_by_then = self.ended()
        self.glanced = self.poll()

    def ended(self):
        """The rows that have, as the journal says it now; none where it cannot be read at this moment."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as db:
                return {row for row, in db.execute("SELECT row FROM rows WHERE state != 0")}
        except sqlite3.OperationalError:  # it is being made, or was left by one that was killed
            return set()

    # ---- after each session of the coordinator

    def after(self, done):
        self.kills += done.killed
        self.stops += not done.killed
        self.find_journal()
        if not self.path:
            return expect(done.killed, f"{' '.join(self.begin_command())} ended with {done.code}: {done.err.decode()}")
        self.look(done)

    def look_at(self, program):
        """The same while a coordinator is frozen."""
        self.find_journal()
        self.look(Done(None, program.read(program.out), b""))

    def look(self, done):
        ended = Snapshot(self.path).ended()  # before what has come, which may be of rows that it has not
        self.check_recorded(ended, {row for method, _, row, _, _ in self.requests() if method != "GET" and row}, done)

    # ---- at the end

    def check_fleet(self):
        self.check_end()
        self.check_repeats()
        self.check_rate()
        self.check_report()
        self.check_purged()
        self.check_redis()

    def repeats(self):
        """Row → calls for it beyond the first: attempts of one call, as after a 503, have one trace-id."""
        calls = collections.defaultdict(set)
        for (method, _, row, _, _), (_, trace) in zip(self.log, self.server.ask("starts?0")):
            if method != "GET" and row:
                calls[row].add(trace)
        return {row: len(traces) - 1 for row, traces in calls.items() if len(traces) > 1}

    def check_repeats(self):
        self.most_repeated = sum(self.repeats().values())
        expect(self.most_repeated <= self.repeatable,
               f"{self.most_repeated} writes were repeated, and only {self.repeatable} rows were held when something happened")

    def most_interrupted(self):
        return self.repeatable

    def check_rate(self):
        rate = self.settings.rate
        if not rate:
            return
        times = [at for at, _ in self.server.ask("starts?0")]
        self.over, lag = excess(times, rate, self.allowances, 3 * self.settings.lease), self.server.ask("lag")
        expect(self.over <= bucket(rate) + rate * (LATE + lag),
               f"{self.over:.1f} starts more than {rate}/s came in some span (lag {lag:.2f} s)")

    def check_report(self):
        done = self.place.run("report", self.path)
        expect(done.code == 0, f"report ended with {done.code}: {done.err.decode()}")
        done = self.place.run("runs", "show", self.path)
        expect(done.code == 0, f"runs show ended with {done.code}: {done.err.decode()}")

    def check_purged(self):
        deadline = time.monotonic() + 10
        while self.left() and time.monotonic() < deadline:
            time.sleep(0.05)
        expect(not self.left(), f"the run has ended, and Redis still has {self.place.redis.dump()}")

    def left(self):
        """Keys that stay. Answers for a worker that was killed do not, when another session has given them."""
        admin = self.place.redis.admin
        return [key for key in self.place.redis.keys() if ":acks:" not in key or not 0 <= admin.ttl(key) <= 60 + 2 * self.settings.lease]

    # ---- secrets

    def check_redis(self):
        """Nothing that is a secret is in what Redis holds, nor in what it keeps on the disk."""
        for key, text in self.place.redis.dump().items():
            self.look_for_secrets(key, text.encode())
        for name, data in self.place.redis.files():
            self.look_for_secrets(name, data)

    def look_for_secrets(self, name, data):
        super().look_for_secrets(name, data)
        for password in self.place.passwords():
            expect(password.encode() not in data, f"the password {password} is in {name}")

    def check_visible(self):
        for program in self.place.workers + self.place.others:
            if program.age() > 1:  # it has read its environment by then
                self.look_for_secrets(f"arguments and environment of {program.name}", program.visible())
