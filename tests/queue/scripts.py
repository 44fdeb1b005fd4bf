"""The scripts that run inside of Redis, as the connection sends them: the text of prelude.lua before that of each."""
import os

import redis as client

import server

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
QUEUE = os.path.join(ROOT, "lua", "moonkey", "queue")
NAMES = ["run", "chunks", "sizes", "holders", "results", "workers", "pace", "pause", "intents", "dead", "coordinator"]


def read(name):
    with open(os.path.join(QUEUE, name), encoding="utf-8") as f:
        return f.read()


def rules(user):
    """What a "worker" and a "coordinator" are allowed to do, as the documentation says it."""
    return read(user + ".acl").strip()


def users():
    return {user: rules(user) for user in ("worker", "coordinator")}


class Side:
    """A connection as one of the users, which runs scripts on one run."""

    def __init__(self, redis, user, run="RUN-1"):
        self.client = client.Redis("127.0.0.1", redis.port, username=user, password=server.password_of(user), decode_responses=True,
                                   socket_timeout=20)
        self.run, self.server = run, self.client.info("server")["run_id"]
        self.keys = [f"moonkey:{{{run}}}:{name}" for name in NAMES]

    def key(self, name):
        return f"moonkey:{{{self.run}}}:{name}"

    def __call__(self, script, *args):
        return self.client.eval(read("scripts/prelude.lua") + read(f"scripts/{script}.lua"), len(self.keys), *self.keys, self.server, *args)
