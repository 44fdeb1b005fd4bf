"""A token API that remembers everything, and misbehaves by a seeded chance. One process; it dies with the harness.

It reads one line of JSON, its settings, from standard input, and prints the port that it listens on:

  {"seed": 1, "tokens": {"TKN-…": {"name": …, …}}, "refused": ["TKN-…"], "credential": "idt:…", "faults": {"reset": 0.01, …}}

Faults, each with its chance:
  busy, error      503 (with Retry-After: 0) and 500, and nothing was done
  late_error       500, although it was done
  throttled        429 with Retry-After: 0
  reset            the connection is reset before anything was done
  lost             it was done, and the connection is reset before the reply
  truncated        it was done, and the reply breaks off
  slow             it was done at once, and the reply takes up to 0.3 s
A request for the same row fails twice in a row at most, so that with three attempts of a client every row can be done.

GET /oracle/log?N gives what was asked for, from the Nth request on, as a list of [method, id, row, done, status]: the row is what
the text `row-N` in the body says, and the status is 0 where the reply was cut. GET /oracle/starts?N gives of the same requests when they
came (in seconds) and the trace-id of the call. GET /oracle/tokens gives the tokens as they are, GET /oracle/open the number of other
connections, GET /oracle/lag how late it was at most for anything (in seconds), and POST /oracle/settings takes some of the settings
anew; two more of these are `wait`: the next request is answered with 429 and that as Retry-After; and `hold`, a list of methods: what such
a request asks for is done at once, and its reply waits until another list is set.
"""
import asyncio
import ctypes
import hashlib
import json
import random
import re
import signal
import sys
import time
from urllib.parse import unquote

BASE = "/public/v1/accounts/api-tokens"
FIELDS = ("name", "description", "icon", "modules")
ROW = re.compile(rb"row-(\d+)")
TRACE = re.compile(r"(?i)\ntraceparent: *00-([0-9a-f]{32})")
IN = re.compile(r"in\(id,\(([^)]*)\)\)")
REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable"}
MOST_IN_A_ROW = 2


def secret_of(token_id):
    return f"idt:{token_id}:{hashlib.sha256(token_id.encode()).hexdigest()}"


class Api:
    def __init__(self, settings):
        self.tokens = settings["tokens"]
        self.chance = random.Random(settings["seed"])
        self.log, self.starts, self.open, self.in_a_row, self.lag = [], [], 0, {}, 0.0
        self.credential, self.refused, self.faults, self.wait = None, set(), [], None
        self.hold, self.held = [], []  # methods, and what is to be called for their replies
        self.set(settings)

    def set(self, settings):
        self.credential = settings.get("credential", self.credential)
        self.refused = set(settings.get("refused", self.refused))
        self.faults = list(settings["faults"].items()) if "faults" in settings else self.faults
        self.wait = settings.get("wait", self.wait)
        if "hold" in settings:
            self.hold, held, self.held = settings["hold"], self.held, []
            for reply, *arguments in held:
                reply(*arguments)

    def fault(self, key):
        """The name of what goes wrong with this request, or None."""
        x = self.chance.random()
        for name, share in self.faults:
            x -= share
            if x < 0:
                if name == "slow":
                    return name
                if self.in_a_row.get(key, 0) >= MOST_IN_A_ROW:
                    break
                self.in_a_row[key] = self.in_a_row.get(key, 0) + 1
                return name
        self.in_a_row.pop(key, None)
        return None

    def answer(self, method, token_id, query, body):
        """Status, reply, and what is to be done when nothing goes wrong."""
        if method == "POST" and not token_id:
            return 201, lambda: self.create(body)
        if token_id is None or (token_id and token_id not in self.tokens):
            return 404, lambda: {"title": "Not Found", "status": 404}
        if not token_id:
            return 200, lambda: self.page(query)
        if method == "PUT" and token_id in self.refused:
            return 400, lambda: {"title": "Bad Request", "status": 400, "errors": {"name": ["is refused"]}}
        return 200, lambda: self.put(token_id, body) if method == "PUT" else self.view(token_id)

    def create(self, body):
        token_id = f"TKN-8888-{len(self.tokens):04d}"
        self.tokens[token_id] = {field: body.get(field) for field in FIELDS}
        return self.view(token_id)

    def put(self, token_id, body):
        token = self.tokens[token_id]
        for field in FIELDS:
            if field == "modules" and field in body:
                token[field] = sorted(module["id"] for module in body[field])
            elif field in body:
                token[field] = body[field]
        return self.view(token_id)

    def view(self, token_id):
        token = dict(self.tokens[token_id])
        token["modules"] = [{"id": module, "name": "A module"} for module in token.get("modules") or []]
        return {"id": token_id, "status": "Active", **token, "token": secret_of(token_id),
                "account": {"id": "ACC-0001-0001", "name": "Crash & Sons", "type": "Vendor"}}

    def page(self, query):
        asked, ids = IN.search(unquote(query)), sorted(self.tokens)
        if asked:
            wanted = {word.strip("\"' ") for word in asked.group(1).split(",")}
            ids = [token_id for token_id in ids if token_id in wanted]
        numbers = dict(part.split("=", 1) for part in query.split("&") if part.startswith(("limit=", "offset=")))
        limit, offset = min(int(numbers.get("limit", 10)), 100), int(numbers.get("offset", 0))
        return {"$meta": {"pagination": {"offset": offset, "limit": limit, "total": len(ids)}, "omitted": []},
                "data": [self.view(token_id) for token_id in ids[offset:offset + limit]]}


class Connection(asyncio.Protocol):
    def __init__(self, api):
        self.api, self.data, self.counted = api, b"", False

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, _):
        self.api.open -= self.counted

    def data_received(self, data):
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].decode("latin-1")
            length = re.search(r"(?i)\ncontent-length: *(\d+)", head)
            size = end + 4 + (int(length.group(1)) if length else 0)
            if len(self.data) < size:
                return
            body, self.data = self.data[end + 4:size], self.data[size:]
            method, target = head.split(" ", 2)[:2]
            if target.startswith("/oracle/"):
                self.tell_oracle(target[8:], body)
            else:
                self.serve(method, target, head, body)

    def tell_oracle(self, what, body):
        name, _, number = what.partition("?")
        if name in ("log", "starts"):
            self.reply(200, getattr(self.api, name)[int(number):])
        elif name == "settings":
            self.api.set(json.loads(body))
            self.reply(200, {})
        else:
            self.reply(200, getattr(self.api, name))

    def serve(self, method, target, head, body):
        api = self.api
        api.open += not self.counted
        self.counted = True
        path, _, query = target.partition("?")
        token_id = path[len(BASE) + 1:] if path.startswith(BASE) else None
        row = ROW.search(body)
        row = int(row.group(1)) if row else None
        entry = [method, token_id, row, False, 0]
        api.log.append(entry)
        trace = TRACE.search(head)
        api.starts.append((time.monotonic(), trace and trace.group(1)))
        if f"authorization: bearer {api.credential}".lower() not in head.lower():
            entry[4] = 401
            return self.reply(401, {"title": "Authentication Failed", "status": 401})
        if api.wait is not None:
            entry[4], seconds, api.wait = 429, api.wait, None
            return self.reply(429, {"statusCode": 429, "message": "Too Many Requests"}, f"Retry-After: {seconds}\r\n")
        status, act = api.answer(method, token_id, query, json.loads(body) if body else None)
        fault = api.fault(f"{method} {token_id} {row}")
        if fault in ("busy", "error", "throttled"):
            entry[4] = {"busy": 503, "error": 500, "throttled": 429}[fault]
            return self.reply(entry[4], {"statusCode": entry[4], "message": fault}, "" if fault == "error" else "Retry-After: 0\r\n")
        if fault == "reset":
            return self.transport.abort()
        entry[3] = status in (200, 201)
        self.finish(fault, entry, status, act())

    def finish(self, fault, entry, status, value):
        if fault == "lost":
            return self.transport.abort()
        if fault == "truncated":
            text = self.text(status, value)
            self.transport.write(text[:-len(text) // 3])
            return self.transport.close()
        if fault == "late_error":
            status, value = 500, {"statusCode": 500, "message": "Too late"}
        entry[4] = status
        if entry[0] in self.api.hold:
            self.api.held.append((self.reply, status, value))
        elif fault == "slow":
            asyncio.get_running_loop().call_later(self.api.chance.uniform(0.01, 0.3), self.reply, status, value)
        else:
            self.reply(status, value)

    @staticmethod
    def text(status, value, more=""):
        body = json.dumps(value, separators=(",", ":"))
        return (f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json\r\n{more}"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

    def reply(self, status, value, more=""):
        if not self.transport.is_closing():
            self.transport.write(self.text(status, value, more))


async def watch_lag(api):
    while True:
        due = time.monotonic() + 0.02
        await asyncio.sleep(0.02)
        api.lag = max(api.lag, time.monotonic() - due)


async def main():
    api = Api(json.loads(sys.stdin.readline()))
    watching = asyncio.create_task(watch_lag(api))  # noqa: F841, or it is collected
    server = await asyncio.get_running_loop().create_server(lambda: Connection(api), "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    asyncio.run(main())
