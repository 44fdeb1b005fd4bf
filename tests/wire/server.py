"""A loopback HTTP server that says exactly what it is told to, and keeps every byte that it is sent.

It works on raw sockets, so that replies may be wrong in any way. One thread a connection; replies are handed out in the order in
which requests arrive, whatever connection they come on.
"""
import socket
import struct
import threading
import time


class Reply:
    """What to do about one request: bytes to send, and how.

    actions: delay=SECONDS before the reply; close after it; reset the connection instead (after the bytes, if there are any);
    hang: keep the connection open and say nothing more; signal=NAME: call on_signal first.
    """

    def __init__(self, data=b"", **actions):
        self.data = data
        self.actions = actions


class Server:
    def __init__(self, replies=(), on_signal=None):
        self.replies = list(replies)
        self.requests = []  # raw bytes, in order of arrival
        self.connections = 0
        self.on_signal = on_signal
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self._stopped.set()
        # Closing alone does not wake a thread that waits in accept or recv.
        for sock in [self._listener, *self._open]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._listener.close()

    def _accept(self):
        while not self._stopped.is_set():
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(conn)
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        try:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with conn:
                stream = conn.makefile("rb")
                while self._one(conn, stream):
                    pass
        except OSError:
            pass
        finally:
            self._open.discard(conn)

    def _one(self, conn, stream):
        raw = read_request(stream)
        if not raw:
            return False
        with self._lock:
            number = len(self.requests)
            self.requests.append(raw)
        if number >= len(self.replies):
            conn.sendall(simple_reply(500, b'"no reply is scripted for this request"'))
            return False
        reply = self.replies[number]
        actions = reply.actions
        if "signal" in actions and self.on_signal:
            self.on_signal(actions["signal"])
        time.sleep(float(actions.get("delay", 0)))
        conn.sendall(reply.data)
        if "hang" in actions:
            self._stopped.wait(60)
        if "reset" in actions:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return not ({"close", "reset", "hang"} & set(actions))


def read_request(stream):
    """One request as it came, or what came of it before the connection ended."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return head
        head += line
    length, chunked = 0, False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        elif name.lower() == b"transfer-encoding":
            chunked = b"chunked" in value.lower()
    if not chunked:
        return head + stream.read(length)
    body = b""
    while not body.endswith(b"0\r\n\r\n"):
        line = stream.readline()
        if not line:
            break
        body += line
    return head + body


REASONS = {200: "OK", 201: "Created", 204: "No Content", 302: "Found", 307: "Temporary Redirect", 400: "Bad Request",
           401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 415: "Unsupported Media Type",
           429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}


def simple_reply(status, body, content_type="application/json"):
    head = f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
