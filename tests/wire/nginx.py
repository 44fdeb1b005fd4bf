"""nginx in front of the fault server: TLS and HTTP/2 as a real server speaks them. It needs no rights, and dies with the runner."""
import os
import socket
import subprocess
import time

from process import die_with_parent

START_SECONDS = 20

CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log info;
events {}
http {
    log_format line '$connection $server_protocol $request_method $request_uri $status';
    access_log access.log line;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {
        listen 127.0.0.1:%(port)d ssl http2 reuseport;
        ssl_certificate %(certificate)s;
        ssl_certificate_key %(certificate)s;
        location / {
            proxy_pass http://127.0.0.1:%(behind)d;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
        }
        %(directives)s
    }
}
"""


class Server:
    """nginx with a configuration, in which %(port)d is its port, and the other values are `values`."""

    def __init__(self, directory, configuration, **values):
        os.makedirs(directory, exist_ok=True)
        self.directory = directory
        self.holder = socket.socket()  # bound and not listening, so that the port stays free for nginx and for nobody else
        self.holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.holder.bind(("127.0.0.1", 0))
        self.port = self.holder.getsockname()[1]
        with open(os.path.join(directory, "nginx.conf"), "w", encoding="utf-8") as f:
            f.write(configuration % {"port": self.port, **values})
        self.process = subprocess.Popen(
            ["nginx", "-p", directory, "-c", "nginx.conf", "-e", "error.log"], stdin=subprocess.DEVNULL,
            env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}, preexec_fn=die_with_parent)
        self.wait_until_ready()

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.02)
        self.stop()
        raise OSError("nginx did not start; what it said is above")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.holder.close()


class Nginx(Server):
    def __init__(self, directory, certificate, behind, directives):
        super().__init__(directory, CONFIGURATION, certificate=certificate, behind=behind, directives=directives)

    def stop(self):
        """What it has served: a line a request, with connection, protocol, method, path and status."""
        super().stop()
        with open(os.path.join(self.directory, "access.log"), "rb") as f:
            return f.read()
