"""A million rows in one run: is memory what ten thousand take, is the journal small, and does `resume` of it start soon?

  python3 tests/crash/scale.py MOONKEY [--rows N] [--jobs J]      MOONKEY: a release, such as that of tests/bench/run.sh

Against nginx on this machine. The run is killed when all but a few rows are done, and resumed. Prints what it measures, and ends
with 1 when something is beyond its limit.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "bench"))

from servers import Nginx, die_with_parent  # noqa: E402

CREDENTIAL = "idt:TKN-9999-0001:" + "CredentialThatMustNeverBeShown42" * 2
SMALL = 10_000
KILL_AT = 0.99  # share of the rows that are done by then
MEMORY, GROWTH, JOURNAL, START = 32 << 20, 0.10, 150_000_000, 2.0  # bytes, share, bytes, seconds


def write_rows(path, count):
    with open(path, "w", encoding="ascii") as f:
        for i in range(count):
            f.write(f'{{"id":"TKN-{i // 10000:04d}-{i % 10000:04d}","name":"CRM robot {i}","description":"Keeps it up to date"}}\n')


class Bench:
    def __init__(self, moonkey, jobs, directory):
        self.moonkey, self.jobs, self.directory = moonkey, jobs, directory
        self.nginx = Nginx(os.path.join(directory, "nginx"))

    def start(self, *arguments):
        env = {"PATH": os.environ["PATH"], "HOME": self.directory, "LC_ALL": "C.UTF-8", "MPT_API_TOKEN": CREDENTIAL,
               "MPT_API_BASE_URL": self.nginx.url}
        if "MOONKEY_LUA" in os.environ:
            env["MOONKEY_LUA"] = os.environ["MOONKEY_LUA"]
        with open(os.path.join(self.directory, "said"), "ab") as said:
            return subprocess.Popen([self.moonkey, *arguments], cwd=self.directory, env=env, stdin=subprocess.DEVNULL,
                                    stdout=said, stderr=said, preexec_fn=die_with_parent)

    def finish(self, process, code):
        """Peak memory in bytes."""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != code:
            with open(os.path.join(self.directory, "said"), encoding="utf-8") as f:
                sys.exit(f"scale: moonkey ended with {process.returncode}; it said:\n{f.read()[-3000:]}")
        return usage.ru_maxrss * 1024

    def wait_for(self, requests, process, pause):
        while self.nginx.requests() < requests:
            if process.poll() is not None:
                sys.exit(f"scale: moonkey ended with {process.returncode} before it had sent {requests} requests")
            time.sleep(pause)

    def journal(self, name):
        path = os.path.join(self.directory, name)
        return sum(os.path.getsize(path + end) for end in ("", "-wal", "-shm") if os.path.exists(path + end))


def batch(bench, count, killed_at=None):
    """Seconds, and peak memory. The journal is `COUNT.journal`."""
    rows = f"{count}.jsonl"
    write_rows(os.path.join(bench.directory, rows), count)
    before, began = bench.nginx.requests(), time.monotonic()
    process = bench.start("batch", rows, "-j", str(bench.jobs), "--journal", f"{count}.journal", "--log-level", "warn")
    if killed_at:
        bench.wait_for(before + killed_at, process, 0.01)
        process.kill()
    memory = bench.finish(process, -signal.SIGKILL if killed_at else 0)
    return time.monotonic() - began, memory


def resume(bench, count):
    """Seconds to the first request, and peak memory."""
    before, began = bench.nginx.requests() + 1, time.monotonic()  # each look at nginx is a request of its own
    process = bench.start("resume", f"{count}.journal", "--log-level", "warn")
    looks = 0
    while bench.nginx.requests() <= before + looks:
        looks += 1
        time.sleep(0.001)
    first = time.monotonic() - began
    return first, bench.finish(process, 0)


def all_done(bench, count):
    shown = subprocess.run([bench.moonkey, "runs", "show", f"{count}.journal", "-o", "json"], cwd=bench.directory,
                           stdout=subprocess.PIPE, check=True)
    return json.loads(shown.stdout)["counts"]["done"] == count


def report(lines):
    failed = False
    for what, value, unit, limit in lines:
        verdict = "" if limit is None else f"   limit {limit:,.4g} {unit}: {'ok' if value <= limit else 'BEYOND IT'}"
        failed = failed or (limit is not None and value > limit)
        print(f"{what:55} {value:12,.4g} {unit:5}{verdict}")
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("moonkey")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=64)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moonkey-scale.") as directory:
        bench = Bench(os.path.abspath(args.moonkey), args.jobs, directory)
        try:
            small_seconds, small = batch(bench, SMALL)
            seconds, large = batch(bench, args.rows, int(args.rows * KILL_AT))
            left = bench.journal(f"{args.rows}.journal")
            first, again = resume(bench, args.rows)
            done = all_done(bench, args.rows)
        finally:
            bench.nginx.stop()
        size = bench.journal(f"{args.rows}.journal")
    mib = 1 << 20
    failed = report([
        (f"{SMALL:,} rows: rows a second", SMALL / small_seconds, "/s", None),
        (f"{SMALL:,} rows: peak memory", small / mib, "MiB", MEMORY / mib),
        (f"{args.rows:,} rows: rows a second", args.rows * KILL_AT / seconds, "/s", None),
        (f"{args.rows:,} rows: peak memory", large / mib, "MiB", min(MEMORY, small * (1 + GROWTH)) / mib),
        ("journal when it was killed, with its log", left / 1e6, "MB", JOURNAL / 1e6),
        ("resume: from the start to the first request", first, "s", START),
        ("resume: peak memory", again / mib, "MiB", MEMORY / mib),
        ("journal at the end", size / 1e6, "MB", JOURNAL / 1e6),
    ])
    if not done:
        print("scale: not every row is recorded as done")
    sys.exit(1 if failed or not done else 0)


if __name__ == "__main__":
    main()
