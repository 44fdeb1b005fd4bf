"""Who takes part: how each is run over so many rows, and how it is known that it did them all."""
import json
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM_PYTHON = "/usr/bin/python3"  # the one that Debian's python3-httpx is for
HTTPX_IMPORT = [SYSTEM_PYTHON, "-c", "import httpx"]
CREDENTIAL = "idt:TKN-9999-9999:madeupmadeupmadeupmadeupmadeupmadeup"
TOKENS = "/public/v1/accounts/api-tokens"


class Wrong(Exception):
    pass


class Sample:
    """`seconds` from start to exit, CPU seconds of the process and its children, and its largest resident set."""

    def __init__(self, requests, seconds, cpu, kib):
        self.requests, self.seconds, self.cpu, self.kib = requests, seconds, cpu, kib

    def rate(self):
        return self.requests / self.seconds

    def cpu_us(self):
        return self.cpu / self.requests * 1e6


class Place:
    """What was built, and a directory for what a run leaves behind."""

    def __init__(self, build, jobs):
        self.build, self.jobs = build, jobs
        self.work = os.path.join(build, "work")
        self.moonkey = os.path.join(build, "moonkey", "moonkey")
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)

    def program(self, name):
        return os.path.join(self.build, "bin", name)

    def path(self, name):
        return os.path.join(self.work, name)

    def rows(self, count):
        """A JSONL file of so many rows."""
        path = self.path(f"rows-{count}.jsonl")
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as f:
                for i in range(count):
                    row = {"id": f"TKN-{i // 10000:04d}-{i % 10000:04d}", "name": f"CRM robot {i}",
                           "description": "Keeps the CRM up to date", "modules": ["MOD-1756"]}
                    f.write(json.dumps(row, separators=(",", ":")) + "\n")
        return path

    def environment(self, url):
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("MPT_", "MOONKEY_"))}
        return {**mine, "MPT_API_BASE_URL": url, "MPT_API_TOKEN": CREDENTIAL, "XDG_STATE_HOME": self.path("state"),
                "XDG_CONFIG_HOME": self.path("config")}

    def measure(self, command, url):
        """What the command said on standard output, wall-clock seconds, CPU seconds, KiB."""
        report = self.path("measured")
        done = subprocess.run([self.program("measure"), report, *command], env=self.environment(url), cwd=self.work,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Wrong(done.stderr.strip())
        with open(report, encoding="utf-8") as f:
            wall, cpu, kib, code = f.read().split()
        if code != "0":
            raise Wrong(f"exit code {code}: {done.stderr.strip()[-1000:] or 'it said nothing'}")
        return done.stdout, float(wall), float(cpu), int(kib)


class Contender:
    name = ""
    share = 1  # of the rows: the slow ones get fewer

    def missing(self, place):
        """Why it cannot take part; None if it can."""

    def command(self, place, url, rows):
        raise NotImplementedError

    def check(self, place, rows):
        """Raises Wrong where exit code and the server's count do not tell all."""

    def run(self, place, url, rows):
        _, seconds, cpu, kib = place.measure(self.command(place, url, rows), url)
        self.check(place, rows)
        return Sample(rows, seconds, cpu, kib)


class Moonkey(Contender):
    def __init__(self, name="moonkey batch", job=None):
        self.name, self.job = name, job
        self.has_journal = None

    def command(self, place, url, rows):
        if self.has_journal is None:
            told = subprocess.run([place.moonkey, "batch", "--help"], capture_output=True, text=True, check=True).stdout
            self.has_journal = "--journal" in told
        files = [place.path(name) for name in ("results.jsonl", "run.journal", "run.journal-wal", "run.journal-shm")]
        for path in files:
            if os.path.exists(path):
                os.remove(path)
        command = [place.moonkey, "batch", place.rows(rows), "-j", str(place.jobs), "--results", files[0]]
        command += ["--journal", files[1]] if self.has_journal else []
        return command + (["--job", self.job] if self.job else [])

    def check(self, place, rows):
        with open(place.path("results.jsonl"), encoding="utf-8") as f:
            done = sum('"outcome":"done"' in line for line in f)
        if done != rows:
            raise Wrong(f"its results have {done} rows that are done, of {rows}")


class Bare(Contender):
    name = "bare libcurl loop"

    def command(self, place, url, rows):
        return [place.program("bare"), url, str(rows), str(place.jobs)]


class Wrk(Contender):
    """Runs for a time instead of a number of requests; its own count is checked against nginx's like all the others."""
    name = "wrk"

    def missing(self, place):
        return None if shutil.which("wrk") else "wrk is not installed"

    def run(self, place, url, rows):
        seconds = max(1, rows // 30000)
        command = ["wrk", "-t1", f"-c{place.jobs}", f"-d{seconds}s", "-s", os.path.join(HERE, "put.lua"), url]
        out, _, cpu, kib = place.measure(command, url)
        requests, took, wrong = out.splitlines()[-1].split()
        if wrong != "0":
            raise Wrong(f"{wrong} of {requests} requests went wrong")
        return Sample(int(requests), float(took), cpu, kib)


class Curl(Contender):
    name = "curl --parallel"
    share = 0.2

    def missing(self, place):
        return None if shutil.which("curl") else "curl is not installed"

    def command(self, place, url, rows):
        path = place.path(f"curl-{rows}.config")
        with open(place.rows(rows), encoding="utf-8") as source, open(path, "w", encoding="utf-8") as f:
            f.write(f"parallel\nparallel-max = {place.jobs}\nsilent\nshow-error\n")
            for i, line in enumerate(source):
                fields = json.loads(line)
                target = f"{url}{TOKENS}/{fields.pop('id')}"
                body = json.dumps(fields, separators=(",", ":")).replace("\\", "\\\\").replace('"', '\\"')
                f.write(("next\n" if i else "") + f'url = "{target}"\nrequest = PUT\nfail\ncompressed\noutput = /dev/null\n'
                        'header = "traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"\n'
                        f'header = "Authorization: Bearer {CREDENTIAL}"\nheader = "Accept: application/json"\n'
                        f'header = "Content-Type: application/json"\ndata-binary = "{body}"\n')
        return ["curl", "--config", path]


class Undici(Contender):
    name = "Node, undici"

    def missing(self, place):
        if not shutil.which("node"):
            return "Node is not installed"
        return None if os.path.isdir(self.package(place)) else "undici could not be installed"

    @staticmethod
    def package(place):
        return os.path.join(place.build, "node_modules", "undici")

    def command(self, place, url, rows):
        return ["node", os.path.join(HERE, "undici_puts.mjs"), self.package(place), url, place.rows(rows), str(place.jobs)]


class Httpx(Contender):
    name = "Python, httpx"
    share = 0.05

    def missing(self, place):
        found = subprocess.run(HTTPX_IMPORT, capture_output=True, check=False).returncode == 0
        return None if found else f"{SYSTEM_PYTHON} has no httpx"

    def command(self, place, url, rows):
        return [SYSTEM_PYTHON, os.path.join(HERE, "httpx_puts.py"), url, place.rows(rows), str(place.jobs)]


def everybody():
    """By the names that --only takes."""
    return {
        "bare": Bare(),
        "moonkey": Moonkey(),
        "job": Moonkey("moonkey batch --job", os.path.join(HERE, "job.lua")),
        "wrk": Wrk(),
        "curl": Curl(),
        "undici": Undici(),
        "httpx": Httpx(),
    }
