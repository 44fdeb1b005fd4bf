"""Where a run takes place: a directory, a server, and moonkey, which dies in it again and again."""
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import shutil
import time

from rows import CREDENTIAL, OWN

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "wire"))

from process import die_with_parent  # noqa: E402

LIMIT = 120  # seconds for one start of moonkey
FINAL = {1: "done", 2: "failed", 3: "unknown", 4: "skipped"}


class Failed(Exception):
    pass


class Server:
    def __init__(self, tokens, refused, seed, faults):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "server.py")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        own = {"name": "The credential's own", "description": None, "icon": None, "modules": []}
        settings = {"seed": seed, "tokens": {**tokens, OWN: own}, "refused": refused, "credential": CREDENTIAL, "faults": faults}
        self.process.stdin.write(json.dumps(settings) + "\n")
        self.process.stdin.flush()
        self.port = int(self.process.stdout.readline())
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.seen = 0

    def ask(self, what, body=None):
        self.connection.request("POST" if body else "GET", "/oracle/" + what, body and json.dumps(body))
        return json.load(self.connection.getresponse())

    def requests(self):
        """[method, id, row, done, status] of those since the last time, once all that a dead moonkey sent has been met."""
        deadline = time.monotonic() + 10
        while self.ask("open") > 0 and time.monotonic() < deadline:
            time.sleep(0.002)
        new = self.ask(f"log?{self.seen}")
        self.seen += len(new)
        return new

    def tokens(self):
        tokens = self.ask("tokens")
        del tokens[OWN]
        return tokens

    def stop(self):
        self.connection.close()
        self.process.kill()
        self.process.communicate()


class Done:
    """How one start of moonkey ended. `killed`: it did not by itself."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err, self.killed = code, out, err, code == -signal.SIGKILL

    def results(self):
        """Whole lines of its standard output."""
        return [json.loads(line) for line in self.out.decode().splitlines(keepends=True) if line.endswith("\n")]


class Place:
    def __init__(self, moonkey, library, server):
        self.moonkey, self.library, self.server = moonkey, library, server
        self.directory = os.path.realpath(tempfile.mkdtemp(prefix="moonkey-crash."))
        self.state = self.path("state/moonkey")
        self.said = []  # by moonkey, to be looked through for secrets

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8", newline="") as f:
            f.write(text)

    def environment(self, orders=None, state=None):
        env = {"PATH": os.environ["PATH"], "HOME": self.directory, "LC_ALL": "C.UTF-8", "MPT_API_TOKEN": CREDENTIAL,
               "MPT_API_BASE_URL": f"http://127.0.0.1:{self.server.port}", "XDG_STATE_HOME": state or self.path("state")}
        env.update({name: os.environ[name] for name in ("MOONKEY_LUA", "UBSAN_OPTIONS") if name in os.environ})
        if orders:
            env.update({"LD_PRELOAD": self.library, "CRASH_UNDER": self.directory,
                        "ASAN_OPTIONS": "verify_asan_link_order=0", **orders})
        return env

    def start(self, *arguments, orders=None, state=None):
        return subprocess.Popen([self.moonkey, *arguments], cwd=self.directory, env=self.environment(orders, state),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)

    def run(self, *arguments, orders=None, kill_after=None, state=None):
        """`orders`: what crash.c reads. `kill_after`: seconds."""
        return self.finish(self.start(*arguments, orders=orders, state=state), kill_after)

    def finish(self, process, kill_after=None):
        try:
            out, err = process.communicate(timeout=LIMIT if kill_after is None else kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            if kill_after is None:
                raise Failed(f"moonkey took more than {LIMIT} s; it said: {err[-2000:]!r}") from None
        self.said += [out, err]
        return Done(process.returncode, out, err)

    def journals(self):
        runs = os.path.join(self.state, "runs")
        return sorted(os.path.join(runs, name) for name in os.listdir(runs) if name.endswith(".journal")) if os.path.isdir(runs) else []

    def remove(self):
        shutil.rmtree(self.directory)


class Snapshot:
    """What a journal holds after a crash. It is a copy that is read: to open the file itself would repair it."""

    def __init__(self, path):
        with tempfile.TemporaryDirectory(prefix="moonkey-crash.") as directory:
            copy = os.path.join(directory, "copy")
            for end in ("", "-wal", "-journal"):
                if os.path.exists(path + end):
                    shutil.copy(path + end, copy + end)
            db = sqlite3.connect(copy)
            try:
                self.read(db)
            finally:
                db.close()

    def read(self, db):
        self.integrity = [text for text, in db.execute("PRAGMA integrity_check")]
        if self.integrity != ["ok"]:
            raise Failed(f"the journal is damaged: {self.integrity}")
        tables = {name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        self.run, self.rows, self.changes, self.sessions, self.intents = {}, {}, {}, [], set()
        if not {"run", "rows", "changes", "sessions", "intents"} <= tables:
            return
        self.run = dict(db.execute("SELECT key, value FROM run"))
        self.rows = {row[0]: row[1:] for row in db.execute("SELECT row, state, line, id, hex(hash), status, attempts, at, ms FROM rows")}
        self.changes = {row: json.loads(text) for row, text in db.execute("SELECT row, changes FROM changes")}
        self.intents = {row for row, in db.execute("SELECT row FROM intents")}
        self.sessions = db.execute("SELECT kind, started, ended, outcome FROM sessions ORDER BY number").fetchall()

    def ended(self):
        """The rows that have ended, each with all that is recorded of it."""
        return {number: row for number, row in self.rows.items() if row[0] in FINAL}
