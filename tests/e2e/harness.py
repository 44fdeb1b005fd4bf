"""What the end-to-end tests share: run moonkey in a directory of its own, start emulators, and look for secrets in all that was said.

Each test file is run as `python3 test_x.py MOONKEY [unittest's arguments]`.
"""
import ctypes
import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import unittest

MOONKEY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(ROOT, "scripts", "examples")
TIMEOUT = 90
LIBC = ctypes.CDLL(None)
SECRET = re.compile(rb"idt:TKN-\d{4}-\d{4}:[A-Za-z0-9]{6,}")


def die_with_the_test():
    LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Done:
    def __init__(self, code, out, err, max_kib=0):
        self.code, self.out, self.err, self.max_kib = code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), max_kib

    def results(self):
        return [json.loads(line) for line in self.out.splitlines()]


class Emulator:
    """A running `moonkey emulator`; .env is what its two export lines say."""

    def __init__(self, case, *args):
        self.process = subprocess.Popen([MOONKEY, "emulator", "--port", "0", *args], cwd=case.dir, env=case.environment(),
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_the_test)
        case.addCleanup(self.kill)
        self.lines = [self.process.stdout.readline().decode() for _ in range(2)]
        self.env = {}
        for line in self.lines:
            words = shlex.split(line)
            if len(words) == 2 and words[0] == "export":
                name, _, value = words[1].partition("=")
                self.env[name] = value
        self.url = self.env.get("MPT_API_BASE_URL")
        self.credential = self.env.get("MPT_API_TOKEN")

    def end(self, signo):
        self.process.send_signal(signo)
        _, err = self.process.communicate(timeout=20)
        return Done(self.process.returncode, b"", err)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.process.stdout.close()
        self.process.stderr.close()


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="moonkey-e2e.")
        self.addCleanup(directory.cleanup)
        self.dir = directory.name
        self.said = []  # everything that a moonkey has said, to be looked through at the end

    def tearDown(self):
        for text in self.said:
            found = SECRET.search(text)
            self.assertIsNone(found, f"a secret was shown: …{text[max(0, found.start() - 200):found.end()]!r}" if found else "")

    def environment(self, **more):
        env = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS") if name in os.environ}
        env.update(HOME=self.dir, LC_ALL="C.UTF-8")
        env.update(more)
        return {name: value for name, value in env.items() if value is not None}

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8", newline="") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        return name

    def read(self, name):
        with open(self.path(name), "rb") as f:
            data = f.read()
        self.said.append(data)
        return data.decode()

    def start(self, *args, env=None, stdin=subprocess.DEVNULL, program=MOONKEY, new_group=False):
        process = subprocess.Popen([program, *args], cwd=self.dir, env=self.environment(**(env or {})), stdin=stdin,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_the_test,
                                   start_new_session=new_group)
        self.addCleanup(self.reap, process)
        return process

    def reap(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def finish(self, process, stdin=None):
        out, err = process.communicate(stdin, timeout=TIMEOUT)
        self.said += [out, err]
        return Done(process.returncode, out, err)

    def run_moonkey(self, *args, env=None, stdin=None, program=MOONKEY):
        data = stdin.encode() if isinstance(stdin, str) else stdin
        process = self.start(*args, env=env, stdin=subprocess.DEVNULL if data is None else subprocess.PIPE, program=program)
        return self.finish(process, data)

    def run_on_terminal(self, *args, env=None, width=100, answers=(), stderr=None, program=MOONKEY):
        """With standard error on a terminal, which /dev/tty is, too; .err is all that the terminal got.

        answers: (question, what is typed) in order; each is typed once the text of its question is there. A number in place of
        what is typed is a pause. stderr: a file for standard error instead.
        """
        master, slave = pty.openpty()
        LIBC.ioctl(slave, 0x5414, (ctypes.c_ushort * 4)(24, width, 0, 0))  # TIOCSWINSZ

        def take_terminal():
            die_with_the_test()
            LIBC.ioctl(slave, 0x540E, 0)  # TIOCSCTTY

        process = subprocess.Popen([program, *args], cwd=self.dir, env=self.environment(**{"TERM": "xterm", **(env or {})}),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr or slave, pass_fds=[slave],
                                   start_new_session=True, preexec_fn=take_terminal)
        self.addCleanup(self.reap, process)
        os.close(slave)
        shown = self.converse(master, list(answers))
        os.close(master)
        out = process.communicate(timeout=20)[0]
        self.said += [out, shown]
        return Done(process.returncode, out, shown)

    def converse(self, master, answers):
        """All that comes out of the terminal, until nobody holds its other side any more."""
        shown, seen, deadline = b"", 0, time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            while answers and answers[0][0].encode() in shown[seen:]:
                question, typed = answers.pop(0)
                if isinstance(typed, str):
                    seen = shown.index(question.encode(), seen) + len(question.encode())
                    os.write(master, typed.encode())
                else:
                    time.sleep(typed)
            if not select.select([master], [], [], 1)[0]:
                continue
            try:
                chunk = os.read(master, 65536)
            except OSError:  # EIO
                break
            if not chunk:
                break
            shown += chunk
        self.assertEqual(answers, [], f"not asked; the terminal got {shown!r}")
        return shown

    def emulator(self, *args):
        return Emulator(self, *args)

    def token(self, env, token_id):
        """The token as a script sees it, without its secret."""
        code = 'print(require("moonkey.json").encode(assert(token.get(...))))'
        self.write("get.lua", code)
        done = self.run_moonkey("run", "get.lua", token_id, env=env)
        self.assertEqual(done.code, 0, done.err)
        return json.loads(done.out)


def is_sanitized():
    with open(MOONKEY, "rb") as f:
        return b"__asan_init" in f.read()


def main():
    if not MOONKEY:
        sys.exit("usage: python3 test_x.py MOONKEY")
    unittest.main(verbosity=1)
