"""The servers of the bench: nginx as one process, and one that takes its time. They are on free loopback ports, and die with it."""
import os
import subprocess
import sys
import urllib.request

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))

from nginx import Server  # noqa: E402
from process import die_with_parent  # noqa: E402

CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log warn;
events { worker_connections 2048; }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    default_type application/json;
    geo $dollar { default "$"; }
    server {
        listen 127.0.0.1:%(port)d reuseport backlog=1024;
        location = /status { stub_status; }
        location ~ ^/public/v1/accounts/api-tokens/(?<id>TKN-[0-9]+-[0-9]+)$ { return 200 '%(token)s'; }
        location / { return 404; }
    }
}
"""

# About 700 bytes, as the platform answers.
TOKEN = (
    '{"id":"$id","name":"CRM robot","description":"Keeps the CRM up to date","icon":null,"status":"Active",'
    '"token":"idt:$id:Zq8vN3kT5wR1yB6mC9xF2jL4hD7gS0pAZq8vN3kT5wR1yB6mC9xF2jL4hD7gS0pA","lastAccessAt":"2025-07-15T17:41:44.029Z",'
    '"account":{"id":"ACC-0001-0001","type":"Client","status":"Active","name":"Made Up Ltd"},'
    '"modules":[{"id":"MOD-1756","name":"Access Management","filters":{},'
    '"settings":{"sharedAccount":false,"configurable":true,"default":true,"paid":false,"type":["Client"]}}],'
    '"audit":{"created":{"at":"2024-01-01T00:00:00.000Z","by":{"id":"USR-0001-0001","name":"Somebody"}},'
    '"updated":{"at":"2025-07-15T17:41:44.029Z","by":{"id":"TKN-9999-9999"}}},"${dollar}meta":{"omitted":[]}}')


class Nginx(Server):
    def __init__(self, directory):
        super().__init__(directory, CONFIGURATION, token=TOKEN)
        self.url = f"http://127.0.0.1:{self.port}"

    def requests(self):
        """How many it has had before this one."""
        with urllib.request.urlopen(self.url + "/status", timeout=10) as reply:
            return int(reply.read().split(b"\n")[2].split()[2]) - 1


class Latency:
    """Answers each request after so many milliseconds: latency.c."""

    def __init__(self, program, milliseconds):
        self.process = subprocess.Popen([program, str(milliseconds)], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def stop(self):
        self.process.kill()
        self.process.wait()
