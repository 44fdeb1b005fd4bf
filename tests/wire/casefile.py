"""Case files of the wire and fault tests: their sections, and what of them the server is told. The format: see run.py."""
import email.utils
import gzip
import os
import re
import time

CREDENTIAL = "idt:TKN-0000-0001:" + "CredentialThatMustNeverBeShown42" * 2
SECRET = "idt:TKN-0000-0007:" + "SecretOfATokenThatMustNotBeShown" * 2
TOKEN = ('{"id":"TKN-asked-for","name":"CRM robot","description":null,"icon":null,"status":"Active","token":"%s",'
         '"account":{"id":"ACC-0001-0001","type":"Client"},"modules":[{"id":"MOD-1756","name":"Access Management"}]}' % SECRET)
SECTIONS = {"run", "limits", "script", "file", "stdin", "env", "server", "tls", "proxy", "nginx", "host", "dns", "clock", "interrupt",
            "accept", "reply", "request", "requests", "stdout", "stderr", "result", "exit", "connections", "lookups", "takes",
            "between", "cpu", "memory"}
REASONS = {200: "OK", 201: "Created", 204: "No Content", 302: "Found", 307: "Temporary Redirect", 400: "Bad Request",
           401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 415: "Unsupported Media Type",
           429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}
TIMES = re.compile(r" ?\btimes=(\d+|\*)")
REPEATED = re.compile(r"%\{([^{}]+)\*(\d+)\}")
DATE = re.compile(r"%\{date([+-]\d+)\}")
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Failed(Exception):
    pass


def parse(text):
    sections, lines = [], None
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if line.startswith("== "):
            name, _, argument = line[3:].strip().partition(" ")
            if name not in SECTIONS:
                raise Failed(f"line {number}: unknown section {name!r}")
            lines = []
            sections.append((name, argument.strip(), lines))
        elif lines is not None:
            lines.append(line)
    return [(name, argument, "".join(lines)) for name, argument, lines in sections]


def size(text):
    """64K, 1G → bytes"""
    number, unit = re.fullmatch(r"(\d+)([KMG]?)", text).groups()
    return int(number) * UNITS[unit]


def bounds(text):
    """LOW..HIGH, or one number for both."""
    low, _, high = text.partition("..")
    return float(low), float(high or low)


def to_bytes(text):
    return text.encode("utf-8", "surrogateescape")


def escapes(text):
    r"""\n, and \xHH for any byte."""
    return re.sub(r"\\(n|x..)", lambda m: "\n" if m[1] == "n" else bytes([int(m[1][1:], 16)]).decode("utf-8", "surrogateescape"), text)


def in_full(text):
    """Head and body as they stand in the file → bytes."""
    head, _, body = text.partition("\n\n")
    body = to_bytes(body.removesuffix("\n"))
    head = head.removesuffix("\n").replace("\n", "\r\n").replace("%LEN", str(len(body)))
    return to_bytes(head) + b"\r\n\r\n" + body


def simple_reply(status, content_type, body, actions):
    head = f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}\r\nContent-Type: {content_type}\r\n"
    if "gzip" in actions:
        head += f"Content-Encoding: {', '.join(['gzip'] * int(actions['gzip'] or 1))}\r\n"
    if "flood" in actions:
        return f"{head}Connection: close\r\n\r\n".encode()
    if "endless" in actions:
        return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode()
    body = gzip.compress(body.replace(b"TKN-asked-for", b"TKN-0000-0007")) if "gzip" in actions else body
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def make_step(argument, text):
    """What the server does about a connection or a request: see server.py."""
    words = argument.split()
    status = int(words.pop(0)) if words and words[0].isdigit() else None
    content_type = words.pop(0) if words and re.match(r"\w+/", words[0]) else "application/json"
    actions = dict(word.partition("=")[::2] for word in words)
    if "flood" in actions:
        actions["flood"] = size(actions["flood"])
    data = b""
    if status:
        data = simple_reply(status, content_type, to_bytes(text.removesuffix("\n")), actions)
    elif text.strip():
        data = in_full(text)
    return {"data": data.decode("latin-1"), "actions": actions}


class CaseFile:
    """A case's sections, with the placeholders of their texts filled in. `host` and `certificates` are known later."""

    def __init__(self, path, version):
        self.name = os.path.basename(path).removesuffix(".case")
        with open(path, encoding="utf-8", newline="") as f:
            self.sections = parse(f.read())
        self.version = version
        self.port, self.certificates, self.now = 0, "(no certificates)", time.time()
        self.clock = int(self.argument("clock", "1"))

    def all(self, *names):
        return [(name, argument, text) for name, argument, text in self.sections if name in names]

    def has(self, name):
        return bool(self.all(name))

    def argument(self, name, otherwise=""):
        found = self.all(name)
        return self.fill(found[0][1]) if found else otherwise

    def text(self, name):
        found = self.all(name)
        return self.fill(found[0][2]) if found else ""

    def repeated(self, name):
        """Arguments and texts of the sections of this name, as often as times=N says, and whether it says `*`."""
        for _, argument, text in self.all(name):
            times = TIMES.search(argument)
            argument, forever = TIMES.sub("", argument), bool(times) and times[1] == "*"
            for n in range(1, int(times[1]) + 1 if times and not forever else 2):
                row = {"%ROW": f"{n:04}"}
                yield self.fill(argument, row), self.fill(text, row), forever

    def pairs(self, name):
        return [(argument, text) for argument, text, _ in self.repeated(name)]

    @property
    def host(self):
        return f"{self.argument('host', '127.0.0.1')}:{self.port}"

    def fill(self, text, more=None):
        return "".join(self.pieces(text, more))

    def pieces(self, text, more=None, shortened=False):
        """The filled-in text bit by bit, because %{x*N} may stand for more than should be in memory at once."""
        at = 0
        for match in REPEATED.finditer(text):
            yield self.fill_names(text[at:match.start()], more)
            unit, count = escapes(match[1]), int(match[2])
            if shortened and "\n" not in unit:
                count = min(count, 1)
            for done in range(0, count, 65536):
                yield unit * min(65536, count - done)
            at = match.end()
        yield self.fill_names(text[at:], more)

    def fill_names(self, text, more):
        if "%" not in text:
            return text
        text = DATE.sub(lambda m: email.utils.formatdate(self.now + int(m[1]), usegmt=True), text)
        for name, value in {"%TOKEN": TOKEN, "%CREDENTIAL": CREDENTIAL, "%SECRET": SECRET, "%VERSION": self.version,
                            "%CERTIFICATES": self.certificates, "%PORT": str(self.port), **(more or {})}.items():
            text = text.replace(name, value)
        return text.replace("%HOST", self.host) if "%HOST" in text else text

    def files(self, shortened=False):
        """Name, mode and pieces of the files that the run finds. Shortened: they have as many lines, but none is long."""
        for name, argument, text in self.all("file", "script"):
            times = TIMES.search(argument)
            words = TIMES.sub("", argument).split() if name == "file" else ["script.lua"]
            count = int(times[1]) if times else 1
            pieces = (piece for n in range(1, count + 1) for piece in self.pieces(text, {"%ROW": f"{n:04}"}, shortened))
            yield words[0], int(words[1] if len(words) > 1 else "644", 8), pieces

    def script(self):
        """What the server is told: see server.py."""
        script = {"clock": self.clock, "closed": self.argument("server") == "closed", "replies": [], "rest": []}
        script["accepts"] = [make_step(argument, text) for argument, text, _ in self.repeated("accept")]
        for argument, text, rest in self.repeated("reply"):
            script["rest" if rest else "replies"].append(make_step(argument, text))
        if self.has("tls"):
            kind, *more = self.argument("tls").split()
            script["tls"] = {"certificate": self.certificate(kind), "version": next((w for w in more if w[0].isdigit()), None),
                             "clients": self.certificate("ca") if "clients" in more else None}
        if self.has("proxy"):
            script["proxy"] = int(self.argument("proxy"))
        return script

    def certificate(self, kind):
        return os.path.join(self.certificates, kind + ".pem")

    def requests(self):
        return [self.request(argument, text) for argument, text, _ in self.repeated("request")]

    def request(self, argument, text):
        if not argument:
            return in_full(text)
        body = to_bytes(text.removesuffix("\n"))
        head = (f"{argument} HTTP/1.1\nHost: %HOST\nUser-Agent: moonkey/%VERSION\nAccept-Encoding: gzip\n"
                "traceparent: %TRACEPARENT\nAuthorization: Bearer %CREDENTIAL\nAccept: application/json\n")
        if body:
            head += "Content-Type: application/json\n"
        if body or argument.startswith(("POST ", "PUT ", "PATCH ")):
            head += f"Content-Length: {len(body)}\n"
        return in_full(self.fill(head)) + body
