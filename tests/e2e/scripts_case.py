"""What the tests of the automation scripts share: tokens, an emulator that has them, and what a script said of each."""
import json
import os
import re
import time

from harness import ROOT, Case

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
