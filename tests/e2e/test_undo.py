"""undo: what a run has changed is taken back, and nothing else."""
import json
import os
import re
import time

from harness import main
from test_plan import FIELDS, Plans

ASKED = "? [y/N] "
ROWS = [
    {"id": "TKN-0000-0002", "name": "CRM robot", "description": None},
    {"id": "TKN-0000-0003", "modules": ["MOD-1756"], "icon": "icon"},
    {"id": "TKN-0000-0002", "name": "CRM robot 2"},
]


class Undo(Plans):
    def setUp(self):
        super().setUp()
        self.before = self.tokens()

    def run_rows(self, rows, *args, code=0):
        self.write("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        done = self.moonkey("batch", "rows.jsonl", *args)
        self.assertEqual(done.code, code, done.err)
        return self.moonkey("runs", "list").out.splitlines()[1].split()[0]

    def undo(self, *args, code=0, run="last"):
        """Where there is no terminal."""
        done = self.finish(self.start("undo", run, *args, env=self.env, new_group=True))
        self.assertEqual(done.code, code, done.err + done.out)
        return done

    def differences(self):
        """id → the fields of which the token has other values than at the beginning."""
        found = {}
        for token_id, tok in self.tokens().items():
            fields = [f for f in FIELDS if f != "revision" and tok[f] != self.before[token_id][f]]
            if fields:
                found[token_id] = fields
        return found

    def kept_plans(self):
        return [n for n in os.listdir(self.path(".local/state/moonkey/runs/plans")) if n.endswith(".plan")]

    def test_after_consent(self):
        run = self.run_rows(ROWS, "--undoable")
        self.assertEqual(self.differences(), {"TKN-0000-0002": ["name", "description"], "TKN-0000-0003": ["icon", "modules"]})
        done = self.run_on_terminal("undo", run, env=self.env, answers=[(ASKED, "y\n")])
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.out, 'TKN-0000-0002\n'
                         f'  name: "CRM robot 2" → "{self.before["TKN-0000-0002"]["name"]}"\n'
                         f'  description: null → "{self.before["TKN-0000-0002"]["description"]}"\n'
                         'TKN-0000-0003\n  icon: "icon" → null\n  modules: + MOD-9042, - MOD-1756\n2 to change\n')
        self.assertIn("Undo the changes of 2 tokens on " + self.api.url.removeprefix("http://")
                      + " as TKN-0000-0001 of ACC-0000-0001 (Operations)" + ASKED, done.err)
        self.assertEqual(self.differences(), {})
        self.assertEqual(self.tokens()["TKN-0000-0002"]["revision"], self.before["TKN-0000-0002"]["revision"] + 3)

    def test_without_consent(self):
        self.run_rows(ROWS, "--undoable")
        changed = self.differences()
        for typed in ("n\n", "\n", "nope\n", "\x04"):
            done = self.run_on_terminal("undo", "last", env=self.env, answers=[(ASKED, typed)])
            self.assertEqual(done.code, 5, done.err)
            self.assertIn("nothing is undone", done.err)
        self.assertIn("there is no terminal to ask on; --yes would agree", self.undo(code=5).err)
        self.assertEqual((self.differences(), self.kept_plans()), (changed, []))

    def test_interrupted_while_it_asks(self):
        self.run_rows(ROWS, "--undoable")
        done = self.run_on_terminal("undo", "last", env=self.env, answers=[(ASKED, "\x03")])
        self.assertEqual(done.code, 130, done.err)

    def test_a_run_from_a_plan_twice_and_back_again(self):
        self.make_plan(ROWS)
        run = self.run_rows([], "--undoable")  # to be told apart from it
        self.assertEqual(self.moonkey("batch", "x.plan").code, 0)
        applied = self.moonkey("runs", "list").out.splitlines()[1].split()[0]
        self.assertNotEqual(applied, run)
        changed = self.differences()
        self.undo("-y", run=applied)
        self.assertEqual(self.differences(), {})
        self.assertIn("nothing to undo", self.undo("-y", run=applied).err)
        self.assertEqual(self.differences(), {})
        self.undo("-y")  # the undoing
        self.assertEqual(self.differences(), changed)

    def test_what_somebody_changed_since_is_left_alone(self):
        run = self.run_rows(ROWS, "--undoable")
        self.rename("TKN-0000-0002", "Theirs")
        done = self.undo("-y", run=run, code=5)
        self.assertIn('TKN-0000-0002\n  ! changed since the run, left alone: name: the run wrote "CRM robot 2", is "Theirs"\n', done.out)
        self.assertIn("1 to change, 1 changed since", done.out)
        self.assertEqual(self.differences(), {"TKN-0000-0002": ["name", "description"]})
        self.assertIn("nothing to undo that has not been changed since", self.undo("-y", run=run, code=5).err)

    def test_rows_that_failed(self):
        self.run_rows([{"id": "TKN-0000-0002", "name": "#"}, {"id": "TKN-0000-0003", "name": "New"},
                       {"id": "TKN-9999-0001", "name": "x"}], "--undoable", code=3)
        done = self.undo("-y")
        self.assertIn("1 to change, 1 unchanged\n", done.out)
        self.assertEqual(self.differences(), {})

    def test_dry_run_and_a_plan_of_it(self):
        self.run_rows(ROWS, "--undoable")
        changed = self.differences()
        self.assertIn("dry run: nothing was undone", self.undo("--dry-run").err)
        self.assertFalse(os.path.exists(self.path(".local/state/moonkey/runs/plans")))
        document = json.loads(self.undo("--dry-run", "-o", "undo.plan", "-o", "json").out)
        self.assertEqual(document["counts"]["changed"], 2)
        self.assertEqual(self.differences(), changed)
        done = self.moonkey("batch", "undo.plan")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.differences(), {})

    def test_max_changes(self):
        self.run_rows(ROWS, "--undoable")
        changed = self.differences()
        self.assertIn("the plan has 2 changes, and --max-changes permits 1", self.undo("-y", "--max-changes", "1", code=5).err)
        self.assertEqual(self.differences(), changed)
        self.undo("-y", "--max-changes", "2")
        self.assertEqual(self.differences(), {})

    def test_runs_that_cannot_be_undone(self):
        run = self.run_rows(ROWS)
        done = self.undo("-y", code=2)
        self.assertIn(f"run {run} kept nothing of what the tokens were", done.err)
        self.assertIn("--undoable", done.err)
        self.assertIn("there is no run nonsense", self.undo("-y", run="nonsense", code=2).err)
        self.run_rows(ROWS, "--undoable", "--dry-run")
        self.assertIn("was a dry run: nothing was written", self.undo("-y").err)
        self.run_rows(ROWS[2:], "--undoable", "--skip-unchanged")
        self.assertIn("has changed nothing: nothing to undo", self.undo("-y").err)

    def test_an_emulator_that_is_gone(self):
        self.write("one.jsonl", '{"id":"TKN-0000-0002","name":"CRM robot"}\n')
        self.assertEqual(self.run_moonkey("--emulator", "batch", "one.jsonl", "--undoable").code, 0)
        done = self.run_moonkey("undo", "last", "-y")
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("was against an emulator that ended with it", done.err)

    def test_not_elsewhere(self):
        self.run_rows(ROWS, "--undoable")
        other = self.emulator("--seed", "10")
        self.env = other.env
        self.assertIn(f"was against {self.api.url}, and this would go to {other.url}", self.undo("-y", code=2).err)

    def test_a_run_under_way(self):
        process = self.start("batch", self.many(), "--undoable", "--rate", "20/s", env=self.env)
        time.sleep(1)
        self.assertIn("is under way", self.undo("-y", code=2).err)
        process.kill()

    def many(self):
        return self.write("many.jsonl", "".join(json.dumps({"id": f"TKN-0000-{2 + n % 150:04}", "name": f"Robot {n}", "modules": []}) + "\n"
                                                for n in range(300)))

    def test_a_run_that_was_killed(self):
        process = self.start("batch", self.many(), "--undoable", "--rate", "250/s", "-j", "8", env=self.env)
        time.sleep(1.5)
        process.kill()
        self.finish(process)
        changed = len(self.differences())
        self.assertGreater(changed, 20)
        self.undo("-y")
        self.assertEqual(self.differences(), {})

    def test_an_undo_that_was_killed(self):
        self.run_rows([json.loads(line) for line in self.read(self.many()).splitlines()], "--undoable", "-j", "8")
        changed = len(self.differences())
        process = self.start("undo", "last", "-y", "--rate", "100/s", env=self.env)
        time.sleep(2)
        process.kill()
        self.finish(process)
        left = len(self.differences())
        self.assertTrue(0 < left < changed, (left, changed))
        done = self.moonkey("resume", "last", "--rate", "1000/s")
        self.assertEqual(done.code, 0, done.err)
        self.assertTrue(re.search(r"\d+ done", done.err))
        self.assertEqual(self.differences(), {})


if __name__ == "__main__":
    main()
