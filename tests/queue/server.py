"""A Redis of a test's own: on a free port of 127.0.0.1, with users by an aclfile, and an append-only file that it is started from again,
also cut back to what it was a moment before it was killed. It dies with the test.

  with Redis(users={"worker": "~moonkey:* +@all"}) as redis: …
"""
import collections
import ctypes
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import redis as client

ADMIN, PASSWORD = "admin", "PasswordOfTheTestsAdmin"
START = 20  # seconds that it may take to load its file
LIBC = ctypes.CDLL(None)
SETTINGS = """
bind 127.0.0.1
port {port}
dir {directory}
save ""
appendonly yes
appendfsync everysec
auto-aof-rewrite-percentage 0
maxmemory-policy noeviction
aclfile {directory}/users.acl
logfile {directory}/log
tcp-backlog 511
{more}
"""


def die_with_the_test():
    LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def password_of(user):
    return f"QueuePasswordOf{user.capitalize()}ThatMustNeverBeShown"


class Redis:
    """`users`: name → its rules, without its password, which is password_of(name); the default user is off. `more`: lines of settings."""

    def __init__(self, users=None, more=""):
        self.directory = os.path.realpath(tempfile.mkdtemp(prefix="moonkey-redis."))
        self.port, self.more, self.process = free_port(), more, None
        self.sizes = collections.deque(maxlen=1000)  # (time, bytes) of the file that it appends to
        self.stopping = threading.Event()
        self.write_users(users or {})
        self.admin = client.Redis("127.0.0.1", self.port, username=ADMIN, password=PASSWORD, decode_responses=True, socket_timeout=10)
        self.start()
        threading.Thread(target=self.watch_size, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def write_users(self, users):
        """Nobody can be the default user, but it may do all: Redis 7.0 loads its file as that user, and leaves out transactions, and so
        what scripts have done, where that may not (redis/redis issue 14541)."""
        lines = ["user default off ~* &* +@all", f"user {ADMIN} on #{self.hashed(PASSWORD)} ~* &* +@all"]
        lines += [f"user {name} on #{self.hashed(password_of(name))} {rules}" for name, rules in users.items()]
        with open(os.path.join(self.directory, "users.acl"), "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")

    @staticmethod
    def hashed(password):
        return hashlib.sha256(password.encode()).hexdigest()

    def url(self, user=None, port=None, db=0):
        return f"redis://{user + '@' if user else ''}127.0.0.1:{port or self.port}/{db}"

    # ---- its life

    def start(self):
        """It answers when this returns."""
        settings = os.path.join(self.directory, "redis.conf")
        with open(settings, "w", encoding="ascii") as f:
            f.write(SETTINGS.format(port=self.port, directory=self.directory, more=self.more))
        self.process = subprocess.Popen(["redis-server", settings], stdin=subprocess.DEVNULL, preexec_fn=die_with_the_test)
        deadline = time.monotonic() + START
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"redis-server did not start; its log ends with:\n{self.log()[-2000:]}")
            time.sleep(0.01)

    def answers(self):
        try:
            return self.admin.ping()
        except (client.ConnectionError, client.TimeoutError):  # also while it loads
            return False

    def wait_until_written(self):
        """It answers before it writes where it still waits for the disk with what came before."""
        while self.admin.info("persistence")["aof_buffer_length"]:
            time.sleep(0.01)

    def kill(self):
        """By SIGKILL: what it has written stays, because the kernel has it."""
        self.process.kill()
        self.process.wait()
        self.admin.connection_pool.disconnect()

    def kill_and_forget(self, seconds):
        """As a machine that loses its power does with appendfsync everysec: the file is what it was that long ago; infinity: it is
        empty. How many bytes were lost."""
        now, known = time.monotonic(), list(self.sizes)
        first = known[0][1] if known and seconds != float("inf") else 0
        return self.kill_and_cut(next((length for at, length in reversed(known) if at <= now - seconds), first))

    def kill_and_cut(self, kept):
        """The same, where the file is to be as long as size() said before."""
        self.kill()
        path = self.append_file()
        size = os.path.getsize(path)
        os.truncate(path, kept)  # in the middle of a command, too: it loads what is whole
        self.sizes.clear()
        self.sizes.append((time.monotonic(), kept))
        return size - kept

    def size(self):
        """Bytes of the file, with all that it was told so far."""
        self.wait_until_written()
        return os.path.getsize(self.append_file())

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        self.stopping.set()
        self.kill()
        shutil.rmtree(self.directory)

    def log(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    # ---- its file

    def append_file(self):
        """The last part of the manifest: what it writes to."""
        directory = os.path.join(self.directory, "appendonlydir")
        with open(os.path.join(directory, "appendonly.aof.manifest"), encoding="ascii") as f:
            return os.path.join(directory, [line.split()[1] for line in f if line.split()[5] == "i"][-1])

    def watch_size(self):
        while not self.stopping.wait(0.01):
            try:
                entry = (time.monotonic(), os.path.getsize(self.append_file()))
            except (OSError, IndexError):  # not there yet, or no more
                continue
            if not self.sizes or self.sizes[-1][1] != entry[1]:
                self.sizes.append(entry)

    def files(self):
        """All bytes that it has on the disk."""
        for directory, _, names in os.walk(self.directory):
            for name in names:
                with open(os.path.join(directory, name), "rb") as f:
                    yield name, f.read()

    # ---- what is in it

    def keys(self):
        return sorted(self.admin.scan_iter(count=1000))

    def dump(self):
        """key → all that it holds, as text."""
        readers = {"string": self.admin.get, "hash": self.admin.hgetall, "stream": self.admin.xrange, "set": self.admin.smembers,
                   "list": lambda key: self.admin.lrange(key, 0, -1), "zset": lambda key: self.admin.zrange(key, 0, -1, withscores=True)}
        return {key: repr(readers[kind](key)) for key in self.keys() if (kind := self.admin.type(key)) in readers}


class Monitor:
    """All commands that a Redis is given, those of scripts, too, in a file; it connects anew when it is started anew."""

    def __init__(self, redis, path):
        self.redis, self.path, self.ready, self.socket = redis, path, threading.Event(), None
        threading.Thread(target=self.run, daemon=True).start()
        self.ready.wait(5)

    def run(self):
        with open(self.path, "ab", buffering=0) as f:
            while not self.redis.stopping.wait(0.005):
                try:
                    self.follow(f)
                except OSError:
                    pass

    def follow(self, f):
        with socket.create_connection(("127.0.0.1", self.redis.port)) as s:
            s.sendall(f"AUTH {ADMIN} {PASSWORD}\r\nMONITOR\r\n".encode())
            data = s.recv(65536)
            while data:
                f.write(data)
                if b"+OK\r\n+OK\r\n" in data:
                    self.ready.set()
                data = s.recv(65536)
