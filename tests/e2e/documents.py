"""Documents whose blocks do what they say. Between ``` and ``` stands, by the words behind the first ```:

    LANGUAGE NAME   a file of that name; ~ is a home of the test's own
    sh              commands, one a line; "# exit N" behind one says how it ends
    service         programs that go on beside all that follows, one a line
    diagram         for the eye
    text            what the commands before it have said, line after line; … stands for anything
Any other block is a mistake, so none can be left out; a test may know more of its documents, and say so in `others`.
"""
import os
import re
import subprocess

from harness import MOONKEY, TIMEOUT, Case, die_with_the_test


class Block:
    def __init__(self, match):
        indent = len(match[1])
        self.language, _, self.name = match[2].partition(" ")
        self.lines = [line[indent:] for line in match[3].splitlines()]
        self.text = "".join(line + "\n" for line in self.lines)


def blocks(text):
    return [Block(match) for match in re.finditer(r"^( *)```(.*)\n((?:.*\n)*?)\1```$", text, re.MULTILINE)]


class DocumentCase(Case):
    def setUp(self):
        super().setUp()
        os.symlink(MOONKEY, self.path("moonkey"))
        self.services = []

    def tearDown(self):
        for i, service in enumerate(self.services):
            service.kill()
            service.wait()
            self.read(f"service{i}.log")
        super().tearDown()

    def password_manager(self, credential):
        """A program `pass` that has the credential."""
        self.write("pass", f"#!/bin/sh\necho '{credential}'\n", 0o755)

    def world(self, env):
        return {**self.environment(**env), "PATH": f"{self.dir}:{os.environ['PATH']}"}

    def shell(self, line, env):
        done = subprocess.run(["bash", "-c", line + "\nexit $?"], cwd=self.dir, env=self.world(env), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=TIMEOUT, check=False, preexec_fn=die_with_the_test)
        self.said += [done.stdout, done.stderr]
        return done.returncode, (done.stdout + done.stderr).decode()

    def run_commands(self, lines, env):
        said = ""
        for line in lines:
            expected = int((re.search(r"# exit (\d+)$", line) or ["", 0])[1])
            code, out = self.shell(line, env)
            self.assertEqual(code, expected, f"{line}\n{out[-3000:]}")
            said += out
        return said

    def start_service(self, line, env):
        with open(self.path(f"service{len(self.services)}.log"), "wb") as log:
            self.services.append(subprocess.Popen(["bash", "-c", line], cwd=self.dir, env=self.world(env), stdin=subprocess.DEVNULL,
                                                  stdout=log, stderr=log, preexec_fn=die_with_the_test))

    def expect(self, lines, said):
        rest = said
        for line in filter(lambda line: line != "…", lines):
            pattern = ".*".join(re.escape(part) for part in line.split("…"))
            found = re.search(pattern, rest)
            self.assertIsNotNone(found, f"{line!r} does not come, in its place, in:\n{said[-4000:]}")
            rest = rest[found.end():]

    def run_document(self, text, env, others=None):
        """Run all blocks in order; others: language -> what is done with a block of that language that has no name."""
        said = None
        for block in blocks(text):
            if block.name:
                self.write(block.name.removeprefix("~/"), block.text)
            elif block.language == "sh":
                said = self.run_commands(block.lines, env)
            elif block.language == "diagram":
                continue
            elif block.language == "service":
                for line in block.lines:
                    self.start_service(line, env)
            elif block.language == "text" and said is not None:
                self.expect(block.lines, said)
            elif others and block.language in others:
                others[block.language](block, env)
            else:
                self.fail(f"a block that nothing is done with: {block.text}")
