#!/usr/bin/env python3
"""Wire tests: run moonkey against a scripted server, and compare every byte that went either way.

    run.py [-j N] MOONKEY [CASE…]        all of cases/ without CASE

A case file is sections, each begun by a line `== NAME ARGUMENTS`; what stands before the first is a comment.

    == run ARGS          the command line, split as a shell does; without it `run script.lua`
    == script            the text of script.lua                == file NAME [MODE]  any other file, beside it
    == stdin             standard input                        == env               NAME=VALUE a line; NAME alone unsets
    == reply STATUS [TYPE] [ACTIONS]     a reply with this body, application/json unless TYPE says otherwise
    == reply [ACTIONS]   a reply in full, head and body; %LEN is the length of the body. ACTIONS: see server.py;
                         gzip: compressed
    == request METHOD PATH               a request with this body, or none, and exactly the headers that moonkey sends
    == request           a request in full                  times=N at the end of either stands for N of them
    == stdout, stderr    the whole output; with `matches`, a regular expression a line, each found somewhere; with `lacks`, none found
    == result NAME       the whole of a file that the run wrote, also with `matches`
    == exit N            0 without it                          == connections N     how many were made

Lines of a head end in CRLF on the wire. A final newline is not part of a body; other sections keep theirs. Requests are compared in
order of arrival; outputs without a section must be empty. The made-up secrets must appear in no output and no file that the run wrote.

    %HOST 127.0.0.1:PORT   %CREDENTIAL and %SECRET: idt:TKN-…:64 letters   %TOKEN a token object, with %SECRET   %VERSION of moonkey
    %{x*N} x, N times      %TRACEPARENT stands for any well-formed one of a request
"""
import concurrent.futures
import ctypes
import difflib
import glob
import gzip
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile

from server import Reply, Server, simple_reply

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT = 30
LIBC = ctypes.CDLL(None)
CREDENTIAL = "idt:TKN-0000-0001:" + "CredentialThatMustNeverBeShown42" * 2
SECRET = "idt:TKN-0000-0007:" + "SecretOfATokenThatMustNotBeShown" * 2
FORBIDDEN = [CREDENTIAL.split(":")[2].encode(), SECRET.split(":")[2].encode()]
TOKEN = ('{"id":"TKN-0000-0007","name":"CRM robot","description":null,"icon":null,"status":"Active","token":"%s",'
         '"account":{"id":"ACC-0001-0001","type":"Client"},"modules":[{"id":"MOD-1756","name":"Access Management"}]}' % SECRET)
TRACEPARENT = re.compile(rb"(\r\ntraceparent: )00-[0-9a-f]{32}-[0-9a-f]{16}-01(?=\r\n)")
SECTIONS = {"run", "script", "file", "stdin", "env", "reply", "request", "stdout", "stderr", "result", "exit", "connections"}


class Failed(Exception):
    pass


def parse(text):
    sections, lines = [], None
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if line.startswith("== "):
            name, _, argument = line[3:].strip().partition(" ")
            if name not in SECTIONS:
                raise Failed(f"line {number}: unknown section {name!r}")
            lines = []
            sections.append((name, argument.strip(), lines))
        elif lines is not None:
            lines.append(line)
    return [(name, argument, "".join(lines)) for name, argument, lines in sections]


def in_full(text):
    """Head and body as they stand in the file → bytes."""
    head, _, body = text.partition("\n\n")
    body = body.removesuffix("\n").encode()
    head = head.removesuffix("\n").replace("\n", "\r\n").replace("%LEN", str(len(body)))
    return head.encode() + b"\r\n\r\n" + body


def make_reply(argument, text):
    words = argument.split()
    status = int(words.pop(0)) if words and words[0].isdigit() else None
    content_type = words.pop(0) if words and "/" in words[0] else "application/json"
    actions = dict(word.partition("=")[::2] for word in words)
    if "gzip" in actions:
        body = gzip.compress(text.removesuffix("\n").encode())
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        return Reply(head.encode() + body)
    if status:
        return Reply(simple_reply(status, text.removesuffix("\n").encode(), content_type), **actions)
    return Reply(in_full(text) if text.strip() else b"", **actions)


def make_request(argument, text, fill):
    if not argument:
        return in_full(text)
    body = text.removesuffix("\n").encode()
    head = (f"{argument} HTTP/1.1\nHost: %HOST\nUser-Agent: moonkey/%VERSION\nAccept-Encoding: gzip\n"
            "traceparent: %TRACEPARENT\nAuthorization: Bearer %CREDENTIAL\nAccept: application/json\n")
    if body:
        head += f"Content-Type: application/json\nContent-Length: {len(body)}\n"
    return in_full(fill(head)) + body


def diff(what, expected, actual):
    """A unified diff in which every byte can be seen."""
    def lines(data):
        return [repr(line)[2:-1][:2000] for line in data.splitlines(keepends=True)]
    text = "\n".join(difflib.unified_diff(lines(expected), lines(actual), "expected", "actual", lineterm="", n=99))
    return f"{what}:\n{text}\n"


def check_output(what, how, expected, actual):
    text = actual.decode("utf-8", "replace")
    if not how:
        return "" if actual == expected.encode() else diff(what, expected.encode(), actual)
    problems = ""
    for pattern in filter(None, expected.splitlines()):
        if bool(re.search(pattern, text, re.MULTILINE)) != (how == "matches"):
            problems += f"{what}: {how} {pattern!r}: no. It is:\n{text}\n"
    return problems


def prepare_child():
    LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Case:
    def __init__(self, path, moonkey, version):
        self.path, self.moonkey, self.version = path, moonkey, version
        with open(path, encoding="utf-8", newline="") as f:
            self.sections = parse(f.read())
        self.child = None

    def all(self, *names):
        return [(name, argument, text) for name, argument, text in self.sections if name in names]

    def one(self, name, otherwise=("", "")):
        found = self.all(name)
        return found[0][1:] if found else otherwise

    def repeated(self, name):
        """Arguments and texts of the sections of this name, as often as times=N says."""
        for _, argument, text in self.all(name):
            times = re.search(r" ?\btimes=(\d+)", argument)
            for _ in range(int(times[1]) if times else 1):
                yield (argument.replace(times[0], "") if times else argument), text

    def fill(self, text):
        for name, value in (("%TOKEN", TOKEN), ("%HOST", self.host), ("%CREDENTIAL", CREDENTIAL), ("%SECRET", SECRET),
                            ("%VERSION", self.version)):
            text = text.replace(name, value)
        return re.sub(r"%\{(.)\*(\d+)\}", lambda m: m[1] * int(m[2]), text)

    def environment(self, home):
        env = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8", "MPT_API_BASE_URL": "http://" + self.host,
               "MPT_API_TOKEN": CREDENTIAL}
        for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        for line in self.fill(self.one("env")[1]).splitlines():
            name, given, value = line.partition("=")
            env.pop(name, None)
            if given:
                env[name] = value
        return env

    def run(self):
        server = Server(on_signal=lambda name: self.child.send_signal(getattr(signal, "SIG" + name)))
        self.host = f"127.0.0.1:{server.port}"
        server.replies = [make_reply(argument, self.fill(text)) for argument, text in self.repeated("reply")]
        try:
            with tempfile.TemporaryDirectory(prefix="moonkey-wire.") as cwd:
                out, err, status = self.execute(cwd)
                return self.compare(cwd, server, out, err, status)
        finally:
            server.stop()

    def execute(self, cwd):
        self.inputs = set()
        for name, argument, text in self.all("file", "script"):
            name, _, mode = argument.partition(" ")
            target = os.path.join(cwd, name or "script.lua")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w", encoding="utf-8", newline="") as f:
                f.write(self.fill(text))
            os.chmod(target, int(mode or "644", 8))
            self.inputs.add(target)
        args = shlex.split(self.fill(self.one("run", ("run script.lua", ""))[0]))
        wrapper = shlex.split(os.environ.get("MOONKEY_WRAPPER", ""))
        self.child = subprocess.Popen([*wrapper, self.moonkey, *args], cwd=cwd, env=self.environment(cwd), stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                                      preexec_fn=prepare_child)
        try:
            out, err = self.child.communicate(self.fill(self.one("stdin")[1]).encode(), timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            out, err = self.child.communicate()
            raise Failed(f"still running after {TIMEOUT} s; it said:\n{(out + err).decode('utf-8', 'replace')}") from None
        finally:
            try:
                os.killpg(self.child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return out, err, self.child.returncode

    def compare(self, cwd, server, out, err, status):
        problems = ""
        expected = [make_request(argument, self.fill(text), self.fill) for argument, text in self.repeated("request")]
        for i in range(max(len(expected), len(server.requests))):
            wanted = expected[i] if i < len(expected) else b""
            got = TRACEPARENT.sub(rb"\1%TRACEPARENT", server.requests[i]) if i < len(server.requests) else b""
            if wanted != got:
                problems += diff(f"request {i + 1}", wanted, got)
        connections = self.one("connections")[0]
        if connections and int(connections) != server.connections:
            problems += f"connections: expected {connections}, there were {server.connections}\n"
        outputs = {"stdout": out, "stderr": err}
        for name in outputs:
            for _, how, text in self.all(name) or [(name, "", "")]:
                problems += check_output(name, how, self.fill(text), outputs[name])
        for directory, _, names in os.walk(cwd):
            for path in {os.path.join(directory, name) for name in names} - self.inputs:
                with open(path, "rb") as f:
                    outputs[os.path.relpath(path, cwd)] = f.read()
        for _, argument, text in self.all("result"):
            name, _, how = argument.partition(" ")
            problems += check_output(name, how, self.fill(text), outputs.get(name, b"(no such file)"))
        for name, data in outputs.items():
            if any(secret in data for secret in FORBIDDEN):
                problems += f"{name}: shows a secret\n"
        wanted = int(self.one("exit", ("0", ""))[0])
        if status != wanted:
            problems += f"exit code: expected {wanted}, got {status}\n"
            if not problems.count("stderr:"):
                problems += "stderr:\n" + err.decode("utf-8", "replace")
        return problems


def attempt(path, moonkey, version):
    try:
        return path, Case(path, moonkey, version).run()
    except Failed as e:
        return path, str(e) + "\n"


def main(argv):
    jobs = 4
    if argv[:1] == ["-j"]:
        jobs, argv = int(argv[1]), argv[2:]
    if not argv:
        print(__doc__, file=sys.stderr)
        return 2
    moonkey = os.path.abspath(argv[0])
    said = subprocess.run([moonkey, "--version"], capture_output=True, text=True, timeout=TIMEOUT, check=False).stdout
    version = said.split()[-1] if said.split() else "?"
    paths = argv[1:] or sorted(glob.glob(os.path.join(HERE, "cases", "*.case")))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for path, problems in pool.map(lambda path: attempt(path, moonkey, version), paths):
            name = os.path.basename(path).removesuffix(".case")
            print(f"{'not ok' if problems else 'ok'} - {name}", flush=True)
            if problems:
                failed += 1
                print("".join(f"    {line}\n" for line in problems.splitlines()), end="", flush=True)
    print(f"{len(paths)} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
