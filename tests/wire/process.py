"""The two processes of a case: the server (server.py) and moonkey. Both die with the runner."""
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
LIBC = ctypes.CDLL(None)


def die_with_parent():
    LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Server:
    """`on_signal(name)` is called, in a thread of its own, when the script wants moonkey to get that signal."""

    def __init__(self, on_signal):
        self.on_signal = on_signal
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "server.py")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.port = int(self.expect("port"))

    def begin(self, script):
        """It does as the script says when this returns."""
        self.tell(json.dumps(script))
        self.expect("ready")
        threading.Thread(target=self.listen, daemon=True).start()

    def expect(self, word):
        line = self.process.stdout.readline().split()
        if line[:1] != [word]:
            raise OSError("the server did not start; what it said is above")
        return line[-1]

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def listen(self):
        for line in self.process.stdout:
            try:
                self.on_signal(line.split()[1])
                self.tell("sent")
            except (ProcessLookupError, ValueError):  # moonkey, or the server, has gone
                pass

    def stop(self):
        """Its log is complete afterwards."""
        self.process.stdin.close()
        self.process.wait()


class Traffic:
    """What the server's log says. `requests` are the raw bytes, and `times` when each was there, in order of arrival."""

    def __init__(self, path, lookups):
        with open(path, encoding="utf-8") as f:
            self.events = [json.loads(line) for line in f]
        self.lookups = sum(1 for _ in open(lookups, "rb")) if os.path.exists(lookups) else 0
        self.connections = len(self.all("accepted"))
        self.requests, self.times = [], []
        streams = {}
        for event in self.events:
            number = event["connection"]
            if event["what"] == "bytes":
                streams.setdefault(number, bytearray()).extend(event["data"].encode("latin-1"))
            elif event["what"] == "request":
                self.requests.append(bytes(streams[number][event["from"]:event["to"]]))
                self.times.append(event["at"])
        self.received = {number: len(stream) for number, stream in streams.items()}

    def all(self, what):
        return [event for event in self.events if event["what"] == what]

    def stray(self):
        """Bytes that belong to no request."""
        left = Counter(self.received)
        for event in self.all("request"):
            left[event["connection"]] -= event["to"] - event["from"]
        return "".join(f"connection {number}: {count} bytes that belong to no request\n" for number, count in left.items() if count)

    def began(self):
        accepted = self.all("accepted")
        return accepted[0]["at"] if accepted else None


class Run:
    """One run of moonkey; after finish(): out, err, status, cpu (seconds), memory (bytes), started and ended (monotonic time)."""

    def __init__(self, command, cwd, env, stdin, held=False):
        self.expired, self.held, self.gone = False, held, threading.Event()
        self.started = time.monotonic()
        self.process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, start_new_session=True, preexec_fn=die_with_parent)
        self.output = {}
        self.threads = [threading.Thread(target=self.write, args=(stdin,), daemon=True)]
        self.threads += [threading.Thread(target=self.read, args=(name,), daemon=True) for name in ("stdout", "stderr")]
        for thread in self.threads:
            thread.start()

    def write(self, data):
        try:
            with self.process.stdin as f:
                f.write(data)
                f.flush()
                if self.held:
                    self.gone.wait()
        except BrokenPipeError:
            pass

    def read(self, name):
        self.output[name] = getattr(self.process, name).read()

    def send_once_exists(self, path, names):
        """The signals, 0.2 s apart, as soon as there is that file."""
        while not os.path.exists(path) and not self.gone.wait(0.01):
            pass
        for name in names.split(","):
            if not self.gone.is_set():
                self.send(name)
                self.gone.wait(0.2)

    def send(self, name):
        os.kill(self.process.pid, getattr(signal, "SIG" + name))  # not send_signal(), which may reap it

    def expire(self):
        self.expired = True
        self.kill_all()

    def kill_all(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def finish(self, timeout):
        timer = threading.Timer(timeout, self.expire)
        timer.start()
        try:
            _, status, usage = os.wait4(self.process.pid, 0)  # not communicate(), which does not tell the usage
            self.ended = time.monotonic()
        finally:
            timer.cancel()
        self.gone.set()
        self.process.returncode = self.status = os.waitstatus_to_exitcode(status)
        self.kill_all()  # whatever it left behind
        for thread in self.threads:
            thread.join(10)
        self.out, self.err = self.output.get("stdout", b""), self.output.get("stderr", b"")
        self.cpu, self.memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
