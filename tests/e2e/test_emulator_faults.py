"""moonkey emulator --fault, --rate-limit, --hide-token, --account-type: what a client sees on its socket."""
import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor

from harness import Case, main

TOKENS = "/public/v1/accounts/api-tokens"
ONE = TOKENS + "/TKN-0000-0002"


class Faults(Case):
    def connect(self, emulator, timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", int(emulator.url.rsplit(":", 1)[1]), timeout=timeout)
        self.addCleanup(connection.close)
        return connection

    def ask(self, emulator, method="GET", path=ONE, body=None, timeout=20, credential=None):
        """(status, headers, body), on a connection of its own."""
        connection = self.connect(emulator, timeout)
        headers = {"Authorization": "Bearer " + (credential or emulator.credential)}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply.status, reply.headers, text

    def name(self, emulator):
        """As the database has it: with faults on PUT alone, a GET tells."""
        return json.loads(self.ask(emulator)[2])["name"]

    def test_statuses_and_retry_after(self):
        e = self.emulator("--fault", "429:1,retry-after=2@PUT", "--fault", "503:1@POST 404@DELETE")
        status, headers, body = self.ask(e, "PUT", body={"name": "New"})
        self.assertEqual((status, headers["Retry-After"], json.loads(body)["statusCode"]), (429, "2", 429))
        self.assertNotEqual(self.name(e), "New")
        self.assertEqual(self.ask(e, "POST", TOKENS, {"name": "x"})[0], 503)
        self.assertEqual(self.ask(e, "DELETE")[0], 404)
        self.assertEqual(self.ask(e)[0], 200)
        self.assertIn("faults of the emulator, drawn with --fault-seed 1: 429:1,retry-after=2@PUT  503:1@POST  404@DELETE",
                      e.end(15).err)

    def statuses(self, *args):
        e = self.emulator("--fault", "503:0.3", *args)
        return [self.ask(e)[0] for _ in range(40)]

    def test_the_same_run_again(self):
        first = self.statuses()
        self.assertEqual(first[:8], [200, 200, 503, 200, 503, 200, 200, 503])
        self.assertEqual(first, self.statuses("--fault-seed", "1"))
        self.assertNotEqual(first, self.statuses("--fault-seed", "2"))

    def test_a_reset_is_a_reset(self):
        e = self.emulator("--fault", "reset@PUT")
        for _ in range(5):
            with self.assertRaises(ConnectionResetError):
                self.ask(e, "PUT", body={"name": "New"})
        self.assertNotEqual(self.name(e), "New")

    def test_applied_nevertheless(self):
        for fault in ("reset,applied@PUT", "504:1,applied@PUT", "truncated@PUT", "garbled@PUT"):
            e = self.emulator("--fault", fault)
            try:
                self.ask(e, "PUT", body={"name": "Applied"})
            except (ConnectionResetError, http.client.IncompleteRead):
                pass
            self.assertEqual(self.name(e), "Applied", fault)

    def test_no_answer_holds_up_nobody_else(self):
        e = self.emulator("--fault", "timeout@DELETE")
        deaf = [self.connect(e) for _ in range(20)]
        for connection in deaf:
            connection.request("DELETE", ONE, headers={"Authorization": "Bearer " + e.credential})
        self.assertEqual(self.ask(e)[0], 200)
        with self.assertRaises(TimeoutError):
            self.ask(e, "DELETE", timeout=0.5)
        deaf[0].sock.settimeout(0.3)
        self.assertRaises(TimeoutError, deaf[0].sock.recv, 1)  # not closed either
        self.assertEqual(self.ask(e)[0], 200)
        start = time.monotonic()
        self.assertEqual(e.end(15).code, 0)
        self.assertLess(time.monotonic() - start, 5)

    def test_late_answers_hold_up_nobody_else(self):
        e = self.emulator("--fault", "latency=400ms±50ms@PUT")
        start = time.monotonic()
        with ThreadPoolExecutor(20) as pool:
            late = [pool.submit(self.ask, e, "PUT", ONE, {"name": "Late"}) for _ in range(20)]
            self.assertEqual(self.ask(e)[0], 200)
            self.assertLess(time.monotonic() - start, 0.35)
            self.assertEqual([f.result()[0] for f in late], [200] * 20)
        self.assertGreater(time.monotonic() - start, 0.35)
        self.assertLess(time.monotonic() - start, 3)

    def test_half_a_reply_and_no_json(self):
        e = self.emulator("--fault", "truncated@GET garbled@PUT")
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.ask(e)
        self.assertTrue(caught.exception.partial.startswith(b"{"))
        self.assertGreater(caught.exception.expected, 100)
        status, headers, body = self.ask(e, "PUT", body={"name": "New"})
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        self.assertRaises(ValueError, json.loads, body.decode("latin-1"))
        with self.assertRaises(ConnectionResetError):  # there is no body to cut
            self.ask(self.emulator("--fault", "truncated"), "HEAD")

    def test_what_is_late_is_answered_before_the_end(self):
        e = self.emulator("--fault", "latency=1m@PUT", "--data", "t.db")
        with ThreadPoolExecutor(5) as pool:
            late = [pool.submit(self.ask, e, "PUT", f"{TOKENS}/TKN-0000-000{i}", {"name": "Late"}) for i in range(2, 7)]
            while self.name(e) != "Late" or [f for f in late if f.done()]:
                time.sleep(0.02)
            time.sleep(0.2)
            start = time.monotonic()
            self.assertEqual(e.end(15).code, 0)
            self.assertEqual([f.result()[0] for f in late], [200] * 5)
            self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(self.name(self.emulator("--data", "t.db")), "Late")

    def test_rate_limit(self):
        e = self.emulator("--rate-limit", "5/m", "--seed", "3")
        statuses = [self.ask(e)[0] for _ in range(5)]
        status, headers, body = self.ask(e)
        self.assertEqual(statuses, [200] * 5)
        self.assertEqual(status, 429)
        self.assertIn(headers["Retry-After"], ("11", "12"))
        self.assertEqual(json.loads(body)["statusCode"], 429)
        self.assertEqual(self.ask(e, credential="another")[0], 401)  # a limit of its own
        connection = self.connect(e)
        connection.request("GET", "/_emulator/state.json")  # the page has none
        faults = json.load(connection.getresponse())["faults"]
        self.assertEqual(faults, [{"text": "rate limit of 5/m for each credential", "struck": 1}])

    def test_who_waits_as_long_as_it_is_told_gets_through(self):
        e = self.emulator("--rate-limit", "1/s")
        self.assertEqual(self.ask(e)[0], 200)
        status, headers, _ = self.ask(e)
        self.assertEqual((status, headers["Retry-After"]), (429, "1"))
        time.sleep(1)
        self.assertEqual(self.ask(e)[0], 200)

    def test_hide_token(self):
        e = self.emulator("--hide-token")
        self.assertNotIn("token", json.loads(self.ask(e)[2]))
        self.assertNotIn(b"idt:", self.ask(e, path=TOKENS)[2])
        created = json.loads(self.ask(e, "POST", TOKENS, {"name": "x", "account": {"id": "ACC-0000-0001"}})[2])
        self.assertRegex(created["token"], r"^idt:TKN-\d{4}-\d{4}:\w{64}$")
        self.assertNotIn("token", json.loads(self.ask(e, path=f"{TOKENS}/{created['id']}")[2]))

    def test_account_types(self):
        for given, kind in (("Client", "Client"), ("vendor", "Vendor"), ("Operations", "Operations")):
            e = self.emulator("--account-type", given, "--seed", "3")
            self.assertEqual(json.loads(self.ask(e)[2])["account"]["type"], kind)
            self.assertEqual(self.ask(e, path="/public/v1/accounts/modules")[0], 200 if kind == "Operations" else 403)
        lines = [{"id": f"TKN-7777-000{i}", "name": kind, "status": "Active", "token": f"idt:TKN-7777-000{i}:" + "a" * 64,
                  "account": {"id": f"ACC-7777-000{i}", "type": kind}} for i, kind in enumerate(("Operations", "Vendor"))]
        self.write("seed.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        self.assertEqual(self.emulator("--seed", "seed.jsonl", "--account-type", "Vendor").credential, lines[1]["token"])
        done = self.run_moonkey("emulator", "--seed", "seed.jsonl", "--account-type", "Client")
        self.assertEqual(done.code, 2)
        self.assertIn("seed.jsonl holds no Active token of an account of type Client", done.err)

    def test_what_is_refused(self):
        for args, words in ((("--fault", "503:2"), ["--fault '503:2'", "the share '2'", "503:0.1"]),
                            (("--fault", ""), ["--fault ''", "names no fault"]),
                            (("--fault-seed", "1"), ["--fault-seed", "without --fault"]),
                            (("--fault", "503", "--fault-seed", "x"), ["--fault-seed x", "whole number"]),
                            (("--rate-limit", "100"), ["--rate-limit 100", "100/m"]),
                            (("--rate-limit", "0/s"), ["--rate-limit 0/s", "50/s"]),
                            (("--account-type", "Vendors"), ["--account-type Vendors", "did you mean Vendor?"])):
            done = self.run_moonkey("emulator", *args)
            self.assertEqual((done.code, done.out), (2, ""), args)
            for word in words:
                self.assertIn(word, done.err)

    def test_faults_for_one_command(self):
        rows = "id,name\n" + "".join(f"TKN-0000-{i:04},Row {i}\n" for i in range(2, 42))
        self.write("rows.csv", rows)
        done = self.run_moonkey("--emulator", "--fault", "503:0.3", "--fault", "reset:0.1", "--fault-seed", "5",
                                "batch", "rows.csv", "-j", "4")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("faults of the emulator, drawn with --fault-seed 5: 503:0.3  reset:0.1", done.err)
        self.assertIn("40 done", done.err)
        self.write("few.csv", rows[:rows.index("TKN-0000-0005")])
        done = self.run_moonkey("--emulator", "--retry", "0", "batch", "few.csv", "--fault", "503")
        self.assertEqual(done.code, 3, done.err)
        self.assertIn("503", done.err)

    def test_nothing_real_is_made_to_fail(self):
        for args in (["--fault", "503"], ["--fault-seed", "1"]):
            done = self.run_moonkey(*args, "run", "-e", "", env={"MPT_API_TOKEN": "x" * 20})
            self.assertEqual(done.code, 2)
            self.assertIn("give --emulator, too", done.err)
        done = self.run_moonkey("--emulator", "--fault", "50", "run", "-e", "")
        self.assertEqual(done.code, 2)
        self.assertIn("50 is no status of an error", done.err)


main()
