"""README.md does what it says: its files are written as they stand there, and its commands run as they are printed. Every block."""
import os
import re
import signal
import subprocess
import sys

from harness import MOONKEY, ROOT, TIMEOUT, Case, die_with_the_test, main

sys.path.append(os.path.join(ROOT, "tests", "queue"))

import scripts  # noqa: E402
import server  # noqa: E402
from worker_case import eventually  # noqa: E402

NAMES = {"id,name,description,modules": "tokens.csv", "id;team": "teams.csv"}  # of files that do not name themselves
HAS_BAD_ROWS, KILLED = 3, 137
CODES = {"plan": HAS_BAD_ROWS, "batch changes.plan": KILLED, "resume": HAS_BAD_ROWS, "retry": HAS_BAD_ROWS}
ANSWER = {"moonkey undo last": "moonkey undo last --yes"}  # there is no terminal here
DRAWINGS = {"Where things are"}  # sections whose blocks are for the eye
FLEET = "More than one machine"  # its commands are under way at the same time: see test_fleet
ELSEWHERE = ("Two commands", "Developing")  # how it is built and tested: what a test can see of that is in test_developing


def blocks(text):
    """(language, contents) of each fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def file_of(block):
    """The name of the file that a block is; None where it is none."""
    first = block.split("\n", 1)[0]
    return NAMES.get(first) or (re.fullmatch(r"-- (\S+\.lua)", first) or ["", None])[1]


def sections(text):
    """(heading, contents) of each section."""
    return [part.split("\n", 1) for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]]


class Readme(Case):
    def setUp(self):
        super().setUp()
        os.symlink(os.path.join(ROOT, "scripts"), self.path("scripts"))
        os.symlink(MOONKEY, self.path("moonkey"))
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
            self.text = f.read()
        for _, block in blocks(self.text):
            if file_of(block):
                self.write(file_of(block), block)

    def shell(self, line):
        env = {**self.environment(), "PATH": f"{self.dir}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-c", line], cwd=self.dir, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIMEOUT, check=False, preexec_fn=die_with_the_test)
        self.said += [done.stdout, done.stderr]
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def commands(self, heading):
        section = dict(sections(self.text))[heading]
        return "".join(block for language, block in blocks(section) if language == "sh").splitlines()

    def run_section(self, heading):
        """Run the commands of a section as they are printed: (standard output, standard error) of each."""
        said = []
        for command in self.commands(heading):
            words = command.split("  #")[0].strip()
            code = next((code for some, code in CODES.items() if f" {some}" in words), 0)
            got, out, err = self.shell(ANSWER.get(words, command) + "\nexit $?")  # or bash becomes the command
            self.assertEqual(got, code, f"{command}: {out[-2000:]}{err}")
            said.append((out, err))
        return said

    def check_script(self, said):
        (out, _), (listed, _) = said
        self.assertIn("TKN-0000-0002\tCRM robot\tWas: ", out)
        self.assertEqual(listed.count("\tnever used\t"), 20)

    def check_tokens(self, said):
        (listed, _), (updated, _), (created, _), (disabled, _), _, (modules, _), (module, _) = said
        self.assertIn("CRM robot 0003", listed)
        self.assertIn('→ "CRM robot"', updated)
        with open(self.path("ci.secret"), encoding="utf-8") as f:  # the one place where it may be
            self.assertRegex(f.read(), r"^idt:TKN-\d{4}-\d{4}:\w{64}\n$")
        self.assertRegex(created, r"^TKN-\d{4}-\d{4}\n$")
        self.assertEqual(disabled.count("Disabled"), 2)
        self.assertTrue(self.read("edit.csv").startswith("id,name,description,icon,modules"))
        self.assertIn("Access Management", modules)
        self.assertIn('"name": "Billing"', module)

    def check_ready_scripts(self, said):
        for out, err in said:
            self.assertIn("--apply", out + err)

    def check_faults(self, said):
        (_, err), = said
        self.assertIn("2 done, 0 failed", err)

    def check_batch(self, said):
        (_, err), = said
        self.assertIn("2 done, 0 failed", err)
        self.assertEqual(self.read("results.csv").count(",done,200,"), 2)

    def check_module(self, said):
        (_, err), = said
        self.assertIn("2 done, 0 failed", err)

    def check_project(self, said):
        (_, _), (tested, _), (checked, _), (listed, _) = said
        self.assertRegex(tested, r"(?m)^\d+ successes / 0 failures / 0 errors")
        self.assertIn("0 warnings / 0 errors", checked)
        self.assertEqual(listed.count("\tnever used\t"), 20)

    def check_extensions(self, said):
        _, (places, _), (idle, _), (markdown, _) = said
        for name in ("command/idle", "format/fods", "output/markdown", "credential/vault", "check/naming"):
            self.assertIn(f"./lua/moonkey/{name}.lua", places)
        self.assertIn("999  in all, not used for 90 days", idle)
        self.assertIn("| TKN-0000-0001 |", markdown)

    def check_runs_that_survive(self, said):
        (plan, _), _, (_, resumed), (_, retried), _, _, (undone, undo) = said
        changes = int(re.search(r"^(\d+) to change, 1 unknown id, 2 invalid rows$", plan, re.MULTILINE).group(1))
        done, before = map(int, re.search(r" (\d+) done, 5 failed, (\d+) of them before in ", resumed).groups())
        self.assertEqual(done, changes - 2)  # two are refused by the platform
        self.assertTrue(0 < before < done, before)
        self.assertIn(f" {done} done, 5 failed, {done} of them before in ", retried)
        self.assertEqual(self.read("again.csv").count("\r\n"), 1 + 5)
        self.assertIn("<svg", self.read("report.html"))
        self.assertRegex(undone, rf"^{done} to change|\n{done} to change")
        self.assertIn(f" {done} done,", undo)

    def on_machine(self, name, user, command, redis, env):
        """A command of a fleet, under way with a home of its own, and with the Redis of the test."""
        words = command.split("  #")[0].replace("rediss://", "redis://").replace("redis.example.com", f"127.0.0.1:{redis.port}").split()
        os.makedirs(self.path(name), exist_ok=True)
        return self.start(*words[1:], env={**env, "HOME": self.path(name), "MOONKEY_QUEUE_PASSWORD": server.password_of(user)})

    def test_fleet(self):
        """Three workers, one of which loses its power; then Ctrl-C, and resume: it ends as if nothing had happened."""
        worker, batch, status, resume = self.commands(FLEET)
        env = self.emulator("--seed", "1000").env
        with server.Redis(users=scripts.users()) as redis:
            workers = [self.on_machine(f"worker{i}", "worker", worker, redis, env) for i in range(3)]
            coordinator = self.on_machine("here", "coordinator", batch, redis, env)
            self.assertTrue(eventually(lambda: sum(len(redis.admin.hgetall(key)) for key in redis.admin.keys("*:workers")) == 3))
            seen = self.finish(self.on_machine("there", "coordinator", status, redis, env))
            self.assertRegex(seen.out, r"open +alive ")
            self.assertEqual(len(re.findall(r" s ago +\d+ rows ", seen.out)), 3, seen.out + seen.err)
            workers[0].kill()
            coordinator.send_signal(signal.SIGINT)
            interrupted = self.finish(coordinator)
            self.assertEqual(interrupted.code, 130, interrupted.err)
            resumed = self.finish(self.on_machine("here", "coordinator", resume, redis, env))
            self.assertEqual(resumed.code, HAS_BAD_ROWS, resumed.err)
            self.assertRegex(resumed.err, r" 995 done, 5 failed, [1-9]\d* of them before in ")
            for each in workers[1:]:
                each.send_signal(signal.SIGTERM)
                self.assertEqual(self.finish(each).code, 143)
            self.assertEqual(redis.keys(), [])

    def test_other_lua(self):
        """Lua that is no file: the configuration, and scripts."""
        for language, block in blocks(self.text):
            if language != "lua" or file_of(block):
                continue
            if block.startswith("return {"):
                self.write(".config/moonkey/config.lua", block)
                code, out, err = self.shell("moonkey profile list")
                self.assertIn("production", out)
            else:
                self.write("block.lua", block)
                code, out, err = self.shell("moonkey --emulator run block.lua")
            self.assertEqual(code, 0, f"{block}{out}{err}")

    def test_developing(self):
        """What is named there exists, and the commands that a build has been made for are run."""
        with open(os.path.join(ROOT, "CMakePresets.json"), encoding="utf-8") as f:
            presets = f.read()
        for heading in ELSEWHERE:
            for line in "".join(block for _, block in blocks(dict(sections(self.text))[heading])).splitlines():
                command = line.split("  #")[0]
                for name in re.findall(r"\b(?:tests|scripts)/[\w./]+", command):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, name)), name)
                for name in re.findall(r"--preset (\w+)", command):
                    self.assertIn(f'"name": "{name}"', presets)
                if "build-debug/moonkey" in command:
                    code, out, err = self.shell(f"cd {ROOT} && " + command.replace("build-debug/moonkey", MOONKEY))
                    self.assertEqual(code, 0, f"{line}: {out}{err}")

    def test_no_block_is_left_out(self):
        for heading, section in sections(self.text):
            for language, block in blocks(section):
                done = {"sh": heading in (*CHECKS, *ELSEWHERE, FLEET), "lua": True}.get(language, file_of(block) or heading in DRAWINGS)
                self.assertTrue(done, f"{heading}: nothing is done with:\n{block}")
        commands = "".join(block for language, block in blocks(self.text) if language == "sh")
        for _, block in blocks(self.text):
            name = file_of(block)
            used = name and (name in commands or f'require "{os.path.basename(name)[:-4]}"' in self.text)
            self.assertTrue(used or not name, f"{name} is used by no command")


CHECKS = {
    "A script": Readme.check_script,
    "Tokens, one by one": Readme.check_tokens,
    "Scripts that are ready": Readme.check_ready_scripts,
    "An emulator to aim at": Readme.check_faults,
    "A batch": Readme.check_batch,
    "A module of your own": Readme.check_module,
    "A project of your own": Readme.check_project,
    "Extend it": Readme.check_extensions,
    "See it, run it, kill it, take it back": Readme.check_runs_that_survive,
}

for section_name, check in CHECKS.items():
    setattr(Readme, check.__name__.replace("check_", "test_"),
            lambda self, heading=section_name, look=check: look(self, self.run_section(heading)))

main()
