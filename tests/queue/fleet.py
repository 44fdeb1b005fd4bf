"""Where a run over a queue takes place: a directory, an API, a Redis, and programs, each with a link of its own to Redis."""
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "crash"))

from place import Done, Failed, Place  # noqa: E402
from proxy import Link  # noqa: E402
from scripts import rules  # noqa: E402
from server import PASSWORD, Monitor, Redis, die_with_the_test, password_of  # noqa: E402

USERS = {name: rules(name) for name in ("worker", "coordinator")}
LIMIT = 30  # seconds in which what was asked to end has to


class Program:
    """A moonkey that is under way. What it says is in files, so that nobody has to read along."""

    def __init__(self, place, name, user, link, arguments, world=None):
        self.place, self.name, self.link = place, name, link
        self.out, self.err = place.path(f"said/{name}.out"), place.path(f"said/{name}.err")
        url = place.redis.url(user, self.link.port)
        arguments = [url if argument == "URL" else argument for argument in arguments]
        environment = {**place.environment(), "MOONKEY_QUEUE_PASSWORD": password_of(user), **(world or {})}
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen([place.moonkey, *arguments], cwd=place.directory, env=environment, stdout=out, stderr=err,
                                            stdin=subprocess.DEVNULL, preexec_fn=die_with_the_test)
        self.began, self.is_frozen = time.monotonic(), False

    def age(self):
        return time.monotonic() - self.began

    def is_alive(self):
        return self.process.poll() is None

    def send(self, signo):
        if self.is_alive():
            self.process.send_signal(signo)

    def freeze(self):
        """Nothing of it runs any more when this returns."""
        self.is_frozen = True
        self.send(signal.SIGSTOP)
        deadline = time.monotonic() + LIMIT
        while self.is_alive() and self.state() not in "TZ" and time.monotonic() < deadline:
            time.sleep(0.002)

    def state(self):
        """A letter: see proc(5)."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0]

    def thaw(self):
        self.is_frozen = False
        self.send(signal.SIGCONT)

    def visible(self):
        """What other programs of the system see of it: arguments and environment."""
        text = b""
        for name in ("cmdline", "environ"):
            try:
                with open(f"/proc/{self.process.pid}/{name}", "rb") as f:
                    text += f.read() + b"\0"
            except OSError:  # it has ended
                pass
        return text

    def kill(self):
        self.send(signal.SIGKILL)
        return self.ended()

    def end(self, signo, limit=LIMIT):
        self.send(signo)
        return self.ended(limit)

    def ended(self, limit=LIMIT):
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            said = self.said()
            self.process.kill()
            raise Failed(f"{self.name} did not end within {limit} s; it said:\n{said}") from None
        return Done(code, self.read(self.out), self.read(self.err))

    @staticmethod
    def read(path):
        with open(path, "rb") as f:
            return f.read()

    def said(self):
        return self.read(self.err)[-3000:].decode("utf-8", "replace")


class Fleet(Place):
    """`lease`: seconds. Its workers are replaced by hand: see hire()."""

    def __init__(self, moonkey, library, server, lease=2, jobs=8, job=None):
        super().__init__(moonkey, library, server)
        self.lease, self.jobs, self.job, self.hired = lease, jobs, job, 0
        self.preloaded = {"LD_PRELOAD": library, "ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.redis = Redis(USERS)
        os.makedirs(self.path("said"))
        self.monitor = Monitor(self.redis, self.path("said/monitor"))
        self.workers, self.others = [], []
        self.link = Link(self.redis.port)  # of all coordinators: a run is resumed at the queue that it was begun with

    def environment(self, orders=None, state=None):
        """Of commands that are no program of their own, too: those that need a queue have it."""
        return {**super().environment(orders, state), "MOONKEY_QUEUE_PASSWORD": password_of("coordinator")}

    def start(self, *arguments, orders=None, state=None):
        url = self.redis.url("coordinator")
        return super().start(*[url if argument == "URL" else argument for argument in arguments], orders=orders, state=state)

    def coordinate(self, name, *arguments):
        program = Program(self, name, "coordinator", self.link, arguments)
        self.others.append(program)
        return program

    def hire(self, *more, world=None):
        """One worker more."""
        self.hired += 1
        job = ["--job", self.job] if self.job else []
        arguments = ["worker", "--queue", "URL", "-j", str(self.jobs), "--lease", f"{self.lease * 1000:.0f}ms", *job, *more]
        worker = Program(self, f"worker-{self.hired}", "worker", Link(self.redis.port), arguments, world)
        self.workers.append(worker)
        return worker

    def dismiss(self, worker, signo):
        """What it ended with; it is not one of the workers any more."""
        self.workers.remove(worker)
        self.others.append(worker)
        worker.send(signal.SIGCONT)
        return worker.kill() if signo == signal.SIGKILL else worker.end(signo)

    def keep(self):
        """Nothing is removed at the end. Where it is."""
        self.remove = lambda: None
        return self.directory

    def passwords(self):
        return [PASSWORD, *map(password_of, USERS)]

    def stop(self):
        for program in self.workers + self.others:
            if program.is_alive():
                program.kill()
            program.link.close()
        self.link.close()
        self.redis.stop()
