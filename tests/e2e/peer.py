"""A server in a thread of the test that answers everything in one way, with TLS or not; and the certificates for it."""
import http.server
import os
import ssl
import subprocess
import threading

from harness import MOONKEY, ROOT

BUILT = os.path.join(os.path.dirname(MOONKEY or "."), "tests")
WORLD = os.path.join(BUILT, "libworld.so")
PROBLEM = b'{"type":"about:blank","title":"Authentication Failed","status":401}'


def certificates():
    """The directory of the fault tests' certificates."""
    directory = os.path.join(BUILT, "certificates")
    subprocess.run(["sh", os.path.join(ROOT, "tests", "fault", "certificates.sh"), directory], check=True, stdin=subprocess.DEVNULL,
                   capture_output=True, timeout=60)
    return directory


def self_signed(directory, days):
    """A certificate for localhost that is its own authority, and has so many days left; the path of it with its key."""
    path, key = os.path.join(directory, "own.pem"), os.path.join(directory, "own_key.pem")
    subprocess.run(["openssl", "req", "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                    str(days), "-subj", "/CN=own.test", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out",
                    path], check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    with open(path, "ab") as whole, open(key, "rb") as part:
        whole.write(part.read())
    return path


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def answer(self):
        peer = self.server.peer
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        peer.requests.append((self.command, self.path, self.headers.get("Authorization")))
        if peer.silent:
            peer.over.wait(30)
            self.close_connection = True
            return
        status, kind, body = peer.reply(self) if callable(peer.reply) else peer.reply
        self.send_response_only(status)
        for name, value in {"Date": self.date_time_string(), "Content-Type": kind, **peer.headers}.items():
            if value is not None:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do_CONNECT = answer

    def log_message(self, *args):
        pass


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):  # of handshakes that the other side gives up
        pass


class Peer:
    """`reply`: (status, content type, body), or a function of the handler that returns them. `requests`: (method, path, credential)."""

    def __init__(self, case, reply=(401, "application/problem+json", PROBLEM), certificate=None, headers=None, silent=False, host="127.0.0.1",
                 client_ca=None):
        self.reply, self.headers, self.silent, self.requests = reply, headers or {}, silent, []
        self.over = threading.Event()
        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.server.peer = self
        self.port = self.server.server_address[1]
        self.url = f"{'https' if certificate else 'http'}://{host}:{self.port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            if client_ca:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(client_ca)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        case.addCleanup(self.stop)

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
