#!/usr/bin/env python3
"""Allocation-failure sweep: each allocation of a small run fails in turn, and each time the run has to end in order.

    sweep.py MOONKEY once|from [--all] [--only KIND[:N]] [--tls] [--valgrind] [-j N]

The run is smallrun.py's, against a server that has all the memory it wants. In `once` the Nth allocation fails, in `from` the Nth and
all after it; N counts by kind: see failing.c. Whatever fails, the run

    ends by itself, with an exit code that is documented, and says on standard error why it is not 0;
    sends nothing but the requests that were meant, as often as the results tell of attempts;
    reports whole lines, each row at most once, and `done` only where the server has replied (with exit code 0: all of them);
    shows no secret, and keeps no block of memory that its own code has asked for.

Without --all, every so-many-th allocation of a kind is tried (every one of the program's own code, in the plain run),
from a start that is another one each day. --valgrind: a few of them under valgrind, which sees bytes used that must not be.
The long form, for each night: `once --all`, `once --all --tls`, `from --all`.
"""
import argparse
import collections
import concurrent.futures
import datetime
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile

from smallrun import CREDENTIAL, HERE, IDS, TIMEOUT, Place

from casefile import SECRET

CODES = {0, 1, 2, 3, 4}  # documented, and possible here: nothing interrupts these runs
STRIDES = {"own": 1, "curl": 5, "libc": 5, "lua": 499, "other": 997}
FROM_STRIDES = {"own": 2, "curl": 7, "libc": 7, "lua": 997, "other": 997}
TLS_STRIDES = {"own": 3, "curl": 7, "libc": 7, "lua": 1999, "other": 1999}
VALGRIND_STRIDES = {"own": 23, "curl": 83, "libc": 83, "lua": 5999, "other": 5999}
FORBIDDEN = [secret.split(":")[2][10:28].encode() for secret in (CREDENTIAL, SECRET)]  # parts are secret too
TESTS = os.path.dirname(HERE)

# lua-cjson 2.1.0, strbuf_new(): the 40 bytes are lost when there is no memory for the text that belongs to them, and nobody else has
# their address (host/lib/cjson_guard.h).
KNOWN_LEAKS = {"strbuf_new": 1}


def request_form(host, token_id):
    body = '{"name":"CRM robot"}'
    return re.compile((re.escape(f"PUT /public/v1/accounts/api-tokens/{token_id} HTTP/1.1\r\nHost: {host}\r\n") +
                       r"User-Agent: moonkey/[0-9.]+\r\nAccept-Encoding: gzip\r\n(?P<trace>traceparent: [0-9a-f-]{55})\r\n" +
                       re.escape(f"Authorization: Bearer {CREDENTIAL}\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
                                 f"Content-Length: {len(body)}\r\n\r\n{body}")).encode())


def read_rows(data):
    """The rows of JSONL, and what is wrong with it."""
    if data and not data.endswith(b"\n"):
        return [], "the last line is not whole"
    try:
        return [json.loads(line) for line in data.splitlines()], None
    except ValueError as e:
        return [], f"not JSON: {e}"


def check_requests(place, run):
    """Problems, and the rows to whose requests the server has replied."""
    attempts = {row["row"]: row["attempts"] for row in [*read_rows(run.out)[0], *read_rows(run.results)[0]]}
    problems, asked, replied = [], collections.Counter(), set()
    for data, was_replied in run.requests:
        row = next((row for row, token_id in enumerate(IDS, 1) if request_form(place.host, token_id).fullmatch(data)), None)
        if row:
            asked[row] += 1
            replied |= {row} if was_replied else set()
        else:
            problems.append(f"sent something else: {data!r}".replace(CREDENTIAL, "…"))
    problems += [f"row {row} was sent {count} times, but tried {attempts[row]} times" for row, count in asked.items()
                 if count > attempts.get(row, 4)]
    return problems, replied


def check_rows(run, replied):
    for what, data in ("standard output", run.out), ("results", run.results):
        rows, problem = read_rows(data)
        done = {row["row"] for row in rows if row["outcome"] == "done"}
        if problem:
            yield f"{what}: {problem}"
        if len({row["row"] for row in rows}) < len(rows):
            yield f"{what}: a row twice"
        if done - replied:
            yield f"{what}: done, but not replied to: rows {sorted(done - replied)}"
        if run.code == 0 and done != {1, 2, 3}:
            yield f"{what}: exit code 0, but done are only rows {sorted(done)}"


def check_end(run):
    if run.code not in CODES:
        yield f"it did not end in {TIMEOUT} s" if run.code == -signal.SIGKILL else f"exit code {run.code}"
    if run.code != 0 and not run.err.strip():
        yield "nothing on standard error"
    for what, data in ("standard output", run.out), ("standard error", run.err), ("results", run.results):
        if any(secret in data for secret in FORBIDDEN):
            yield f"{what} shows a secret"


def check_report(moonkey, report):
    if not report:
        yield "it ended without coming to an end: no report of failing.c"
    kept = collections.Counter(line.split()[2] for line in report.splitlines() if line.startswith("kept"))
    for offset, count in kept.items():
        where = subprocess.run(["addr2line", "-sfe", moonkey, offset], capture_output=True, text=True, check=False).stdout.split()
        if count > KNOWN_LEAKS.get(where[0], 0):
            yield f"keeps {count} block(s) from {' '.join(where)}"


class Sweep:
    def __init__(self, moonkey, directory, args):
        self.moonkey, self.wrapper = moonkey, ()
        built = os.path.join(os.path.dirname(moonkey), "tests")
        certificates = os.path.join(built, "certificates") if args.tls else None
        if certificates:
            subprocess.run(["sh", os.path.join(TESTS, "fault", "certificates.sh"), certificates], check=True)
        if args.valgrind:
            self.wrapper = ["valgrind", "-q", "--error-exitcode=99", "--trace-children=yes",
                            "--soname-synonyms=somalloc=nouserintercepts",
                            f"--suppressions={os.path.join(TESTS, 'valgrind.supp')}"]
        self.places = queue.Queue()
        for number in range(args.jobs):
            self.places.put(Place(moonkey, os.path.join(directory, str(number)), certificates))
        symbols = subprocess.run(["nm", "-S", moonkey], capture_output=True, text=True, check=True).stdout
        start, size = (int(number, 16) for number in re.search(r"^(\w+) (\w+) t count_alloc$", symbols, re.MULTILINE).groups())
        self.orders = {"LD_PRELOAD": os.path.join(built, "libfailing.so"), "ALLOC_LUA": f"{start:x}-{start + size:x}"}

    def attempt(self, fail, wrapper=None):
        """A run, and what is wrong with it."""
        place = self.places.get()
        try:
            run = place.run({**self.orders, "ALLOC_FAIL": fail}, self.wrapper if wrapper is None else wrapper)
            problems, replied = check_requests(place, run)
            problems += [*check_rows(run, replied), *check_end(run), *check_report(self.moonkey, run.report)]
            return run, problems and [*problems, "it said: " + run.err.decode("utf-8", "replace").strip()]
        finally:
            self.places.put(place)

    def counts(self):
        run, problems = self.attempt("", ())
        if problems:
            sys.exit("without any failure: " + "\n".join(problems))
        return {kind: int(count) for kind, count in (line.split() for line in run.report.splitlines())}

    def stop(self):
        while not self.places.empty():
            self.places.get().stop()


def choose(counts, args):
    """The allocations to fail, as KIND:N."""
    kind, _, number = (args.only or "").partition(":")
    if number:
        return [args.only]
    strides = VALGRIND_STRIDES if args.valgrind else TLS_STRIDES if args.tls else FROM_STRIDES if args.mode == "from" else STRIDES
    today, chosen = datetime.date.today().toordinal(), []
    for name in [kind] if kind else strides:
        stride = 1 if args.all else strides[name]
        # A few more than were counted: no two runs are quite the same.
        chosen += [f"{name}:{n}" for n in range(1 + today % stride, counts[name] + 20, stride)]
    return chosen


def sweep_all(sweep, args):
    counts = sweep.counts()
    print("allocations of a run:", ", ".join(f"{count} {kind}" for kind, count in counts.items()), flush=True)
    chosen = [fail + ("+" if args.mode == "from" else "") for fail in choose(counts, args)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for fail, (_, problems) in zip(chosen, pool.map(sweep.attempt, chosen)):
            for problem in problems:
                print(f"{fail}: {problem}", flush=True)
            failed += bool(problems)
    print(f"{len(chosen)} runs, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("moonkey")
    parser.add_argument("mode", choices=["once", "from"])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", metavar="KIND[:N]")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--valgrind", action="store_true")
    parser.add_argument("-j", type=int, default=2, dest="jobs")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moonkey-alloc.") as directory:
        sweep = Sweep(os.path.abspath(args.moonkey), directory, args)
        try:
            return sweep_all(sweep, args)
        finally:
            sweep.stop()


if __name__ == "__main__":
    sys.exit(main())
