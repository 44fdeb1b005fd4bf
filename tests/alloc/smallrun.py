"""The small run of the allocation-failure sweep: a batch of three rows, two at a time, and what came of it."""
import collections
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "wire"))

from casefile import CREDENTIAL, TOKEN  # noqa: E402
from process import Server, die_with_parent  # noqa: E402

TIMEOUT = 90  # libcurl's limit for a connection that makes no progress is 30 s, and it may meet it twice
IDS = ["TKN-0000-0002", "TKN-0000-0003", "TKN-0000-0004"]
REPLY = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(TOKEN)}\r\n\r\n{TOKEN}"
ARGUMENTS = ["batch", "rows.jsonl", "--results", "results.jsonl", "-o", "jsonl", "-j", "2"]

# requests: a list of (bytes, whether the server has replied to the last byte)
Run = collections.namedtuple("Run", "code out err results report requests")


class Place:
    """A directory and a server of its own, so that runs side by side are not in each other's way."""

    def __init__(self, moonkey, directory, certificates):
        self.moonkey, self.directory = moonkey, directory
        os.mkdir(directory)
        with open(self.path("rows.jsonl"), "w", encoding="utf-8") as f:
            f.writelines(json.dumps({"id": token_id, "name": "CRM robot"}) + "\n" for token_id in IDS)
        self.server = Server(lambda name: None)
        script = {"log": self.path("server.log"), "rest": [{"data": REPLY, "actions": {}}]}
        if certificates:
            script["tls"] = {"certificate": os.path.join(certificates, "good.pem")}
        self.server.begin(script)
        self.log = open(self.path("server.log"), encoding="utf-8")  # until the sweep ends
        scheme = "https" if certificates else "http"
        self.host = f"127.0.0.1:{self.server.port}"
        self.env = {"PATH": os.environ["PATH"], "HOME": directory, "LC_ALL": "C.UTF-8", "MPT_API_TOKEN": CREDENTIAL,
                    "MPT_API_BASE_URL": f"{scheme}://{self.host}", "MOONKEY_MALLOC": "1"}
        self.arguments = [*ARGUMENTS, *(["--cacert", os.path.join(certificates, "ca.pem")] if certificates else [])]

    def path(self, name):
        return os.path.join(self.directory, name)

    def run(self, orders, wrapper=()):
        """`orders`: the environment that failing.c reads."""
        if os.path.exists(self.path("results.jsonl")):
            os.remove(self.path("results.jsonl"))
        with tempfile.TemporaryFile("w+", encoding="utf-8") as report:
            orders = [f"{name}={value}" for name, value in {**orders, "ALLOC_REPORT": report.fileno()}.items()]
            command = [*wrapper, "env", *orders, self.moonkey, *self.arguments]  # they are for moonkey, not for a wrapper
            process = subprocess.Popen(command, cwd=self.directory, env=self.env,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       pass_fds=[report.fileno()], preexec_fn=die_with_parent)
            try:
                out, err = process.communicate(timeout=TIMEOUT * (10 if wrapper else 1))
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
            report.seek(0)
            said = report.read()
        results = b""
        if os.path.exists(self.path("results.jsonl")):
            with open(self.path("results.jsonl"), "rb") as f:
                results = f.read()
        return Run(process.returncode, out, err, results, said, self.requests())

    def requests(self):
        """What the server has logged since the last time. The connections of a run end with it."""
        events, deadline = [], time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            events += [json.loads(line) for line in iter(self.whole_line, "")]
            if sum(e["what"] == "accepted" for e in events) == sum(e["what"] == "ended" for e in events):
                break
            time.sleep(0.002)
        streams, requests = collections.defaultdict(bytes), []
        for e in events:
            if e["what"] == "bytes":
                streams[e["connection"]] += e["data"].encode("latin-1")
            elif e["what"] == "request":
                requests.append([e["connection"], streams[e["connection"]][e["from"]:e["to"]], False])
            elif e["what"] == "replied":
                next(r for r in requests if r[0] == e["connection"] and not r[2])[2] = True
        return [(data, replied) for _, data, replied in requests]

    def whole_line(self):
        at, line = self.log.tell(), self.log.readline()
        if not line.endswith("\n"):
            self.log.seek(at)
            return ""
        return line

    def stop(self):
        self.log.close()
        self.server.stop()
