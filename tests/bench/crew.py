"""A Redis, and workers on it, over which runs go: what such a run took, and which process took it. All of them die with the bench."""
import json
import os
import re
import subprocess
import sys
import time

from contenders import SYSTEM_PYTHON, Wrong

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "..", "queue"))  # before that of the wire tests, which has a server.py, too

from scripts import rules  # noqa: E402
from server import Redis, die_with_the_test, password_of  # noqa: E402

ALL_READY, LONGEST = 30, 600  # seconds
OUTER = re.compile(r"cmdstat_(evalsha|eval|xread|rpush|expire|blpop)$")  # what only a client calls, and no script


def missing():
    """Why there can be no queue; None if there can."""
    try:
        subprocess.run(["redis-server", "--version"], capture_output=True, check=True)
    except OSError:
        return "redis-server is not installed"
    return None


def cpu_of(pid):
    """CPU seconds of all its threads."""
    nanoseconds = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as f:
            nanoseconds += int(f.read().split()[0])
    return nanoseconds / 1e9


class RunOverQueue:
    """What a run of so many rows took: seconds from the coordinator's start to its exit; CPU seconds by `coordinator`, `workers` (all of
    them) and `redis` meanwhile; bytes to and from Redis; commands, and those of them that came over the network."""

    def __init__(self, rows, seconds, cpu, before, after):
        self.rows, self.seconds, self.cpu = rows, seconds, cpu
        self.bytes_in, self.bytes_out, self.commands, self.calls = (b - a for a, b in zip(before, after))

    def rate(self):
        return self.rows / self.seconds

    def cpu_us(self, who=None):
        return (self.cpu[who] if who else sum(self.cpu.values())) / self.rows * 1e6

    def share(self, who):
        """Of one core."""
        return self.cpu[who] / self.seconds


class Crew:
    """`count` workers, each with `place.jobs` rows at a time, for runs against the API at `url`; with a job file, or without."""

    def __init__(self, place, url, count, job=None):
        self.place, self.api, self.job, self.workers = place, url, job, []
        self.redis = Redis(users={name: rules(name) for name in ("worker", "coordinator")})
        try:
            self.workers = [self.start_worker() for _ in range(count)]
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait()
        self.redis.stop()

    def environment(self, user):
        return {**self.place.environment(self.api), "MOONKEY_QUEUE_PASSWORD": password_of(user)}

    def start(self, user, arguments):
        log = self.place.path(f"{user}.err")
        with open(log, "ab") as err:
            command = [self.place.moonkey, *arguments, "--queue", self.redis.url(user), *(["--job", self.job] if self.job else [])]
            return subprocess.Popen(command, cwd=self.place.work, env=self.environment(user), stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=err, preexec_fn=die_with_the_test)

    def start_worker(self):
        return self.start("worker", ["worker", "-j", str(self.place.jobs)])

    def wait_until_ready(self):
        """All of them are connected, and wait for a run."""
        deadline = time.monotonic() + ALL_READY
        while sum(client["user"] == "worker" for client in self.redis.admin.client_list()) < len(self.workers):
            if time.monotonic() > deadline or any(worker.poll() is not None for worker in self.workers):
                raise Wrong(f"the workers did not start; they said: {self.said('worker')}")
            time.sleep(0.05)

    def said(self, user):
        with open(self.place.path(f"{user}.err"), encoding="utf-8", errors="replace") as f:
            return f.read()[-1000:]

    @staticmethod
    def count(by_command, name):
        return by_command.get(f"cmdstat_{name}", {"calls": 0})["calls"]

    def redis_numbers(self):
        stats, by_command = self.redis.admin.info("stats"), self.redis.admin.info("commandstats")
        calls = sum(numbers["calls"] for name, numbers in by_command.items() if OUTER.match(name))
        calls += self.count(by_command, "xdel") - self.count(by_command, "xack")  # a script does both, the coordinator one
        return (stats["total_net_input_bytes"], stats["total_net_output_bytes"], stats["total_commands_processed"], calls)

    def cpu(self):
        used = self.redis.admin.info("cpu")
        return {"workers": sum(cpu_of(worker.pid) for worker in self.workers),
                "redis": used["used_cpu_user"] + used["used_cpu_sys"]}

    def run(self, rows, chunk=100):
        results = self.place.path("results.jsonl")
        for name in ("results.jsonl", "run.journal", "run.journal-wal", "run.journal-shm"):
            if os.path.exists(self.place.path(name)):
                os.remove(self.place.path(name))
        arguments = ["batch", self.place.rows(rows), "--chunk", str(chunk), "--results", results,
                     "--journal", self.place.path("run.journal")]
        before, cpu, began = self.redis_numbers(), self.cpu(), time.monotonic()
        process = self.start("coordinator", arguments)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        used = {who: after - cpu[who] for who, after in self.cpu().items()}
        self.check(process.returncode, results, rows)
        return RunOverQueue(rows, seconds, {"coordinator": usage.ru_utime + usage.ru_stime, **used}, before, self.redis_numbers())

    def check(self, code, results, rows):
        if code != 0:
            raise Wrong(f"the coordinator ended with {code}: {self.said('coordinator')}")
        with open(results, encoding="utf-8") as f:
            done = sum(json.loads(line)["outcome"] == "done" for line in f)
        if done != rows:
            raise Wrong(f"its results have {done} rows that are done, of {rows}")
