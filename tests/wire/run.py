#!/usr/bin/env python3
"""Wire and fault tests: run moonkey against a server that does what it is told, and compare what went either way.

    run.py [-j N] MOONKEY [CASE…]        all of wire/cases/ and fault/cases/ without CASE

A case file is sections, each begun by a line `== NAME ARGUMENTS`; what stands before the first is a comment.

    == run ARGS          the command line, split as a shell does; without it `run script.lua`
    == limits ARGS       of prlimit, for the run: --nofile=100
    == script            the text of script.lua                == file NAME [MODE] [times=N]  any other file, beside it
    == stdin [held]      standard input, held open to the end  == env               NAME=VALUE a line; NAME alone unsets
    == server closed     nobody listens on the port
    == tls KIND [VERSION] [clients]      a certificate of certificates.sh, such as good; VERSION is the server's highest, such as 1.1;
                         clients: they must have a certificate
    == nginx KIND        nginx stands in front, with TLS and HTTP/2, and these directives; nginx.log is a line a request, with
                         connection, protocol, method, path and status
    == proxy STATUS      the server is first a proxy that answers CONNECT with STATUS; the CONNECT request of each connection, in full
    == clock N           the run's clock is N times as fast    == host NAME         the name of the server in %HOST
    == dns LIST          what names stand for: see world.c     == lookups N         how many of names there were
    == interrupt NAMES   signals, such as INT,INT, 0.2 s apart, that the run gets when it begins to look up a name
    == accept ACTIONS    what is done about a new connection before anything is read
    == reply STATUS [TYPE] [ACTIONS]     a reply with this body, application/json unless TYPE says otherwise
    == reply [ACTIONS]   a reply in full, head and body; %LEN is the length of the body. ACTIONS: see server.py;
                         gzip: compressed, gzip=2: twice
    == request METHOD PATH               a request with this body, or none, and exactly the headers that moonkey sends
    == request           a request in full
    == requests unordered                they may arrive in any order
    == requests cut                      rows that were under way when the run was cut off may have no result
    == requests LOW..HIGH [unsent]       so many in all; unsent: attempts may fail before a request arrives
    == stdout, stderr    the whole output; with `matches`, a regular expression a line, each found somewhere; with `lacks`, none found
    == result NAME       the whole of a file that the run wrote, also with `matches`
    == exit N            0 without it                          == connections N     how many were made
    == takes LOW..HIGH   seconds from the first connection (if there is none, the start) to the end
    == between N M LOW..HIGH   seconds from the arrival of request N to that of M
    == cpu LOW..HIGH     seconds of processor time             == memory SIZE       at most, such as 100M; not with sanitizers

Times are those of the case's clock: a delay of 60 s takes one second under `clock 60`; processor time is real.
`times=N` at the end of a line with reply, request, accept or file stands for N of them, in which %ROW is 0001 to N; replies with
`times=*` are in turn for all requests after the others. Lines of a head end in CRLF on the wire. A final newline is not part of a
body; other sections keep theirs. Requests are compared in order of arrival; outputs without a section must be empty.

In every case the made-up secrets must appear in no output and no file that the run wrote; and where a batch writes results, each row
has one, in one state, and the server has seen as many requests for its id, with its traceparent, as the results tell of attempts.

    %HOST 127.0.0.1:PORT   %CREDENTIAL and %SECRET: idt:TKN-…:64 letters   %TOKEN the token asked for, with %SECRET   %VERSION of moonkey
    %PORT   %CERTIFICATES the directory with ca.pem   %{x*N} x, N times; in x, \\n and \\xHH for any byte
    %{date+N} the date in N seconds, as HTTP writes it   %TRACEPARENT stands for any well-formed one of a request
"""
import concurrent.futures
import glob
import os
import shlex
import subprocess
import sys
import tempfile
import threading

import compare
from casefile import CREDENTIAL, CaseFile, Failed
from nginx import Nginx
from process import Run, Server, Traffic

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
TIMEOUT = 50


class Host:
    """The moonkey under test."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        said = subprocess.run([self.path, "--version"], capture_output=True, text=True, timeout=TIMEOUT, check=False).stdout
        self.version = (said.split() + ["?", "?"])[1]
        built = os.path.join(os.path.dirname(self.path), "tests")
        self.world, self.certificates = os.path.join(built, "libworld.so"), os.path.join(built, "certificates")
        with open(self.path, "rb") as f:
            self.sanitized = b"__asan_init" in f.read()


def environment(case, host, home, lookups):
    scheme = "https" if case.has("tls") or case.has("nginx") else "http"
    env = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8", "MPT_API_BASE_URL": f"{scheme}://{case.host}",
           "MPT_API_TOKEN": CREDENTIAL}
    for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    if case.has("clock") or case.has("dns"):
        if not os.path.exists(host.world):
            raise Failed(f"{host.world} is not built")
        env.update(LD_PRELOAD=host.world, WORLD_CLOCK=str(case.clock), WORLD_DNS=case.argument("dns"), WORLD_LOOKUPS=lookups)
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    for line in case.text("env").splitlines():
        name, given, value = line.partition("=")
        env.pop(name, None)
        if given:
            env[name] = value
    return env


def write_files(case, cwd):
    paths = set()
    for name, mode, pieces in case.files():
        path = os.path.join(cwd, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as f:
            f.writelines(pieces)
        os.chmod(path, mode)
        paths.add(path)
    return paths


def make_certificates(directory):
    made = subprocess.run(["sh", os.path.join(TESTS, "fault", "certificates.sh"), directory], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if made.returncode != 0:
        raise Failed(f"certificates.sh failed:\n{made.stdout}{made.stderr}")


def written_files(cwd, inputs):
    found = {}
    for directory, _, names in os.walk(cwd):
        for path in {os.path.join(directory, name) for name in names} - inputs:
            with open(path, "rb") as f:
                found[os.path.relpath(path, cwd)] = f.read()
    return found


def execute(case, host, scratch, cwd):
    """Start the server, run moonkey, stop the server: what was found, in a fresh `cwd`."""
    started, run = threading.Event(), None

    def on_signal(name):
        started.wait()
        run.send(name)

    log, lookups = os.path.join(scratch, "server.log"), os.path.join(scratch, "lookups")
    server, nginx = Server(on_signal), None
    case.port = server.port
    try:
        if case.has("nginx"):
            nginx = Nginx(os.path.join(scratch, "nginx"), case.certificate(case.argument("nginx")), server.port, case.text("nginx"))
            case.port = nginx.port
        server.begin({**case.script(), "log": log})
        inputs = write_files(case, cwd)
        wrapper = shlex.split(os.environ.get("MOONKEY_WRAPPER", ""))
        limits = ["prlimit", *shlex.split(case.argument("limits"))] if case.has("limits") else []
        command = [*limits, *wrapper, host.path, *shlex.split(case.argument("run", "run script.lua"))]
        run = Run(command, cwd, environment(case, host, cwd, lookups), case.text("stdin").encode(), case.argument("stdin") == "held")
        started.set()
        if case.has("interrupt"):
            threading.Thread(target=run.send_once_exists, args=(lookups, case.argument("interrupt")), daemon=True).start()
        run.finish(TIMEOUT)
    finally:
        served = nginx.stop() if nginx else b""
        server.stop()
    outputs = {"stdout": run.out, "stderr": run.err, "nginx.log": served, **written_files(cwd, inputs)}
    return run, Traffic(log, lookups), outputs


def run_case(path, host):
    case = CaseFile(path, host.version)
    with tempfile.TemporaryDirectory(prefix="moonkey-wire.") as scratch:
        case.certificates = host.certificates
        if case.has("tls") or case.has("nginx"):
            make_certificates(case.certificates)
        cwd = os.path.join(scratch, "run")
        os.mkdir(cwd)
        run, traffic, outputs = execute(case, host, scratch, cwd)
    if run.expired:
        raise Failed(f"still running after {TIMEOUT} s; it said:\n{(run.out + run.err).decode('utf-8', 'replace')}")
    problems = compare.check_requests(case, traffic) + compare.check_outputs(case, outputs)
    problems += compare.check_proxy(case, traffic)
    problems += compare.check_results(case, outputs, traffic, run.status)
    problems += compare.check_times(case, traffic, run, host.sanitized)
    wanted = int(case.argument("exit", "0"))
    if run.status != wanted:
        problems += f"exit code: expected {wanted}, got {run.status}\n"
        if "stderr:" not in problems:
            problems += "stderr:\n" + run.err.decode("utf-8", "replace")
    return problems


def attempt(path, host):
    try:
        return path, run_case(path, host)
    except Failed as e:
        return path, str(e) + "\n"


def main(argv):
    jobs = 4
    if argv[:1] == ["-j"]:
        jobs, argv = int(argv[1]), argv[2:]
    if not argv:
        print(__doc__, file=sys.stderr)
        return 2
    host = Host(argv[0])
    paths = argv[1:] or sorted(glob.glob(os.path.join(TESTS, "*", "cases", "*.case")))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for path, problems in pool.map(lambda path: attempt(path, host), paths):
            name = os.path.basename(path).removesuffix(".case")
            print(f"{'not ok' if problems else 'ok'} - {name}", flush=True)
            if problems:
                failed += 1
                print("".join(f"    {line}\n" for line in problems.splitlines()), end="", flush=True)
    print(f"{len(paths)} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
