"""The documented flows of the platform's token API, walked over real sockets by clients that are not moonkey's.

Run as `python3 run.py MOONKEY CLIENT`, where CLIENT is curl, requests, httpx or node. Each client is written as its users write
it, and says after every step what came of it, as a line of JSON: [step, status, what it saw]. expected.json holds the one outcome
that there is for all of them, and below the name of a client what it does besides: the requests of the platform's own clients, in
their own form. The emulator is started with accounts of all types, on a free port, and dies with the test.
"""
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
from harness import Case, main  # noqa: E402

CLIENT = sys.argv.pop(1) if len(sys.argv) > 1 else None
OPERATIONS, VENDOR, BUYER = "TKN-1000-0001", "TKN-2000-0001", "TKN-3000-0001"
ODD_NAMES = ["O'Neil bot", "Billing & Sync", "a+b=c;d|e#f%25", "Zoë 東京", "*star*", 'the "one"', "comma, and (brackets)"]


def python(package):
    """Packages of Debian are for its own Python, which need not be the first one on the path."""
    for name in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(name) and not subprocess.run([name, "-c", "import " + package], stderr=subprocess.DEVNULL).returncode:
            return name
    return None


def program(*names):
    paths = [shutil.which(name) for name in names]
    return paths[0] if all(paths) else None


CLIENTS = {
    "curl": ("curl and jq", lambda: program("sh", "curl", "jq"), "with_curl.sh"),
    "requests": ("python3-requests", lambda: python("requests"), "with_requests.py"),
    "httpx": ("python3-httpx", lambda: python("httpx"), "with_httpx.py"),
    "node": ("nodejs", lambda: program("node"), "with_fetch.mjs"),
}


def secret(token_id, letter):
    return f"idt:{token_id}:{letter * 64}"


def seeded():
    """The token objects of the emulator: three accounts, and what the vendor has."""
    operations = {"id": "ACC-1000-0001", "type": "Operations", "name": "Marketplace"}
    vendor = {"id": "ACC-2000-0001", "type": "Vendor", "name": "Contoso", "icon": "/v1/accounts/accounts/ACC-2000-0001/icon"}
    buyer = {"id": "ACC-3000-0001", "type": "Client", "name": "Fabrikam"}
    created = {"at": "2024-01-15T10:00:00.000Z", "by": {"id": "USR-0000-0009", "name": "Ada"}}

    def token(token_id, name, account, **more):
        return {"id": token_id, "name": name, "account": account, "modules": [{"id": "MOD-1756"}], "audit": {"created": created}, **more}

    yield token(OPERATIONS, "Operations", operations, token=secret(OPERATIONS, "O"))
    yield token(VENDOR, "Integration", vendor, token=secret(VENDOR, "V"))
    yield token(BUYER, "Purchasing", buyer, token=secret(BUYER, "B"))
    for i in range(1, 22):
        yield token(f"TKN-2000-1{i:03}", f"Robot {i:02}", vendor, description=f"Number {i}", status="Disabled" if i % 3 == 0 else "Active",
                    lastAccessAt=None if i % 4 == 0 else f"2024-03-{i:02}T10:00:00.000Z", revision=i)
    for i, name in enumerate(ODD_NAMES, 1):
        yield token(f"TKN-2000-2{i:03}", name, vendor, modules=[{"id": "MOD-9042"}, {"id": "MOD-1756"}])
    yield token("TKN-2000-3001", "Gone", vendor, status="Deleted")


class Conformance(Case):
    def test_client(self):
        self.write("seed.jsonl", "".join(json.dumps(tok) + "\n" for tok in seeded()))
        emulator = self.emulator("--seed", "seed.jsonl")
        done = self.finish(self.start(os.path.join(HERE, script), program=interpreter, env={
            "MPT_API_BASE_URL": emulator.url + "/public", "MPT_API_TOKEN": secret(VENDOR, "V"),
            "MPT_OPERATIONS_TOKEN": secret(OPERATIONS, "O"), "ODD_NAMES": "\n".join(ODD_NAMES), "PYTHONDONTWRITEBYTECODE": "1"}))
        self.assertEqual((done.code, done.err), (0, ""), done.out)
        with open(os.path.join(HERE, "expected.json"), encoding="utf-8") as f:
            expected = json.load(f)
        expected = expected["everybody"] + expected.get(CLIENT, [])
        for step, outcome in zip(expected, done.results()):
            self.assertEqual(step, outcome)
        self.assertEqual([step[0] for step in expected], [step[0] for step in done.results()])


if CLIENT not in CLIENTS:
    sys.exit("usage: python3 run.py MOONKEY " + "|".join(CLIENTS))
packages, find, script = CLIENTS[CLIENT]
interpreter = find()
if not interpreter:
    print(f"skipped: {packages} is not installed (sh scripts/setup.sh test does it)")
    sys.exit(77)
main()
