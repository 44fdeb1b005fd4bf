"""README.md does what it says: its files are written as they stand there, and its commands run as they are printed."""
import os
import re
import subprocess

from harness import MOONKEY, ROOT, TIMEOUT, Case, die_with_the_test, main

NAMES = {"id,name,description,modules": "tokens.csv", "id;team": "teams.csv"}  # of files that do not name themselves
HAS_BAD_ROWS, KILLED = 3, 137
CODES = {"plan": HAS_BAD_ROWS, "batch changes.plan": KILLED, "resume": HAS_BAD_ROWS, "retry": HAS_BAD_ROWS}
ANSWER = {"moonkey undo last": "moonkey undo last --yes"}  # there is no terminal here


def blocks(text):
    """(language, contents) of each fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


class Readme(Case):
    def setUp(self):
        super().setUp()
        os.symlink(os.path.join(ROOT, "scripts"), self.path("scripts"))
        os.symlink(MOONKEY, self.path("moonkey"))
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
            self.text = f.read()
        for _, block in blocks(self.text):
            first = block.split("\n", 1)[0]
            name = NAMES.get(first) or (re.fullmatch(r"-- (\S+\.lua)", first) or ["", None])[1]
            if name:
                self.write(name, block)

    def shell(self, line):
        env = {**self.environment(), "PATH": f"{self.dir}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-c", line], cwd=self.dir, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIMEOUT, check=False, preexec_fn=die_with_the_test)
        self.said += [done.stdout, done.stderr]
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def run_section(self, heading):
        """Run the commands of a section as they are printed: (standard output, standard error) of each."""
        section = self.text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
        said = []
        for command in "".join(block for language, block in blocks(section) if language == "sh").splitlines():
            words = command.split("  #")[0].strip()
            code = next((code for some, code in CODES.items() if f" {some}" in words), 0)
            got, out, err = self.shell(ANSWER.get(words, command) + "\nexit $?")  # or bash becomes the command
            self.assertEqual(got, code, f"{command}: {out[-2000:]}{err}")
            said.append((out, err))
        return said

    def test_script(self):
        (out, _), (listed, _) = self.run_section("A script")
        self.assertIn("TKN-0000-0002\tCRM robot\tWas: ", out)
        self.assertEqual(listed.count("\tnever used\t"), 20)

    def test_tokens(self):
        (listed, _), (updated, _), (created, _), (disabled, _), _, (modules, _), (module, _) = self.run_section("Tokens, one by one")
        self.assertIn("CRM robot 0003", listed)
        self.assertIn('→ "CRM robot"', updated)
        with open(self.path("ci.secret"), encoding="utf-8") as f:  # the one place where it may be
            self.assertRegex(f.read(), r"^idt:TKN-\d{4}-\d{4}:\w{64}\n$")
        self.assertRegex(created, r"^TKN-\d{4}-\d{4}\n$")
        self.assertEqual(disabled.count("Disabled"), 2)
        self.assertTrue(self.read("edit.csv").startswith("id,name,description,icon,modules"))
        self.assertIn("Access Management", modules)
        self.assertIn('"name": "Billing"', module)

    def test_ready_scripts(self):
        for out, err in self.run_section("Scripts that are ready"):
            self.assertIn("--apply", out + err)

    def test_faults(self):
        (_, err), = self.run_section("An emulator to aim at")
        self.assertIn("2 done, 0 failed", err)

    def test_batch(self):
        (_, err), = self.run_section("A batch")
        self.assertIn("2 done, 0 failed", err)
        self.assertEqual(self.read("results.csv").count(",done,200,"), 2)

    def test_module(self):
        (_, err), = self.run_section("A module of your own")
        self.assertIn("2 done, 0 failed", err)

    def test_runs_that_survive(self):
        (plan, _), _, (_, resumed), (_, retried), _, _, (undone, undo) = self.run_section("See it, run it, kill it, take it back")
        changes = int(re.search(r"^(\d+) to change, 1 unknown id, 2 invalid rows$", plan, re.MULTILINE).group(1))
        done, before = map(int, re.search(r" (\d+) done, 5 failed, (\d+) of them before in ", resumed).groups())
        self.assertEqual(done, changes - 2)  # two are refused by the platform
        self.assertTrue(0 < before < done, before)
        self.assertIn(f" {done} done, 5 failed, {done} of them before in ", retried)
        self.assertEqual(self.read("again.csv").count("\r\n"), 1 + 5)
        self.assertIn("<svg", self.read("report.html"))
        self.assertRegex(undone, rf"^{done} to change|\n{done} to change")
        self.assertIn(f" {done} done,", undo)


main()
