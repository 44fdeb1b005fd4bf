"""The automation scripts that only report."""
import json
import os
import subprocess

from harness import MOONKEY, main
from peer import Peer
from scripts_case import SCRIPTS, SECRET, Scripts, token


class Inventory(Scripts):
    def setUp(self):
        super().setUp()
        self.serve(token(1, "own", ["MOD-1756"]), token(2, "=cmd", ["MOD-1756", "MOD-9042"], used=5, description='a "quoted", b|c\n*d* €'),
                   token(3, "off", status="Disabled", account="ACC-0002-0002", kind="Client"))

    def test_csv(self):
        done = self.script("inventory", "--output", "out.csv")
        self.assertEqual((done.code, done.out), (0, ""), done.err)
        text = self.read("out.csv")
        self.assertTrue(text.startswith("\ufeffid,name,description,status,account_id,"))
        self.assertIn("TKN-0000-0002,'=cmd,\"a \"\"quoted\"\", b|c\n*d* €\",Active,ACC-0001-0001,First,Operations,\"MOD-1756;MOD-9042\","
                      "\"Access Management;Billing\",", text)
        self.assertEqual(text.count("\r\n"), 4)
        said = self.script("inventory").out
        self.assertEqual(said.splitlines()[2:], text.splitlines()[2:])  # but for when the first was used, which is now
        self.assertEqual(said.splitlines()[0], text.splitlines()[0])

    def test_json(self):
        rows = json.loads(self.script("inventory", "--format", "json").out)
        self.assertEqual([row["id"][-1] for row in rows], ["1", "2", "3"])
        self.assertEqual(rows[1]["modules"], ["MOD-1756", "MOD-9042"])
        self.assertEqual((rows[1]["created_by"], rows[1]["description"]), ("Ann", 'a "quoted", b|c\n*d* €'))
        self.assertEqual(rows[2]["modules"], [])
        for row in rows:
            self.assertNotIn("token", row)
        self.assertEqual(json.loads(self.script("inventory", "--format", "json", "--status", "Deleted").out), [])
        self.assertEqual(len(json.loads(self.script("inventory", "--format", "json", "--status", "Active", "--account", "ACC-0001-0001").out)), 2)

    def test_markdown(self):
        lines = self.script("inventory", "--format", "markdown").out.splitlines()
        self.assertEqual(len(lines), 5)
        self.assertTrue(lines[0].startswith("| id | name |"))
        self.assertIn('a "quoted", b\\|c \\*d\\* €', lines[3])

    def test_a_reader_that_has_seen_enough(self):
        for form in ("csv", "json", "table"):
            read, out = os.pipe()
            os.close(read)
            done = subprocess.run([MOONKEY, os.path.join(SCRIPTS, "inventory.lua"), "--format", form], env=self.environment(**self.env),
                                  stdout=out, stderr=subprocess.PIPE, timeout=60, check=False)
            os.close(out)
            self.assertEqual((done.returncode, done.stderr), (141, b""))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([MOONKEY, os.path.join(SCRIPTS, "inventory.lua")], env=self.environment(**self.env), stdout=full,
                                  stderr=subprocess.PIPE, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"moonkey: cannot write to standard output: No space left on device\n", done.stderr)

    def test_a_table_does_not_steer_the_terminal(self):
        self.serve(token(1, "own"), token(2, "a\u009b31mred\u202etxt\x1b[2J"))
        out = self.script("inventory", "--format", "table").out
        self.assertIn("a\\u009b31mred\\u202etxt [2J", out)

    def test_a_file_that_cannot_be_written(self):
        done = self.script("inventory", "--output", "no/such/file.csv")
        self.assertEqual(done.code, 1)
        self.assertIn("no/such/file.csv: No such file", done.err)


class WidestAccess(Scripts):
    def test_ranking(self):
        self.serve(token(1, "own"), token(2, "two", ["MOD-1756", "MOD-3381"], used=50), token(3, "paid", ["MOD-1756", "MOD-9042"], used=1),
                   token(4, "older", ["MOD-1756", "MOD-3381"], used=90), token(5, "never", ["MOD-1756", "MOD-3381"]),
                   token(6, "three", ["MOD-1756", "MOD-3381", "MOD-9042"]), token(7, "off", ["MOD-1756", "MOD-3381", "MOD-9042"], status="Disabled"))
        rows = json.loads(self.script("widest_access", "--format", "json").out)
        self.assertEqual([row["id"][-1] for row in rows], list("635421"))
        self.assertEqual([(row["rank"], row["modules"], row["paid"]) for row in rows[:3]], [(1, 3, 1), (2, 2, 1), (3, 2, 0)])
        self.assertEqual(rows[2]["last_used"], "never")
        rows = json.loads(self.script("widest_access", "--format", "json", "--disabled", "--top", "2").out)
        self.assertEqual([row["id"][-1] for row in rows], list("67"))
        lines = self.script("widest_access", "--top", "1").out.splitlines()
        self.assertEqual([line.split()[0:3] for line in lines], [["rank", "id", "name"], ["1", "TKN-0000-0006", "three"]])

    def test_a_client_is_not_told_what_is_paid(self):
        bare = {"$meta": {"pagination": {"offset": 0, "limit": 100, "total": 1}},
                "data": [{"id": "TKN-0000-0002", "name": "x", "status": "Active", "account": {"id": "ACC-1"}, "modules": [{"id": "MOD-1"}]}]}

        def reply(handler):
            if "/modules" in handler.path:
                return 403, "application/json", b'{"title":"Forbidden","status":403}'
            return 200, "application/json", json.dumps(bare).encode()
        peer = Peer(self, reply)
        done = self.script("widest_access", "--format", "json", env={"MPT_API_BASE_URL": peer.url, "MPT_API_TOKEN": f"idt:TKN-0000-0001:{SECRET}"})
        self.assertEqual((done.code, json.loads(done.out)[0]["paid"]), (0, "?"), done.err)
        self.assertIn("told to operations accounts only", done.err)


if __name__ == "__main__":
    main()
