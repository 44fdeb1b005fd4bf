"""moonkey emulator: what it prints, what it keeps, and how it ends; asked by a client that is not ours."""
import json
import signal
import sqlite3
import subprocess
import urllib.error
import urllib.request

from harness import Case, main

TOKENS = "/public/v1/accounts/api-tokens"


class Asked:
    def __init__(self, emulator, method, path, body=None, credential=None):
        headers = {"Authorization": "Bearer " + (credential or emulator.credential)}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(emulator.url + path, method=method, headers=headers,
                                         data=None if body is None else json.dumps(body).encode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=20) as reply:
                self.status, text = reply.status, reply.read()
        except urllib.error.HTTPError as e:
            self.status, text = e.code, e.read()
            e.close()
        self.value = json.loads(text) if text else None


class Emulator(Case):
    def test_prints_two_lines_for_a_shell(self):
        emulator = self.emulator("--seed", "2")
        self.assertRegex(emulator.lines[0], r"^export MPT_API_BASE_URL=http://127\.0\.0\.1:\d+\n$")
        self.assertRegex(emulator.lines[1], r"^export MPT_API_TOKEN=idt:TKN-0000-0001:[A-Za-z0-9]{64}\n$")
        shell = subprocess.run(["sh", "-c", "".join(emulator.lines) + 'printf %s "$MPT_API_TOKEN"'], capture_output=True, check=True)
        self.assertEqual(shell.stdout.decode(), emulator.credential)

    def test_seeds_are_always_the_same(self):
        first, second = self.emulator("--seed", "20"), self.emulator("--seed", "20")
        self.assertEqual(first.credential, second.credential)
        one, two = (Asked(e, "GET", TOKENS + "/TKN-0000-0020").value for e in (first, second))
        self.assertEqual((one["name"], one["token"], one["modules"]), (two["name"], two["token"], two["modules"]))
        self.assertEqual(Asked(first, "GET", TOKENS + "/TKN-0000-0021").status, 404)

    def test_routes(self):
        e = self.emulator("--seed", "30")
        updated = Asked(e, "PUT", TOKENS + "/TKN-0000-0002", {"name": "New", "description": None})
        self.assertEqual((updated.status, updated.value["name"], updated.value.get("description")), (200, "New", None))
        self.assertEqual(Asked(e, "GET", TOKENS + "/TKN-0000-0002").value["name"], "New")
        page = Asked(e, "GET", TOKENS + "?limit=7&offset=28").value
        self.assertEqual((len(page["data"]), page["$meta"]["pagination"]["total"]), (2, 30))
        created = Asked(e, "POST", TOKENS, {"account": {"id": updated.value["account"]["id"]}, "name": "Made", "modules": [{"id": "MOD-1756"}]})
        self.assertEqual((created.status, created.value["name"]), (201, "Made"))
        self.assertEqual(Asked(e, "GET", TOKENS + "/" + created.value["id"]).status, 200)
        self.assertEqual(Asked(e, "GET", "/public/v1/accounts/modules").status, 200)
        self.assertEqual(Asked(e, "GET", TOKENS, credential="idt:TKN-0000-0001:wrong").status, 401)
        self.assertEqual(Asked(e, "GET", "/public/v1/nosuch").status, 404)
        self.assertEqual(Asked(e, "PUT", TOKENS + "/TKN-0000-0002", {"modules": [{"id": "MOD-0000"}]}).status, 400)

    def test_keeps_its_data_when_it_is_killed(self):
        for ending, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 0), (signal.SIGINT, 0)):
            first = self.emulator("--seed", "5", "--data", "t.db")
            Asked(first, "PUT", TOKENS + "/TKN-0000-0003", {"name": "Before " + ending.name})
            made = Asked(first, "POST", TOKENS, {"account": {"id": "ACC-0000-0001"}, "name": "Made"})
            ended = first.end(ending)
            self.assertIn(ended.code, (code, 128 + ending), ended.err)
            again = self.emulator("--data", "t.db")
            self.assertEqual(again.credential, first.credential)
            self.assertEqual(Asked(again, "GET", TOKENS + "/TKN-0000-0003").value["name"], "Before " + ending.name)
            if made.status == 201:
                self.assertEqual(Asked(again, "GET", TOKENS + "/" + made.value["id"]).status, 200)
            again.kill()
        with sqlite3.connect(self.path("t.db")) as db:
            self.assertEqual(db.execute("pragma integrity_check").fetchone(), ("ok",))
        db.close()

    def test_in_memory_it_keeps_nothing(self):
        first = self.emulator("--seed", "5")
        Asked(first, "PUT", TOKENS + "/TKN-0000-0003", {"name": "Gone"})
        first.end(signal.SIGTERM)
        self.assertNotEqual(Asked(self.emulator("--seed", "5"), "GET", TOKENS + "/TKN-0000-0003").value["name"], "Gone")

    def test_seed_from_a_file(self):
        secret = "idt:TKN-5555-0001:" + "a" * 64
        self.write("seed.jsonl", json.dumps({"id": "TKN-5555-0001", "name": "*odd & name*", "status": "Active", "token": secret,
                                             "account": {"id": "ACC-5555-0001", "type": "Vendor", "name": "V", "status": "Active"}}) + "\n")
        e = self.emulator("--seed", "seed.jsonl")
        self.assertEqual(e.credential, secret)
        self.assertEqual(Asked(e, "GET", TOKENS + "/TKN-5555-0001").value["name"], "*odd & name*")

    def test_binds_to_loopback_only(self):
        e = self.emulator("--seed", "1")
        port = int(e.url.rsplit(":", 1)[1])
        with open("/proc/net/tcp", encoding="ascii") as f:
            listening = [line.split()[1] for line in f if line.split()[3] == "0A"]
        self.assertIn(f"0100007F:{port:04X}", listening)
        self.assertNotIn(f"00000000:{port:04X}", listening)

    def test_a_port_that_is_taken(self):
        e = self.emulator("--seed", "1")
        done = self.run_moonkey("emulator", "--port", e.url.rsplit(":", 1)[1])
        self.assertEqual(done.code, 2)
        self.assertIn("in use", done.err)


main()
