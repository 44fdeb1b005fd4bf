"""A moonkey repl on a pseudo-terminal: type, and wait for what is shown."""
import ctypes
import os
import pty
import re
import select
import signal
import subprocess
import time

from harness import LIBC, MOONKEY, Case, Done, die_with_the_test

TIMEOUT = 12
SEQUENCE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")


def has_libedit():
    with open(MOONKEY, "rb") as f:
        return b"libedit" in f.read()


class Terminal:
    """The person: .shown is all that the terminal got."""

    def __init__(self, case, args, env, width, height):
        self.case, self.shown, self.seen = case, b"", 0
        self.master, slave = pty.openpty()
        self.resize(width, height, slave)

        def take_terminal():
            die_with_the_test()
            LIBC.ioctl(slave, 0x540E, 0)  # TIOCSCTTY

        self.process = subprocess.Popen([MOONKEY, *args], cwd=case.dir, env=case.environment(**env), stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True, preexec_fn=take_terminal)
        os.close(slave)
        case.addCleanup(self.end)

    def resize(self, width, height=24, fd=None):
        LIBC.ioctl(self.master if fd is None else fd, 0x5414, (ctypes.c_ushort * 4)(height, width, 0, 0))  # TIOCSWINSZ

    def read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:  # EIO: nobody holds the other side any more
                data = b""
            self.shown += data
            return data
        return None

    def text(self, begin=0, end=None):
        """What was shown there, less what only moves the cursor and colours."""
        return SEQUENCE.sub(b"", self.shown[begin:end]).decode("utf-8", "replace").replace("\r", "")

    def expect(self, text):
        """Wait until `text` has been shown behind what was expected before."""
        begin, deadline = self.seen, time.monotonic() + TIMEOUT
        while text not in self.text(begin):
            data = self.read(0.5)
            if data == b"" or time.monotonic() > deadline:
                self.case.fail(f"{text!r} did not come; the terminal got {self.shown[begin:][-2000:]!r}")
        first, last = begin, len(self.shown)  # where it ends
        while first < last:
            middle = (first + last) // 2
            first, last = (first, middle) if text in self.text(begin, middle) else (middle + 1, last)
        self.seen = first

    def type(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        while data:
            count = os.write(self.master, data[:2000])
            data = data[count:]
            self.read(0)

    def say(self, line, answer):
        """Type a line, wait for `answer` and the prompt behind it."""
        self.type(line + "\r")
        self.expect("\n")
        self.expect(answer)
        self.expect("> ")

    def leave(self):
        """Ctrl-D at an empty prompt, once that is there; the exit code."""
        deadline = time.monotonic() + TIMEOUT
        while not self.text().endswith("> ") and time.monotonic() < deadline:
            self.read(0.1)
        self.type(b"\x04")
        return self.wait()

    def wait(self):
        deadline = time.monotonic() + TIMEOUT
        while self.process.poll() is None or self.read(0):
            if time.monotonic() > deadline:
                self.case.fail(f"it does not end; the terminal got {self.shown[-2000:]!r}")
            self.read(0.05)
        return self.process.returncode

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.master is not None:
            while self.read(0):
                pass
            os.close(self.master)
            self.master = None
        self.case.said.append(self.shown)


class ReplCase(Case):
    def open(self, *args, env=None, width=100, height=24, term="xterm"):
        """A repl whose first prompt is there."""
        terminal = Terminal(self, args or ("--emulator", "repl"), {"TERM": term, **(env or {})}, width, height)
        terminal.expect(":help")
        terminal.expect("> ")
        return terminal

    def history(self):
        path = self.path(".local/state/moonkey/repl_history")
        return self.read(path).splitlines() if os.path.exists(path) else []

    def pipe(self, text, *args, env=None) -> Done:
        return self.run_moonkey(*(args or ("--emulator", "repl")), stdin=text, env=env)
