"""What the tests of the worker share: a Redis with the users of the manual, an emulator, and a coordinator that a test plays."""
import http.server
import json
import signal
import threading
import time

import harness
import proxy
import scripts
import server

WAIT = 20  # seconds for anything to come true


def eventually(what, limit=WAIT):
    """Its value, once that is something."""
    deadline = time.monotonic() + limit
    while True:
        value = what()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.01)


class Run:
    """A run, as its coordinator would have it."""

    def __init__(self, case, name, facts):
        self.case, self.name, self.sequence = case, name, 0
        self.boss = scripts.Side(case.redis, "coordinator", name)
        fields = {"format": "1", "job": "built-in", "built_in": "{}", "target": case.api.url, "dry_run": "0", "rate": "0",
                  "state": "open", "version": "test", **facts}
        self.boss("begin", "boss", 600000, *[word for pair in fields.items() for word in pair])
        self.boss("vouch", self.boss.server)
        self.boss.client.zadd("moonkey:runs", {name: time.time() * 1000})

    def add(self, rows):
        """The id of a chunk of (number, row)."""
        self.sequence += 1
        chunk = f"1-{self.sequence}"
        text = json.dumps([{"n": n, "l": n + 1, "h": f"{n:032x}", "r": row} for n, row in rows])
        self.case.assertEqual(self.boss("add", chunk, text, len(rows)), "ok")
        return chunk

    def entries(self, kind="rows"):
        return [fields for _, fields in self.boss.client.xrange(self.boss.key("results")) if fields["kind"] == kind]

    def reports(self):
        """Chunk → report; no chunk is reported twice."""
        found = {}
        for fields in self.entries():
            self.case.assertNotIn(fields["chunk"], found)
            found[fields["chunk"]] = json.loads(fields["body"])
        return found

    def results(self):
        """Row → result of all reports; no row is in two of them, unless it was pending."""
        found = {}
        for report in self.reports().values():
            for r in report["results"]:
                if r["row"] in found:
                    self.case.assertEqual(found[r["row"]]["outcome"], "pending")
                found[r["row"]] = r
        return found

    def outcomes(self):
        return {row: r["outcome"] for row, r in self.results().items()}

    def chunks(self):
        return self.boss("list")[1:]

    def workers(self):
        return self.boss.client.hgetall(self.boss.key("workers"))

    def held(self):
        """Chunk → how often it was given out."""
        pending = self.case.redis.admin.xpending_range(self.boss.key("chunks"), "workers", "-", "+", 1000)
        return {entry["message_id"]: entry["times_delivered"] for entry in pending}

    def take_over(self, consumer="another"):
        """What a worker does whose lease is so short that everything is left behind."""
        return self.case.side(self.name)("take", consumer, 1, 5)

    def state(self, state):
        return self.boss("state", state, "the test says so")

    def purge(self):
        self.boss("purge", "boss", "force")
        self.boss.client.zrem("moonkey:runs", self.name)

    def acknowledge(self, **more):
        """All notes so far, in order; then they are gone."""
        for id_, fields in self.boss.client.xrange(self.boss.key("results")):
            if fields["kind"] == "note":
                note = json.loads(fields["body"])
                ack = {"chunk": fields["chunk"], "row": note["row"], "kind": "intent" if "intent" in note else "changes", **more}
                self.boss.client.rpush(f"moonkey:{{{self.name}}}:acks:{fields['consumer']}", json.dumps([ack]))
                self.boss.client.xdel(self.boss.key("results"), id_)
                yield note


class Api:
    """A platform that notes when each request came, and answers as the test wants: after `delay` seconds, with the `replies` that are
    left, as (status, headers), and 200 otherwise; or 401 to everything."""

    def __init__(self, case):
        self.delay, self.replies, self.requests, self.refuses = 0.0, [], [], False
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"api": self}))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        case.addCleanup(self.server.server_close)
        case.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.env = {"MPT_API_BASE_URL": self.url, "MPT_API_TOKEN": "idt:TKN-0000-0001:" + 64 * "x"}

    def writes(self, since=0.0):
        return [(at, method, path) for at, method, path in list(self.requests) if method != "GET" and at >= since]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api = None

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        self.api.requests.append((time.monotonic(), self.command, self.path))
        if self.command != "GET":
            time.sleep(self.api.delay)
        status, headers = self.api.replies.pop(0) if self.api.replies and self.command != "GET" else (200, {})
        if self.api.refuses:
            status = 401
        reply = {"id": self.path.split("/")[-1], "name": body.get("name", "Before"), "status": "Active",
                 "account": {"id": "ACC-0001-0001", "name": "One", "type": "Client"}}
        data = json.dumps(reply if status < 300 else {"title": "No", "status": status}).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(data), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def handle(self):
        try:
            super().handle()
        except OSError:  # it was cut off
            pass

    def log_message(self, *_):
        pass


class WithRedis(harness.Case):
    """One for all tests of a class, empty at the beginning of each; no secret is in it at the end, and nobody has told a password."""

    @classmethod
    def setUpClass(cls):
        cls.redis = server.Redis(users=scripts.users())
        cls.addClassCleanup(cls.redis.stop)

    def setUp(self):
        super().setUp()
        self.redis.admin.flushall()

    def tearDown(self):
        super().tearDown()
        for text in self.redis.dump().values():
            self.assertIsNone(harness.SECRET.search(text.encode()), "a secret is in Redis")
        for text in self.said:
            for user in scripts.users():
                self.assertNotIn(server.password_of(user).encode(), text)


class Case(WithRedis):
    """With the emulator; Timed below with an Api."""

    def setUp(self):
        super().setUp()
        self.api = self.platform()
        self.env = {**self.api.env, "MOONKEY_QUEUE_PASSWORD": server.password_of("worker")}

    def platform(self):
        return self.emulator("--seed", "200")

    def side(self, run):
        return scripts.Side(self.redis, "worker", run)

    @staticmethod
    def id(n):
        return f"TKN-0000-{n:04}"

    def row(self, n):
        return n, {"id": self.id(n), "name": f"Row {n}"}

    def begin(self, name="RUN-1", **facts):
        return Run(self, name, facts)

    def arguments(self, *args, port=None, lease="1s"):
        return ["worker", "--queue", self.redis.url("worker", port), "--lease", lease, *args]

    def hire(self, *args, env=None, **options):
        return self.start(*self.arguments(*args, **options), env={**self.env, **(env or {})})

    def work(self, *args, **options):
        return self.finish(self.hire(*args, **options))

    def end(self, process, signo=signal.SIGTERM):
        process.send_signal(signo)
        return self.finish(process)

    # ---- what is waited for

    def wait_for(self, what, message="it does not come true"):
        value = eventually(what)
        self.assertTrue(value, message)
        return value


class Timed(Case):
    def platform(self):
        return Api(self)

    def link(self):
        link = proxy.Link(self.redis.port)
        self.addCleanup(link.close)
        return link

    def wait_for_writes(self, count=1):
        self.wait_for(lambda: len(self.api.writes()) >= count, "nothing is written")
