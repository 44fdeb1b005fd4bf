"""The automation scripts: what they would do, what they do with --apply, that a second run changes nothing, and that they fail well."""
import json
import os
import re
import time

from harness import ROOT, Case, main
from peer import Peer

SCRIPTS = os.path.join(ROOT, "scripts")
NAMES = ("disable_unused", "least_privilege", "check_names", "inventory", "copy_descriptions", "widest_access")
WRITING = {"disable_unused": [], "least_privilege": ["policy.lua"], "check_names": ["--pattern", "x"], "copy_descriptions": ["sheet.csv"]}
SECRET = "NobodyShallSeeThisSecretOfScripts"


def ago(days):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - days * 86400))


def token(number, name, modules=(), used=None, created=1000, account="ACC-0001-0001", kind="Operations", **more):
    audit = {"created": {"at": ago(created), "by": {"id": "USR-0001", "name": "Ann"}}} if created else {}
    return {"id": f"TKN-0000-{number:04}", "name": name, "status": "Active", "lastAccessAt": used and ago(used), "audit": audit,
            "account": {"id": account, "name": "First", "type": kind}, "modules": [{"id": m} for m in modules],
            "token": f"idt:TKN-0000-{number:04}:{SECRET}{number:04}{'x' * 26}", **more}


class Scripts(Case):
    def setUp(self):
        super().setUp()
        self.env = {}

    def tearDown(self):
        super().tearDown()
        for text in self.said:
            self.assertNotIn(SECRET.encode(), text)

    def serve(self, *tokens, arguments=()):
        """An emulator with these tokens; the credential is that of the first."""
        self.write("seed.jsonl", "".join(json.dumps(t) + "\n" for t in tokens))
        self.api = self.emulator("--seed", self.path("seed.jsonl"), *arguments)
        self.env = {**self.api.env, "MPT_API_TOKEN": tokens[0]["token"]}

    def script(self, name, *args, globals_=(), env=None):
        return self.run_moonkey(*globals_, os.path.join(SCRIPTS, name + ".lua"), *args, env=self.env if env is None else env)

    def all(self):
        code = """local list = {} for t in token.list{ select = "modules" } do list[#list + 1] = t end
                  print(require("moonkey.json").encode(list))"""
        done = self.run_moonkey("run", "-e", code, env=self.env)
        self.assertEqual(done.code, 0, done.err)
        return {t["id"]: t for t in json.loads(done.out)}

    def values(self, field):
        """By the last digits of the id."""
        return {int(i[-4:]): t.get(field) for i, t in self.all().items()}

    def lines(self, done, outcome):
        """What is said of each token with that outcome, by the last digits of its id."""
        found = {}
        for line in done.out.splitlines():
            match = re.fullmatch(re.escape(outcome.ljust(13)) + r" TKN-0000-(\d{4})  (.*?): (.*)", line)
            if match:
                found[int(match[1])] = match[3]
        return found

    def check_twice(self, name, args, would, field, after):
        """A dry run writes nothing, --apply what it said, and then there is nothing left to do."""
        before = self.all()
        done = self.script(name, *args)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.lines(done, "would be done"), would)
        self.assertIn("nothing was written, because --apply was not given", done.err)
        kept = {i: {**t, "lastAccessAt": None} for i, t in self.all().items()}
        self.assertEqual(kept, {i: {**t, "lastAccessAt": None} for i, t in before.items()})
        self.assertEqual(self.script(name, *args, "--detailed-exitcode").code, 6)
        done = self.script(name, *args, "--apply")
        self.assertEqual((done.code, self.lines(done, "done")), (0, would), done.err)
        self.assertEqual(self.values(field), after)
        done = self.script(name, *args, "--apply")
        self.assertEqual((done.code, self.lines(done, "done")), (0, {}), done.out)
        self.assertIn("0 of 0 changed, 0 failed", done.err)
        self.assertEqual(self.script(name, *args, "--detailed-exitcode").code, 0)


class DisableUnused(Scripts):
    def setUp(self):
        super().setUp()
        self.serve(token(1, "own", used=500), token(2, "old", used=200), token(3, "never"), token(4, "new", created=10),
                   token(5, "in use", used=3), token(6, "kept by id", used=300), token(7, "Kept Robot", used=300),
                   token(8, "unknown age", created=None), token(9, "off", used=400, status="Disabled"),
                   token(10, "elsewhere", used=100, account="ACC-0002-0002", kind="Client"), token(11, "edge", used=89))
        self.write("keep.txt", "\ufeff# ours\nTKN-0000-0006   # by id\n\nkept*\n")
        self.args = ["--days", "90", "--keep", "keep.txt"]

    def test_twice(self):
        off = dict.fromkeys((2, 3, 9, 10), "Disabled")
        self.check_twice("disable_unused", self.args,
                         {2: "disable, not used for 200 days", 3: "disable, never used", 10: "disable, not used for 100 days"},
                         "status", {**dict.fromkeys(range(1, 12), "Active"), **off})

    def test_what_is_left_alone(self):
        done = self.script("disable_unused", *self.args)
        self.assertEqual(self.lines(done, "left alone"), {4: "created 10 days ago", 6: "--keep names it", 7: "--keep names it", 8: "when it was created is not known"})

    def test_one_account(self):
        done = self.script("disable_unused", *self.args, "--account", "ACC-0002-0002")
        self.assertEqual(list(self.lines(done, "would be done")), [10])

    def test_guards_of_moonkey(self):
        for flags, code in ((["--read-only"], 5), (["--max-changes", "1"], 5), (["--dry-run"], 0)):
            done = self.script("disable_unused", *self.args, "--apply", globals_=flags)
            self.assertEqual(done.code, code, done.err)
        self.assertEqual(list(self.values("status").values()).count("Disabled"), 2)  # one before, and one within --max-changes

    def test_usage(self):
        for args, message in ((["--days", "0"], "give 1 or more"), (["--days", "-1"], ""), (["--days", "x"], "--days: expected a whole number"),
                              (["--keep", "nosuch"], "cannot read nosuch"), (["--aply"], "--apply"), (["x"], "too many arguments")):
            done = self.script("disable_unused", *args)
            self.assertEqual((done.code, done.out), (2, ""), done.err)
            self.assertIn(message, done.err)


class LeastPrivilege(Scripts):
    def setUp(self):
        super().setUp()
        self.serve(token(1, "own", ["MOD-1756", "MOD-9042"]), token(2, "CRM robot", ["MOD-1756", "MOD-9042"]), token(3, "crm import", ["MOD-9042"]),
                   token(4, "Billing", ["MOD-9042"]), token(5, "other", ["MOD-1756", "MOD-3381"], account="ACC-0002-0002", kind="Client"),
                   token(6, "stranger", ["MOD-1756"], account="ACC-0003-0003", kind="Client"), token(7, "bare", account="ACC-0003-0003", kind="Client"))
        rules = [{"name": "crm*", "modules": ["MOD-1756"]}, {"account": "ACC-0001-*", "modules": ["MOD-9042"]},
                 {"account": "ACC-0002-0002", "name": "*", "modules": []}]
        self.write("policy.json", json.dumps(rules))
        self.write("policy.lua", """return { { name = "crm*", modules = { "MOD-1756" } }, { account = "ACC-0001-*", modules = { "MOD-9042" } },
            { account = "ACC-0002-0002", name = "*", modules = {} } }""")

    def modules(self):
        return {number: [m["id"] for m in modules] for number, modules in self.values("modules").items()}

    def test_twice(self):
        would = {2: "take away MOD-9042", 3: "take away MOD-9042", 5: "take away MOD-1756, MOD-3381"}
        self.assertEqual(self.lines(self.script("least_privilege", "policy.json"), "would be done"), would)
        left = self.lines(self.script("least_privilege", "policy.lua"), "left alone")
        self.assertEqual(left, {1: "the credential in use is its own; it would lose MOD-1756", 6: "no rule of the policy matches it"})
        wide = self.all()
        after = {int(i[-4:]): t["modules"] for i, t in wide.items()}
        for number, kept in ((2, ["MOD-1756"]), (3, []), (5, [])):
            after[number] = [m for m in after[number] if m["id"] in kept]
        self.check_twice("least_privilege", ["policy.lua"], would, "modules", after)

    def test_policies_that_cannot_be_meant(self):
        for text, message in (("return {}", "there are no rules"), ("return { { name = 'x' } }", "rule 1: expected"), ("return 7", "expected a table"),
                              ("return { { nmae = 'x', modules = {} } }", "rule 1: nmae:"), ("return { { name = 1, modules = {} } }", "rule 1: name:"),
                              ("return { { modules = { 'Billing' } } }", "'Billing' is no id of a module"), ("return {", "<eof>"),
                              ("return { { modules = os.exit() } }", "expected a table: ")):
            self.write("bad.lua", text)
            done = self.script("least_privilege", "bad.lua", "--apply")
            self.assertEqual((done.code, done.out), (2, ""), done.err)
            self.assertIn(message, done.err)
        self.write("bad.json", "[{")
        self.assertEqual(self.script("least_privilege", "bad.json").code, 2)
        self.assertEqual(self.script("least_privilege").code, 2)


class CheckNames(Scripts):
    CONVENTION = """return { pattern = "^%u%u%u %- %w", advice = "a team first",
        rename = function(tok) if tok.name ~= "hopeless" then return "CRM - " .. tok.name end end }"""

    def setUp(self):
        super().setUp()
        self.serve(token(1, "CRM - own"), token(2, "robot"), token(3, "hopeless"), token(4, "-"), token(5, "x" * 198), token(6, "own"))
        self.write("convention.lua", self.CONVENTION)

    def test_twice(self):
        would = {2: "rename to 'CRM - robot'"}
        left = self.lines(self.script("check_names", "convention.lua"), "left alone")
        self.assertEqual(left[3], "a team first")
        self.assertIn("breaks the convention too", left[4])
        self.assertIn("longer than 200", left[5])
        self.assertIn("which another token of the account is called", left[6])
        before = self.values("name")
        done = self.script("check_names", "convention.lua", "--apply")
        self.assertEqual((done.code, self.lines(done, "done")), (0, would), done.err)
        self.assertEqual(self.values("name"), {**before, 2: "CRM - robot"})
        self.assertEqual(self.lines(self.script("check_names", "convention.lua", "--apply"), "done"), {})

    def test_a_pattern_only_reports(self):
        done = self.script("check_names", "--pattern", "^%u", "--detailed-exitcode")
        self.assertEqual((done.code, sorted(self.lines(done, "left alone"))), (6, [2, 3, 4, 5, 6]), done.err)
        self.assertEqual(self.script("check_names", "--pattern", ".", "--detailed-exitcode").code, 0)

    def test_usage(self):
        self.write("bad.lua", "return {}")
        for args, message in (([], "give the file of a convention, or --pattern"), (["convention.lua", "--pattern", "x"], "not both"),
                              (["--pattern", "["], "is none: malformed pattern"), (["nosuch.lua"], "nosuch.lua"), (["bad.lua"], "expected return")):
            done = self.script("check_names", *args)
            self.assertEqual((done.code, done.out), (2, ""), done.err)
            self.assertIn(message, done.err)


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

    def test_a_file_that_cannot_be_written(self):
        done = self.script("inventory", "--output", "no/such/file.csv")
        self.assertEqual(done.code, 1)
        self.assertIn("no/such/file.csv: No such file", done.err)


class CopyDescriptions(Scripts):
    def setUp(self):
        super().setUp()
        self.serve(token(1, "own"), token(2, "CRM robot", description="old"), token(3, "twin"), token(4, "twin"), token(5, "done", description="Same"),
                   token(6, "clear", description="gone soon"), token(7, "alone", description="stays"))

    def test_twice(self):
        self.write("sheet.csv", "\ufeffId;Name;Description;Owner\r\nTKN-0000-0002;;Drives the CRM, daily;Ann\r\n;done;Same;\r\n"
                                "TKN-0000-0006;clear;\\N;\r\nTKN-0000-0007;alone;;\r\n;own;'=1+1;\r\n")
        self.check_twice("copy_descriptions", ["sheet.csv"],
                         {1: "description '=1+1'", 2: "description 'Drives the CRM, daily'", 6: "clear the description"}, "description",
                         {1: "=1+1", 2: "Drives the CRM, daily", 3: None, 4: None, 5: "Same", 6: None, 7: "stays"})

    def test_other_columns(self):
        self.write("sheet.csv", "Token name,Purpose,Name\nCRM robot,New,Mr X\n")
        done = self.script("copy_descriptions", "sheet.csv", "--name", "Token name", "--description", "Purpose", "--apply")
        self.assertEqual((done.code, self.lines(done, "done")), (0, {2: "description 'New'"}), done.err)

    def test_rows_that_fail(self):
        self.write("sheet.csv", "id,name,description\n,twin,x\n,nobody,x\nTKN-9999-9999,,x\n,,x\nTKN-0000-0002,,a\n,CRM robot,b\n")
        done = self.script("copy_descriptions", "sheet.csv", "--apply")
        self.assertEqual((done.code, self.lines(done, "done")), (3, {2: "description 'a'"}), done.err)
        for message in ("twin: line 2: 2 tokens are called that; give the id", "nobody: line 3: no token is called that", "TKN-9999-9999: line 4: ",
                        "line 5: the row has neither id nor name", "TKN-0000-0002: line 7 wants another description", "1 of 1 changed, 5 failed"):
            self.assertIn(message, done.err)

    def test_sheets_that_cannot_be_used(self):
        for text, message in (("id,description\nTKN-0000-0002\n", "line 2"), ("id,id\n", "both called"), ("id,description\n\"x\n", "")):
            self.write("sheet.csv", text)
            done = self.script("copy_descriptions", "sheet.csv", "--apply")
            self.assertEqual((done.code, done.out), (2, ""), done.err)
            self.assertIn(message, done.err)
        self.assertEqual(self.script("copy_descriptions", "nosuch.csv").code, 2)


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


class AllOfThem(Scripts):
    def test_help(self):
        for name in NAMES:
            done = self.script(name, "--help", env={})
            self.assertEqual((done.code, done.err), (0, ""))
            self.assertIn("Examples:\n  moonkey scripts/" + name, done.out)
            self.assertEqual("--apply" in done.out, name in WRITING)
            for line in done.out.splitlines():
                self.assertLessEqual(len(line), 100)

    def test_nothing_there(self):
        """An account with nothing but the credential's own token."""
        self.serve(token(1, "x"))
        self.write("policy.lua", "return { { name = 'nobody', modules = {} } }")
        self.write("sheet.csv", "id,description\n")
        for name in NAMES:
            done = self.script(name, *WRITING.get(name, []))
            self.assertEqual(done.code, 0, (name, done.err))
            self.assertNotIn("would be done", done.out)

    def failing(self, status, then=None):
        """Reads are answered, writes are not. `then`: what of a token is otherwise when it is read alone."""
        tokens = [token(n, f"token {n}", ["MOD-1756"]) for n in range(1, 4)]
        page = {"$meta": {"pagination": {"offset": 0, "limit": 100, "total": 3}}, "data": tokens}

        def reply(handler):
            if handler.command != "GET":
                return status, "application/json", b'{"title":"Not now"}'
            path, _, _ = handler.path.partition("?")
            found = [t for t in tokens if path.endswith(t["id"])]
            return 200, "application/json", json.dumps({**found[0], **(then or {})} if found else page).encode()
        peer = Peer(self, reply)
        self.env = {"MPT_API_BASE_URL": peer.url, "MPT_API_TOKEN": tokens[0]["token"]}
        return peer

    def test_the_token_in_use(self):
        """Also where the platform has not noted that it is."""
        self.write("policy.lua", "return { { modules = {} } }")
        self.failing(200)
        for name, args in (("disable_unused", []), ("least_privilege", ["policy.lua"])):
            done = self.script(name, *args)
            self.assertIn("the credential in use is its own", self.lines(done, "left alone")[1])
            self.assertEqual(list(self.lines(done, "would be done")), [2, 3])

    def test_writes_that_fail(self):
        self.write("policy.lua", "return { { modules = {} } }")
        self.write("convention.lua", "return { pattern = '^T', rename = function(tok) return 'T' .. tok.name end }")
        self.write("sheet.csv", "id,description\nTKN-0000-0002,a\nTKN-0000-0003,b\n")
        for status, code in ((400, 3), (401, 4)):
            for name, args in {**WRITING, "check_names": ["convention.lua"]}.items():
                peer = self.failing(status)
                done = self.script(name, *args, "--apply", globals_=["--retry", "0"])
                self.assertEqual(done.code, code, (name, status, done.out, done.err))
                self.assertEqual(self.lines(done, "done"), {})
                self.assertRegex(done.err, "0 of [23] changed, [23] failed")
                self.assertTrue([r for r in peer.requests if r[0] != "GET"])
                self.assertFalse([r for r in peer.requests if r[0] != "GET" and "TKN-0000-0001" in r[1] and name != "check_names"])

    def test_what_has_changed_since_the_list(self):
        """Whoever looks again just before writing finds that there is no reason to write any more."""
        self.write("policy.lua", "return { { modules = {} } }")
        self.write("convention.lua", "return { pattern = '^T', rename = function(tok) return 'T' .. tok.name end }")
        self.write("sheet.csv", "name,description\ntoken 2,a\n")
        for name, args, then, said in (
                ("disable_unused", [], {"lastAccessAt": ago(0)}, "it was used just now"), ("disable_unused", [], {"status": "Disabled"}, "it is Disabled already"),
                ("least_privilege", ["policy.lua"], {"modules": []}, "it has lost them already"),
                ("check_names", ["convention.lua"], {"name": "mine now"}, "somebody has renamed it"),
                ("copy_descriptions", ["sheet.csv"], {"description": "a"}, "it has that description already")):
            peer = self.failing(200, then)
            done = self.script(name, *args, "--apply")
            self.assertEqual((done.code, self.lines(done, "done")), (0, {}), done.err)
            self.assertEqual(self.lines(done, "nothing to do")[2], said)
            self.assertEqual({request[0] for request in peer.requests}, {"GET"})

    def test_lists_that_fail(self):
        self.write("policy.lua", "return { { modules = {} } }")
        self.write("sheet.csv", "name,description\nx,y\n")
        for status, code in ((500, 1), (401, 4)):
            peer = Peer(self, (status, "application/json", b"{}"))
            for name in NAMES:
                done = self.script(name, *WRITING.get(name, []), globals_=["--retry", "0"],
                                   env={"MPT_API_BASE_URL": peer.url, "MPT_API_TOKEN": f"idt:TKN-0000-0001:{SECRET}"})
                self.assertEqual(done.code, code, (name, done.err))
                self.assertIn(str(status), done.err)

    def test_no_way_to_write_without_apply(self):
        """Not even for a mistake in a script."""
        peer = self.failing(200)
        self.write("careless.lua", """
            package.path = ... .. "/lua/?.lua;" .. package.path
            local api = require "moonkey.api"
            local list = require("changes").new{ apply = false }
            local tries = { function() return token.update("TKN-0000-0002", { name = "x" }) end, function() return token.edit("TKN-0000-0002", print) end,
              function() return token.create{ name = "x" } end, function() return api.request("DELETE", "/accounts/api-tokens/TKN-0000-0002") end }
            for _, name in ipairs{ "disable", "enable", "delete" } do tries[#tries + 1] = function() return token[name]("TKN-0000-0002") end end
            for i, try in ipairs(tries) do print(i, select(2, pcall(try))) end
            print(api.request("GET", "/accounts/api-tokens/TKN-0000-0002").id)
            list:finish()""")
        done = self.run_moonkey("careless.lua", SCRIPTS, env=self.env)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.out.count("nothing is written without --apply"), 7, done.out)
        self.assertEqual({request[0] for request in peer.requests}, {"GET"})


if __name__ == "__main__":
    main()
