"""plan, and batch with a plan: what is shown, what is applied, and when nothing is."""
import json
import os
import re
import signal
import stat
import subprocess
import time
import unittest

from harness import Case, main

FIELDS = ("name", "description", "icon", "modules", "revision")


class Plans(Case):
    def setUp(self):
        super().setUp()
        self.api = self.emulator("--seed", "300")
        self.env = self.api.env

    def moonkey(self, *args, **more):
        return self.run_moonkey(*args, env={**self.env, **more.pop("env", {})}, **more)

    def tokens(self):
        """id → its writable fields and revision, of all."""
        code = """local api, json = require "moonkey.api", require "moonkey.json"
            for at = 0, 200, 100 do
              local page = assert(api.request("GET", "/accounts/api-tokens", { query = "select=modules,-token&limit=100&offset=" .. at }))
              for _, tok in ipairs(page.data) do print(json.encode(tok)) end
            end"""
        done = self.moonkey("run", "-e", code)
        self.assertEqual(done.code, 0, done.err)
        found = {}
        for tok in done.results():
            tok["modules"] = sorted(m["id"] for m in tok["modules"])
            found[tok["id"]] = {field: tok.get(field) for field in FIELDS}
        return found

    def rename(self, token_id, name):
        done = self.moonkey("run", "-e", f"assert(token.update('{token_id}', {{ name = '{name}' }}))")
        self.assertEqual(done.code, 0, done.err)

    def make_plan(self, rows, *args, code=0):
        self.write("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        done = self.moonkey("plan", "rows.jsonl", "-o", "x.plan", *args)
        self.assertEqual(done.code, code, done.err + done.out)
        return done

    def parts(self):
        return [name for name in os.listdir(self.dir) if name.endswith(".part")]


ROWS = [
    {"id": "TKN-0000-0002", "name": "CRM robot", "description": None},
    {"id": "TKN-0000-0003", "modules": ["MOD-1756"]},
    {"id": "TKN-0000-0002", "name": "CRM robot 2"},
]


class Showing(Plans):
    def test_shows_and_writes_nothing(self):
        before = self.tokens()
        self.write("rows.csv", "id,name,description\nTKN-0000-0002,CRM robot,\\N\nTKN-9999-0001,x,\n,x,\n"
                   f"TKN-0000-0003,{before['TKN-0000-0003']['name']},\n")
        done = self.moonkey("plan", "rows.csv")
        self.assertEqual(done.code, 3, done.err)
        name, description = before["TKN-0000-0002"]["name"], before["TKN-0000-0002"]["description"]
        self.assertEqual(done.out, f'TKN-0000-0002 (line 2)\n  name: "{name}" → "CRM robot"\n  description: "{description}" → null\n'
                         "TKN-9999-0001 (line 3)\n  ! 404 Not Found: Token 'TKN-9999-0001' was not found.\n"
                         '(no id) (line 4)\n  ! no id: the row has no "id": nothing says which token to change\n'
                         "1 to change, 1 unchanged, 1 unknown id, 1 invalid row\n")
        self.assertEqual(self.tokens(), before)

    def test_exit_codes(self):
        same = [{"id": "TKN-0000-0002", "name": self.tokens()["TKN-0000-0002"]["name"]}]
        self.make_plan(same)
        self.make_plan(same, "--detailed-exitcode")
        self.make_plan(ROWS)
        self.make_plan(ROWS, "--detailed-exitcode", code=6)
        self.make_plan(ROWS + [{"id": "TKN-9999-0001", "name": "x"}], "--detailed-exitcode", code=3)
        self.make_plan(ROWS, "--max-changes", "3", "--detailed-exitcode", code=6)
        done = self.make_plan(ROWS, "--max-changes", "2", "--detailed-exitcode", code=5)
        self.assertIn("the plan has 3 changes, and --max-changes permits 2", done.err)
        self.make_plan([])

    def test_json(self):
        done = self.make_plan(ROWS, "-o", "json")
        document = json.loads(done.out)
        self.assertEqual(document["counts"]["changed"], 3)
        self.assertEqual(document["account"].split()[0], "ACC-0000-0001")
        self.assertEqual(document["plan"][2]["changes"], [{"field": "name", "from": "CRM robot", "to": "CRM robot 2"}])
        lines = [json.loads(line) for line in self.read("x.plan").splitlines()]
        self.assertEqual(lines[1:-1], document["plan"])
        self.assertEqual(stat.S_IMODE(os.stat(self.path("x.plan")).st_mode), 0o600)

    def test_reads_the_list_where_that_is_cheaper(self):
        rows = [{"id": f"TKN-0000-{n:04}", "name": f"Robot {n}"} for n in range(1, 301)] + [{"id": "TKN-9999-0001", "name": "x"}]
        done = self.make_plan(rows, "--log-level", "debug", code=3)
        self.assertIn("300 to change, 1 unknown id", done.out)
        asked = re.findall(r"> GET http://\S+/api-tokens([/?]\S+)", done.err)
        self.assertEqual(sorted(asked), ["/TKN-0000-0001", "/TKN-9999-0001"]
                         + [f"?limit=100&offset={at}&select=modules,-token" for at in (0, 100, 200)])

    def test_what_is_planned_outlasts_a_read_of_the_list(self):
        ends = [{"id": f"TKN-0000-0{n}", "name": f"End {n}"} for n in (299, 300)]
        rows = ends * 500 + [{"id": f"TKN-0000-{n:04}", "name": f"Robot {n}"} for n in range(2, 290)] + ends
        done = self.make_plan(rows, "--log-level", "debug")
        self.assertIn("offset=200&", done.err)
        self.assertIn("290 to change, 1,000 unchanged", done.out)

    def test_colour(self):
        self.make_plan(ROWS)
        self.assertNotIn("\x1b", self.moonkey("plan", "rows.jsonl").out)
        self.assertIn('\x1b[32m"CRM robot"\x1b[0m', self.moonkey("plan", "rows.jsonl", env={"CLICOLOR_FORCE": "1"}).out)
        self.assertIn("\x1b", self.moonkey("plan", "rows.jsonl", "--color", "always").out)
        self.assertNotIn("\x1b", self.moonkey("plan", "rows.jsonl", "--color", "never", env={"CLICOLOR_FORCE": "1"}).out)

    def test_from_standard_input_and_read_only(self):
        done = self.moonkey("--read-only", "plan", "-", "--format", "jsonl", stdin='{"id":"TKN-0000-0002","name":"x"}\n')
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("1 to change", done.out)

    def test_misuse(self):
        self.make_plan(ROWS)
        rows = self.read("rows.jsonl")
        cases = [
            (["rows.jsonl", "-o", "rows.jsonl"], "rows.jsonl exists already and is no plan"),
            (["rows.jsonl", "-o", "-"], "-o -: the plan is printed anyway"),
            (["rows.jsonl", "-o", ""], "-o needs text, json, or the name of a file"),
            (["rows.jsonl", "-o", "a", "-o", "b"], "a plan is written to one file"),
            (["rows.jsonl", "-o", "text", "-o", "json"], "exclude each other"),
            (["rows.jsonl", "-o", "nowhere/x.plan"], "cannot write the plan"),
            (["x.plan"], "x.plan is a plan already: moonkey batch x.plan applies it"),
            (["nowhere.csv"], "nowhere.csv"),
        ]
        for args, message in cases:
            done = self.moonkey("plan", *args)
            self.assertEqual(done.code, 2, (args, done.err))
            self.assertIn(message, done.err)
        self.assertEqual(self.read("rows.jsonl"), rows)
        self.assertEqual(self.parts(), [])

    def test_unusable_input_leaves_no_plan(self):
        self.write("rows.json", '[{"id":"TKN-0000-0002","name":"x"},')
        done = self.moonkey("plan", "rows.json", "-o", "x.plan")
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("there is no plan", done.err)
        self.assertFalse(os.path.exists(self.path("x.plan")))
        self.assertEqual(self.parts(), [])

    @unittest.skipUnless(os.geteuid() == 0, "only root can make a file system that is full")
    def test_a_full_disk_leaves_no_plan(self):
        os.mkdir(self.path("small"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", self.path("small")], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("mounting is not permitted here")
        self.addCleanup(subprocess.run, ["umount", self.path("small")], check=True)
        self.write("rows.jsonl", "".join(json.dumps({"id": f"TKN-0000-{n:04}", "name": f"Robot {n}"}) + "\n" for n in range(2, 300)))
        done = self.moonkey("plan", "rows.jsonl", "-o", "small/x.plan")
        self.assertEqual((done.code, done.err), (1, "moonkey: cannot write the plan to small/x.plan: No space left on device\n"))
        self.assertEqual(os.listdir(self.path("small")), [])

    def test_interrupted_leaves_no_plan(self):
        self.write("rows.jsonl", "".join(json.dumps({"id": f"TKN-9999-{n:04}", "name": "x"}) + "\n" for n in range(500)))
        process = self.start("plan", "rows.jsonl", "-o", "x.plan", "--rate", "20/s", env=self.env)
        deadline = time.monotonic() + 20
        while not self.parts() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.code, 130, done.err)
        self.assertIn("interrupted: there is no plan", done.err)
        self.assertFalse(os.path.exists(self.path("x.plan")))
        self.assertEqual(self.parts(), [])


class Applying(Plans):
    def apply(self, *args, code=0, env=None):
        done = self.moonkey("batch", "x.plan", *args, env=env or {})
        self.assertEqual(done.code, code, done.err)
        return done

    def test_applies_exactly_that_and_once(self):
        before = self.tokens()
        self.make_plan(ROWS + [{"id": "TKN-0000-0004", "name": before["TKN-0000-0004"]["name"]}])
        self.write("rows.jsonl", '{"id":"TKN-0000-0005","name":"not this"}\n')
        done = self.apply("-o", "jsonl")
        outcomes = {r["row"]: (r["outcome"], r["line"], r["attempts"]) for r in done.results()}
        self.assertEqual(outcomes, {1: ("done", 1, 2), 2: ("done", 2, 2), 3: ("done", 3, 2), 4: ("skipped", 4, 0)})
        after = self.tokens()
        changed = {"TKN-0000-0002": {"name": "CRM robot 2", "description": None, "revision": before["TKN-0000-0002"]["revision"] + 2},
                   "TKN-0000-0003": {"modules": ["MOD-1756"], "revision": before["TKN-0000-0003"]["revision"] + 1}}
        self.assertEqual(after, {i: {**tok, **changed.get(i, {})} for i, tok in before.items()})
        done = self.apply(code=5)
        run = re.search(r"was applied already, by the run (\S+); moonkey resume \1 ", done.err)
        self.assertTrue(run, done.err)
        self.assertIn(run[1], self.moonkey("runs", "list").out)
        self.assertEqual(self.tokens(), after)

    def test_the_run_that_has_applied_it_is_found(self):
        self.make_plan(ROWS)
        self.apply("--journal", "mine.journal")
        name = re.search(r"by the run \S+; moonkey resume (\S+) goes on", self.apply(code=5).err)[1]
        self.assertIn("nothing is left to do", self.moonkey("resume", name).err)

    def test_what_somebody_changed_meanwhile_is_left_alone(self):
        self.make_plan(ROWS)
        self.rename("TKN-0000-0003", "Not looked at")
        self.rename("TKN-0000-0002", "Theirs")
        done = self.apply("-o", "jsonl", code=5)
        results = {r["row"]: r for r in done.results()}
        self.assertEqual([results[n]["outcome"] for n in (1, 2, 3)], ["failed", "done", "failed"])
        self.assertEqual(results[1]["kind"], "drift")
        self.assertRegex(results[1]["detail"], '^name: planned from ".*", is "Theirs"$')
        self.assertEqual(self.tokens()["TKN-0000-0002"]["name"], "Theirs")
        self.assertEqual(self.tokens()["TKN-0000-0003"]["modules"], ["MOD-1756"])
        again = self.moonkey("resume", "last")
        self.assertIn("nothing is left to do", again.err)
        self.assertEqual(again.code, 5)

    def test_force_overwrites_that(self):
        self.make_plan(ROWS)
        self.rename("TKN-0000-0002", "Theirs")
        self.apply("--force")
        self.assertEqual(self.tokens()["TKN-0000-0002"]["name"], "CRM robot 2")

    def test_rows_that_cannot_be_done_fail_without_a_request(self):
        self.make_plan([{"id": "TKN-9999-0001", "name": "x"}, {"name": "x"}, {"id": "TKN-0000-0002", "name": "New"}], code=3)
        done = self.apply("-o", "jsonl", code=3)
        results = {r["row"]: (r["outcome"], r.get("kind"), r.get("status"), r["attempts"]) for r in done.results()}
        self.assertEqual(results, {1: ("failed", "api", 404, 0), 2: ("failed", "row", None, 0), 3: ("done", None, 200, 2)})
        failed = self.moonkey("runs", "results", "last", "--failed", "-o", "csv")
        self.assertEqual(failed.out.splitlines()[0], "id,error")
        self.assertTrue(failed.out.splitlines()[1].startswith("TKN-9999-0001,404 Not Found"), failed.out)

    def test_a_dry_run_writes_nothing_and_does_not_use_the_plan_up(self):
        self.make_plan(ROWS)
        before = self.tokens()
        done = self.apply("--dry-run")
        self.assertIn("dry run: TKN-0000-0003: modules: ", done.err)
        self.assertEqual(self.tokens(), before)
        self.apply()

    def test_a_dry_run_knows_what_an_earlier_row_would_have_changed(self):
        name = self.tokens()["TKN-0000-0005"]["name"]
        self.write("two.jsonl", json.dumps({"id": "TKN-0000-0005", "name": "B"}) + "\n" + json.dumps({"id": "TKN-0000-0005", "name": name}) + "\n")
        there_and_back = [[{"field": "name", "from": name, "to": "B"}], [{"field": "name", "from": "B", "to": name}]]
        for flags in (["--skip-unchanged"], ["--undoable"]):
            for dry_run in (["--dry-run"], []):
                done = self.moonkey("batch", "two.jsonl", "-o", "jsonl", *flags, *dry_run)
                self.assertEqual([r["changes"] for r in done.results()], there_and_back)

    def test_a_dry_run_fails_where_the_run_would(self):
        own = self.api.credential.split(":")[1]
        self.write("own.jsonl", json.dumps({"id": own, "modules": []}) + "\n")
        self.write("secret.jsonl", json.dumps({"id": "TKN-0000-0005", "description": self.api.credential}) + "\n")
        for name, flags, said in (("own", ["--skip-unchanged"], "--allow-self permits it"), ("own", ["--undoable"], "--allow-self permits it"),
                                  ("secret", ["--undoable"], "has a credential in it")):
            for dry_run in (["--dry-run"], []):
                done = self.moonkey("batch", name + ".jsonl", *flags, *dry_run)
                self.assertEqual(done.code, 3, done.err)
                self.assertIn(said, done.err)

    def test_max_changes(self):
        self.make_plan(ROWS)
        before = self.tokens()
        done = self.apply("--max-changes", "2", code=5)
        self.assertIn("the plan has 3 changes, and --max-changes permits 2", done.err)
        self.assertEqual(self.tokens(), before)
        self.apply("--max-changes", "3")

    def test_not_elsewhere(self):
        self.make_plan(ROWS)
        other = self.emulator("--seed", "10")
        done = self.apply(code=2, env=other.env)
        self.assertIn(f"was made for {self.api.url}, and this is {other.url}", done.err)
        self.apply()

    def test_not_as_another_account(self):
        secrets = {n: f"idt:TKN-0000-000{n}:" + f"PlansOfAccountsSecret{n}Characters" * 2 for n in (1, 2, 3)}
        self.write("seed.jsonl", "".join(json.dumps({
            "id": f"TKN-0000-000{n}", "name": f"Robot {n}", "status": "Active", "token": secret, "modules": [],
            "account": {"id": f"ACC-0001-000{n % 2}", "type": "Operations", "name": f"Account {n % 2}"}}) + "\n"
            for n, secret in secrets.items()))
        self.env = self.emulator("--seed", "seed.jsonl").env
        self.make_plan([{"id": "TKN-0000-0002", "name": "New"}])
        done = self.apply(code=2, env={"MPT_API_TOKEN": secrets[2]})
        self.assertIn("made with the credential of TKN-0000-0001 of ACC-0001-0001 (Account 1), and this is that of TKN-0000-0002 of "
                      "ACC-0001-0000 (Account 0)", done.err)
        self.apply(env={"MPT_API_TOKEN": secrets[3]})

    def test_spoilt_plans(self):
        self.make_plan(ROWS)
        text, before = self.read("x.plan"), self.tokens()
        for spoilt, message in ((text[:-30], "cut off"), (text.replace("CRM robot", "CRM xobot"), "changed after it was made"),
                                (text.replace('"moonkey_plan":1', '"moonkey_plan":7'), "a newer moonkey has made it")):
            self.write("x.plan", spoilt)
            self.assertIn(message, self.apply(code=2).err)
        self.assertEqual(self.tokens(), before)

    def test_misuse(self):
        self.make_plan(ROWS)
        self.write("job.lua", "return function() end")
        for args, message in ((["x.plan", "--job", "job.lua"], "--job is not for a plan"), (["rows.jsonl", "--force"], "--force is for a plan")):
            done = self.moonkey("batch", *args)
            self.assertEqual(done.code, 2, done.err)
            self.assertIn(message, done.err)

    def test_killed_and_resumed(self):
        before = self.tokens()
        self.make_plan([{"id": f"TKN-0000-{n:04}", "name": f"Robot {n}"} for n in range(2, 202)])
        process = self.start("batch", "x.plan", "--rate", "200/s", "-j", "8", env=self.env)
        time.sleep(1)
        process.kill()
        self.finish(process)
        self.assertIn("was applied already", self.apply(code=5).err)
        done = self.moonkey("resume", "last", "--accept-changes")
        self.assertEqual(done.code, 2, done.err)
        self.assertRegex(done.err, r"applies a plan, which may not change: without --accept-changes, moonkey resume \S+ goes on")
        plan = self.read("x.plan")
        self.make_plan(ROWS)
        done = self.moonkey("resume", "last")
        self.assertEqual(done.code, 2, done.err)
        self.assertRegex(done.err, r"x.plan has changed .* apply the plan that is there now, as a run of its own: moonkey batch PLAN")
        self.write("x.plan", plan)
        done = self.moonkey("resume", "last", "--rate", "1000/s")
        self.assertEqual(done.code, 0, done.err)
        for token_id, tok in self.tokens().items():
            n = int(token_id[-4:])
            self.assertEqual(tok["revision"], before[token_id]["revision"] + (2 <= n <= 201), token_id)
            if 2 <= n <= 201:
                self.assertEqual(tok["name"], f"Robot {n}")


if __name__ == "__main__":
    main()
