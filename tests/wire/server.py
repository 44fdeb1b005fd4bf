#!/usr/bin/env python3
"""The fault server: a process that does to each connection and request exactly what it is told, and logs every byte it receives.

It works on raw sockets on a free port of the loopback address, so replies may be wrong in any way. One thread a connection. It
prints `port N`, is told what to do by one line of JSON on standard input, prints `ready`, and lives until its input is closed:

    {"log": FILE, "clock": 1, "closed": false, "proxy": 200,
     "tls": {"certificate": FILE, "version": "1.1", "clients": FILE},
     "accepts": [STEP…], "replies": [STEP…], "rest": [STEP…]}
    STEP: {"data": TEXT, "actions": {NAME: VALUE}}; TEXT has a byte a character (Latin-1)

`accepts` are for connections, in the order of their arrival, before anything is read; `replies` for requests, in the order of theirs,
whatever connection they come on; `rest` is in turn for the requests after those. Times are those of the case's clock, which runs
`clock` times as fast as the real one. `clients`: the authority whose certificates clients must have; `proxy`: first be a proxy, which
answers CONNECT with this status, and goes on as the server if it is 200. The actions of a step, in this order:

    signal=NAME,NAME…   have these signals sent, 0.2 s (real) apart; with at=S: that much later, while the rest goes on
    delay=S             wait
    (the data are sent; ANY_TOKEN in them becomes the id of the token that the request names)  drip=N/S  N bytes each S seconds    body=N/S  the same, but the head at once
    endless             go on with chunks of 64 KiB until the client leaves
    flood=BYTES         go on with so many bytes of spaces; gzip, gzip=2: compressed, twice
    hang                say nothing more, and wait for the client to leave
    stray=S             after S seconds, one more reply that nobody asked for: 408
    idle=S              end the connection when nothing more has come after S seconds
    close, reset        end it: at once, with a TCP reset. A reply without data is nothing but that

It prints `signal NAME` each time that somebody is to send that signal to the client, and waits for a line in return.
The log has one JSON object a line, each with `at`, the monotonic time, and `connection`, a number from 1; what there is:
`accepted`, `connect` (head), `early` (data before TLS), `tls` (version), `tls_failed` (why), `bytes` (data, in Latin-1), `request` (from,
to: where it stands among the bytes of its connection; `whole` or cut off), `replied` (to the last byte), `ended` (by server or client).
"""
import collections
import ctypes
import json
import os
import re
import signal
import socket
import ssl
import struct
import sys
import threading
import time
import warnings
import zlib

CHUNK = b"10000\r\n" + b" " * 65536 + b"\r\n"
STRAY = (b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
         b"{}")
ANY_TOKEN, OTHER_TOKEN = b"TKN-asked-for", b"TKN-0000-0007"  # as long as each other, so that lengths stay right
TOKEN_PATH = re.compile(rb"[A-Z]+ /public/v1/accounts/api-tokens/(TKN-\d{4}-\d{4})[ /?]")
UNSCRIPTED = {"data": "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n"
                      '"no reply is scripted for this request."', "actions": {"close": ""}}


class Log:
    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")  # until the process ends
        self.lock = threading.Lock()

    def write(self, what, connection, **facts):
        line = json.dumps({"at": time.monotonic(), "what": what, "connection": connection, **facts})
        with self.lock:
            self.file.write(line + "\n")
            self.file.flush()


class Server:
    def __init__(self, script, listener):
        self.script = script
        self.clock = script.get("clock", 1)
        self.log = Log(script["log"])
        self.accepts, self.replies, self.rest = (collections.deque(script.get(name, [])) for name in ("accepts", "replies", "rest"))
        self.lock, self.signal_lock = threading.Lock(), threading.Lock()
        self.stopped = threading.Event()
        self.answers = threading.Semaphore(0)
        self.threads = []
        self.tls = tls_context(**script["tls"]) if script.get("tls") else None
        self.listener = listener
        if not script.get("closed"):
            listener.listen(512)
        say("ready")

    def next_accept(self):
        with self.lock:
            return self.accepts.popleft() if self.accepts else None

    def next_reply(self):
        with self.lock:
            if self.replies:
                return self.replies.popleft()
            self.rest.rotate(-1)
            return self.rest[-1] if self.rest else UNSCRIPTED

    def accept(self):
        """Until the server is stopped; also those that came just before."""
        number = 0
        self.listener.settimeout(0.05)
        while True:
            try:
                sock, _ = self.listener.accept()
            except TimeoutError:
                if self.stopped.is_set():
                    return
                continue
            number += 1
            self.log.write("accepted", number)
            thread = threading.Thread(target=Connection(self, sock, number).serve, daemon=True)
            self.threads.append(thread)
            thread.start()

    def wait(self, seconds):
        """In the case's time. Is the server still to go on?"""
        return not self.stopped.wait(seconds / self.clock)

    def have_sent(self, names, at):
        if not self.wait(at):
            return
        with self.signal_lock:
            for i, name in enumerate(names.split(",")):
                if i > 0:
                    time.sleep(0.2)
                say(f"signal {name}")
                self.answers.acquire()

    def run(self):
        acceptor = threading.Thread(target=self.accept, daemon=True)
        if not self.script.get("closed"):
            acceptor.start()
            self.threads.append(acceptor)
        for _ in sys.stdin:
            self.answers.release()
        self.stopped.set()
        deadline = time.monotonic() + 2  # the client is gone: whatever it sent is here
        for thread in self.threads:
            thread.join(max(0, deadline - time.monotonic()))


class Connection:
    def __init__(self, server, sock, number):
        self.server, self.sock, self.number = server, sock, number
        self.received = b""
        self.used = 0  # of those, by requests
        self.by = "server"
        self.ready = not server.tls  # bytes are those of requests

    def log(self, what, **facts):
        self.server.log.write(what, self.number, **facts)

    def serve(self):
        try:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            step = self.server.next_accept()
            if step and not self.act(step):
                return
            if self.server.script.get("proxy") and not self.connect(self.server.script["proxy"]):
                return
            if self.server.tls:
                self.sock = self.server.tls.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
                self.sock.do_handshake()
                self.ready = True
                self.log("tls", version=self.sock.version())
            while self.one():
                pass
        except ssl.SSLError as e:
            self.log("tls_failed", why=e.reason or str(e))
            self.drain()
        except OSError:
            self.by = "client"
        finally:
            self.log("ended", by=self.by)
            self.sock.close()

    def receive(self, timeout=None):
        """More bytes into `received`; False at the end, or after the time-out."""
        self.sock.settimeout(timeout)
        try:
            data = self.sock.recv(1 << 18)
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(None)
        if not data:
            self.by = "client"
            return False
        self.received += data
        self.log("bytes" if self.ready else "early", data=data.decode("latin-1"))
        return True

    def drain(self):
        """Until the client leaves. To close with bytes unread would reset the connection, and it might not hear why."""
        self.sock.settimeout(20)
        try:
            while socket.socket.recv(self.sock, 1 << 16):  # not through TLS
                pass
        except OSError:
            pass

    def connect(self, status):
        """As a proxy. Does the connection go on, as one to the server?"""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = self.sock.recv(1 << 16)
            if not data:
                return False
            head += data
        self.log("connect", head=head.decode("latin-1"))
        self.sock.sendall(f"HTTP/1.1 {status} -\r\nContent-Length: 0\r\n\r\n".encode())
        return status == 200

    def one(self):
        """One request and what is done about it. Does the connection go on?"""
        end = -1
        while end < 0:
            end = end_of_request(self.received, self.used)
            if end < 0 and not self.receive():
                if len(self.received) > self.used:
                    self.log("request", **{"from": self.used, "to": len(self.received), "whole": False})
                return False
        self.log("request", **{"from": self.used, "to": end, "whole": True})
        named = TOKEN_PATH.match(self.received, self.used)
        self.used = end
        return self.act(self.server.next_reply(), named[1] if named else OTHER_TOKEN)

    def act(self, step, token=OTHER_TOKEN):
        """Carry out a step. Does the connection go on?"""
        actions, data = step["actions"], step["data"].encode("latin-1").replace(ANY_TOKEN, token)
        if "at" in actions:
            threading.Thread(target=self.server.have_sent, args=(actions["signal"], float(actions["at"])), daemon=True).start()
        elif "signal" in actions:
            self.server.have_sent(actions["signal"], 0)
        if "delay" in actions and not self.server.wait(float(actions["delay"])):
            return False
        self.send(data, actions)
        if data:
            self.log("replied")
        if "stray" in actions and self.server.wait(float(actions["stray"])):
            self.sock.sendall(STRAY)
        if "hang" in actions:
            while self.receive():
                pass
            return False
        if "idle" in actions and len(self.received) == self.used:
            return self.receive(float(actions["idle"]) / self.server.clock)
        if "reset" in actions:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return "reset" not in actions and "close" not in actions

    def send(self, data, actions):
        at_once = len(data)
        if "drip" in actions or "body" in actions:
            at_once = 0 if "drip" in actions else data.index(b"\r\n\r\n") + 4
        self.sock.sendall(data[:at_once])
        if at_once < len(data):
            count, seconds = (actions.get("drip") or actions["body"]).split("/")
            for at in range(at_once, len(data), int(count)):
                if not self.server.wait(float(seconds)):
                    return
                self.sock.sendall(data[at:at + int(count)])
        if "flood" in actions:
            for piece in flood(actions["flood"], int(actions["gzip"] or 1) if "gzip" in actions else 0):
                self.sock.sendall(piece)
        while "endless" in actions and not self.server.stopped.is_set():
            self.sock.sendall(CHUNK)


def flood(size, times):
    """`size` spaces in pieces of 1 MiB, compressed so many times. Each piece is the same bytes, so that a bomb costs nothing."""
    pieces = [b" " * (1 << 20)] * (size >> 20)
    for _ in range(times):
        packer = zlib.compressobj(9, wbits=-15)
        packed = {piece: packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH) for piece in dict.fromkeys(pieces)}
        pieces = [b"\x1f\x8b\x08\0\0\0\0\0\0\x03"] + [packed[piece] for piece in pieces]
    return pieces


def end_of_request(data, at):
    """Where the request that begins at `at` ends; -1: it is not all there."""
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        return -1
    length, chunked = 0, False
    for line in data[at:end].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        elif name.lower() == b"transfer-encoding":
            chunked = b"chunked" in value.lower()
    if chunked:
        last = data.find(b"0\r\n\r\n", end + 4)
        return last + 5 if last >= 0 else -1
    return end + 4 + length if len(data) >= end + 4 + length else -1


def tls_context(certificate, version=None, clients=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if clients:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED
    if version:
        context.set_ciphers("ALL:@SECLEVEL=0")  # OpenSSL 3 has TLS 1.1 at no higher level
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with warnings.catch_warnings(action="ignore"):
            context.maximum_version = getattr(ssl.TLSVersion, "TLSv" + version.replace(".", "_"))
    return context


def say(line):
    print(line, flush=True)


def main():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it dies with the test
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))  # also when nobody is to listen, so that nobody else gets the port
    say(f"port {listener.getsockname()[1]}")
    Server(json.loads(sys.stdin.readline()), listener).run()
    os._exit(0)  # threads that still send to nobody


if __name__ == "__main__":
    main()
