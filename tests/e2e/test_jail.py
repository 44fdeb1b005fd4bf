"""What the process itself has given up under --restricted: as the system tells, as code in it finds, and that runs do not notice."""
import http.server
import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
import unittest

from harness import ROOT, Case, is_sanitized, main

GET = ("--restricted", "--allow-api", "GET /accounts/api-tokens/*")
PUT = ("--restricted", "--allow-api", "PUT /accounts/api-tokens/*")
CREDENTIAL = "idt:TKN-0000-0001:madeup0madeup0madeup0"

# Native code in the process, as if a script had found a way to run some: tries things when it gets a signal.
ESCAPE = r"""
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void tell(const char *what, long result)
{
    dprintf(2, "%s: %s\n", what, result < 0 ? strerror(errno) : "done");
}

static void try_all(int signo)
{
    (void)signo;
    tell("read", open(getenv("ESCAPE_READ"), O_RDONLY));
    tell("write", open(getenv("ESCAPE_WRITE"), O_WRONLY | O_CREAT, 0600));
    tell("signal", kill(getppid(), 0));
    tell("fork", fork());
    tell("exec", execl("/bin/echo", "echo", "escaped", (char *)NULL));
    _exit(9);
}

__attribute__((constructor)) static void begin(void)
{
    signal(SIGUSR2, try_all);
}
"""


class Tokens(http.server.BaseHTTPRequestHandler):
    """Each connection is for one request, so that each has to look the name up, and to read the certificates, anew."""

    def do_GET(self):
        body = json.dumps({"id": self.path.rsplit("/", 1)[-1], "name": "over TLS"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Jail(Case):
    def layers(self):
        """Those that this system has, as doctor says."""
        findings = json.loads(self.run_moonkey("--emulator", "doctor", "-o", "json").out)
        findings = findings if isinstance(findings, list) else findings["findings"]
        said = [f["message"] for f in findings if f["check"] == "jail" and f["verdict"] == "ok"]
        return {"seccomp": any("seccomp" in m for m in said), "landlock": any("Landlock" in m for m in said),
                "privileges": any("privileges" in m for m in said)}

    def waiting(self, *args):
        process = self.start(*args, "run", "-e", "io.stdout:setvbuf('no') print('ready')", "-e", "require 'moonkey.task'.sleep(60)")
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def status(self, process):
        with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        return fields["NoNewPrivs"].strip(), fields["Seccomp"].strip()


class System(Jail):
    def test_the_system_tells(self):
        there = self.layers()
        process = self.waiting("--restricted")
        self.assertEqual(self.status(process), ("1" if there["privileges"] else "0", "2" if there["seccomp"] else "0"))

    def test_nothing_is_given_up_otherwise(self):
        process = self.waiting()
        with open("/proc/self/status", encoding="ascii") as f:
            own = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        self.assertEqual(self.status(process), (own["NoNewPrivs"].strip(), own["Seccomp"].strip()))

    def test_doctor_tells_of_each_layer(self):
        done = self.run_moonkey("--emulator", "doctor")
        self.assertEqual(len([line for line in done.out.splitlines() if line.split()[1:2] == ["jail"]]), 3, done.out)


@unittest.skipIf(is_sanitized(), "a preloaded library has no place before the sanitizer's")
@unittest.skipUnless(shutil.which("cc"), "there is no C compiler")
class Escape(Jail):
    def tried(self, *flags):
        self.write("escape.c", ESCAPE)
        self.write("private/key", "made up")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.path("escape.so"), self.path("escape.c")], check=True)
        self.write("scripts/wait.lua", "require 'moonkey.task'.sleep(60)")
        process = self.start(*flags, "run", "scripts/wait.lua", env={
            "LD_PRELOAD": self.path("escape.so"), "ESCAPE_READ": self.path("private/key"), "ESCAPE_WRITE": self.path("private/new")})
        self.wait_for_sleep(process, "--restricted" in flags)
        process.send_signal(signal.SIGUSR2)
        return self.finish(process)

    def wait_for_sleep(self, process, restricted):
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
                jailed = "NoNewPrivs:\t1" in f.read()
            if jailed or not restricted:
                time.sleep(0.5)
                return
            time.sleep(0.01)
        self.fail("it did not begin")

    def test_gains_little(self):
        there = self.layers()
        if not (there["seccomp"] and there["landlock"]):
            self.skipTest("this system has no seccomp, or no Landlock")
        done = self.tried("--restricted")
        said = dict(line.split(": ", 1) for line in done.err.splitlines() if ": " in line)
        self.assertEqual(said, {"read": "Permission denied", "write": "Permission denied", "signal": "Operation not permitted",
                                "fork": "Operation not permitted", "exec": "Operation not permitted"}, done.err)
        self.assertEqual((done.code, done.out), (9, ""))
        self.assertFalse(os.path.exists(self.path("private/new")))

    def test_would_gain_much_otherwise(self):
        done = self.tried()
        self.assertRegex(done.err, "read: done\nwrite: done\nsignal: done\n")
        self.assertRegex(done.out, "escaped")


class Runs(Jail):
    """What goes on working."""

    def test_tls_by_name(self):
        subprocess.run(["sh", os.path.join(ROOT, "tests/fault/certificates.sh"), self.path("pki")], check=True, capture_output=True)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("pki/good.pem"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        code = "for i = 1, 3 do print(assert(token.get('TKN-0000-000' .. i)).name) end"
        env = {"MPT_API_BASE_URL": f"https://localhost:{server.server_port}", "MPT_API_TOKEN": CREDENTIAL}
        done = self.run_moonkey("--cacert", "pki/ca.pem", *GET, "run", "-e", code, env=env)
        self.assertEqual((done.code, done.out), (0, "over TLS\n" * 3), done.err)
        done = self.run_moonkey("--retry", "0", *GET, "run", "-e", code, env=env)  # the system's authorities can be read, too
        self.assertRegex(done.err, "certificate")

    def test_a_module_in_the_home_directory(self):
        self.write("beside.lua", "return 'a module'")
        self.write("main.lua", "print((require 'beside'))")
        done = self.run_moonkey("--restricted", "run", "main.lua")
        self.assertEqual((done.code, done.out), (0, "a module\n"), done.err)

    def test_modules_and_directories(self):
        self.write("scripts/own.lua", "return { name = 'own' }")
        self.write("data/in.txt", "read me")
        os.mkdir(self.path("out"))
        self.write("scripts/main.lua", """
            local own = require "own"
            local from = assert(io.open("data/in.txt"))
            local to = assert(io.open("out/new.txt", "w"))
            to:write(own.name, " ", from:read "a")
            assert(to:close())""")
        done = self.run_moonkey("--restricted", "--allow-read", "data", "--allow-write", "out", "run", "scripts/main.lua")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.read("out/new.txt"), "own read me")

    def rows(self):
        self.write("in/rows.jsonl", "".join(json.dumps({"id": f"TKN-0000-{i:04}", "name": f"n{i}"}) + "\n" for i in range(1, 21)))
        self.write("jobs/names.lua", "return { of = function(row) return row.name .. ' by a job' end }")
        self.write("jobs/job.lua", """
            return function(row)
              local names = require "names"
              local there = io.open("flags/mended")
              if row.id == "TKN-0000-0007" and not there then return nil, "not yet" end
              return token.update(row.id, { name = names.of(row) })
            end""")
        os.mkdir(self.path("flags"))
        os.mkdir(self.path("out"))

    def batch(self, *more):
        return self.run_moonkey("--emulator=tokens.db", *PUT, "--allow-read", "flags", "batch", "in/rows.jsonl", "--job",
                                "jobs/job.lua", "--results", "out/results.jsonl", *more)

    def check_retry(self, run):
        self.write("flags/mended", "")
        done = self.run_moonkey("retry", run, "--results", "out/again.jsonl")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(len(self.read("out/again.jsonl").splitlines()), 1)
        self.assertRegex(self.run_moonkey("resume", run).err, "nothing is left to do")

    def test_a_batch_and_its_retry(self):
        self.rows()
        done = self.batch()
        self.assertEqual(done.code, 3, done.err)
        self.assertNotRegex(done.err, "(?i)permission denied|not permitted|jail")
        self.assertEqual(len(self.read("out/results.jsonl").splitlines()), 20)
        self.check_retry("last")

    def test_a_journal_elsewhere(self):
        self.rows()
        os.mkdir(self.path("journals"))
        done = self.batch("--journal", "journals/run.journal")
        self.assertEqual(done.code, 3, done.err)
        self.assertEqual(os.listdir(self.path("journals")), ["run.journal"])  # its log is gone with the run
        self.check_retry("journals/run.journal")

    def test_the_emulator_ends_with_it(self):
        """A signal can be sent to it no more; that it ends, and not only with its parent, shows in what it has written."""
        done = self.run_moonkey("--emulator=tokens.db", *PUT, "run", "-e",
                                "assert(token.update('TKN-0000-0002', { name = 'kept' }))")
        self.assertEqual(done.code, 0, done.err)
        self.assertFalse(os.path.exists(self.path("tokens.db-wal")))
        done = self.run_moonkey("--emulator=tokens.db", *GET, "run", "-e", "print(token.get('TKN-0000-0002').name)")
        self.assertEqual(done.out, "kept\n", done.err)


if __name__ == "__main__":
    main()
