"""moonkey completion: bash, zsh and fish are asked what they would complete, as somebody who types would."""
import os
import pty
import re
import select
import shutil
import subprocess
import time
import unittest

from harness import MOONKEY, Case, die_with_the_test, main

CONFIG = """return {
  default = "test",
  test = { credential_command = "touch '%s'" },
  production = {},
  ["odd $(touch injected)"] = {},
  ["two\\nlines"] = {},
}
"""
PATIENCE = 60  # seconds, for a busy machine


class Shells(Case):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("bin"))
        os.symlink(MOONKEY, self.path("bin/moonkey"))
        self.write(".config/moonkey/config.lua", CONFIG % self.path("command_was_run"))
        self.write("lua/moonkey/command/hello.lua", f"io.open('{self.path('extension_was_run')}', 'w')\nreturn {{ run = print }}\n")
        self.write("rows.csv", "id,name\nTKN-0000-0002,New\n")
        self.write("my dir/x.lua", "")

    def tearDown(self):
        super().tearDown()
        for name in ("command_was_run", "extension_was_run", "injected"):
            self.assertFalse(os.path.exists(self.path(name)), name)

    def environment(self, **more):
        return super().environment(PATH=self.path("bin") + ":" + os.environ["PATH"], TERM="dumb", **more)

    def run_id(self):
        done = self.run_moonkey("--emulator", "batch", "rows.csv")
        self.assertEqual(done.code, 0, done.err)
        return os.listdir(self.path(".local/state/moonkey/runs"))[0].removesuffix(".journal")

    def ask(self, *words):
        """What the host says: what else fits, and the words."""
        done = self.run_moonkey("__complete", *words)
        self.assertEqual((done.code, done.err), (0, ""))
        first, *lines = done.out.splitlines() or [""]
        return first, [line.split("\t")[0] for line in lines]


class Host(Shells):
    def test_words(self):
        run = self.run_id()
        for name in ("named", "numbered"):
            self.write(f"lua/moonkey/check/{name}.lua", f"io.open('{self.path('extension_was_run')}', 'w')")
        cases = [
            (["tok"], ["token"]),
            (["hel"], ["help", "hello"]),
            (["token", "en"], ["enable"]),
            (["-p", "production", "token", "en"], ["enable"]),
            (["--profile=production", "--dry-run", "token", "en"], ["enable"]),
            (["token", "list", "--unus"], ["--unused-for"]),
            (["token", "list", "--dry"], ["--dry-run"]),
            (["token", "list", "-o", ""], ["table", "json", "jsonl", "csv"]),
            (["token", "list", "--output=js"], ["--output=json", "--output=jsonl"]),
            (["token", "list", "--status", "D"], ["Disabled", "Deleted"]),
            (["token", "--lock"], []),
            (["--log-level", "e"], ["error"]),
            (["-p", ""], ["odd $(touch injected)", "production", "test"]),
            (["runs", "s"], ["show"]),
            (["runs", "show", ""], ["last", run]),
            (["runs", "show", run[:10]], [run]),
            (["resume", "l"], ["last"]),
            (["queue", "status", ""], ["last", run]),
            (["worker", "--run", ""], [run]),
            (["runs", "remove", "last", run[:4]], [run]),
            (["help", "journ"], ["journal"]),
            (["help", "token.li"], ["token.list"]),
            (["help", "hell"], ["hello"]),
            (["help", "cookbook", "und"], ["undo"]),
            (["help", "token", "upd"], ["update"]),
            (["help", "lua", "rql.st"], ["rql.starts_with"]),
            (["help", "rows", ""], []),
            (["plan", "--check", ""], ["named", "numbered"]),
            (["completion", ""], ["bash", "zsh", "fish"]),
            (["api", "P"], ["POST", "PUT", "PATCH"]),
            (["help", "--man", "moonkey-l"], ["moonkey-lua.3"]),
            (["--max-time", "run", "tok"], ["token"]),
            (["__comp"], []),
        ]
        for words, expected in cases:
            with self.subTest(words):
                self.assertEqual(self.ask(*words)[1], expected)

    def test_files(self):
        cases = [
            ("files", ["batch", ""]), ("files", ["--cacert", ""]), ("files", ["--emulator=x"]), ("files", ["run", "script.lua", "-"]),
            ("files", ["script.lua", ""]), ("files", ["run", ""]), ("files", ["-e", "x()", ""]),
            ("files", ["plan", "x", "-o", ""]), ("directories", ["--allow-read", ""]), ("directories", ["--allow-write=x"]),
            ("nothing", ["batch", "rows.csv", ""]), ("nothing", ["--rate", ""]), ("nothing", ["--no-such-flag"]),
            ("files", ["batch", "--", "-"]), ("nothing", ["whoami", ""]),
        ]
        for expected, words in cases:
            with self.subTest(words):
                self.assertEqual(self.ask(*words), (expected, []))

    def test_a_command_of_ones_own(self):
        """Only what is typed in full is loaded: hello must not be, which the end of each test looks at."""
        self.write("lua/moonkey/command/greet.lua", "print 'loaded' io.write 'loaded'\nreturn { summary = 'greets', run = print, "
                   "configure = function(cmd) cmd:flag('--loudly', 'Aloud.') cmd:option('--to'):choices{ 'all', 'some' } end }\n")
        self.write("lua/moonkey/command/broken.lua", "error 'broken'\n")
        self.write("lua/moonkey/command/endless.lua", "while true do end\n")
        self.assertEqual(self.ask("gre")[1], ["greet"])
        self.assertEqual(self.ask("greet", "--lo")[1], ["--log-format", "--log-level", "--loudly"])
        self.assertEqual(self.ask("greet", "--to", "")[1], ["all", "some"])
        self.assertEqual(self.ask("broken", ""), ("files", []))
        self.assertEqual(self.run_moonkey("__complete", "endless", "").code, 0)

    def test_every_flag_of_help_is_offered(self):
        os.remove(self.path("lua/moonkey/command/hello.lua"))  # help loads it, completion does not
        for command in ([], ["batch"], ["token", "list"], ["emulator"]):
            with self.subTest(command):
                usage = self.run_moonkey(*command, "--help").out
                flags = set(re.findall(r"^ {3,}(?:-\w, )?(--[\w-]+)", usage, re.M)) - {"--help"}
                self.assertGreater(len(flags), 3)
                self.assertEqual(flags - set(self.ask(*command, "--")[1]), set())

    def test_silent_where_something_is_wrong(self):
        for text in ("return {", "error('boom')", "return 5", "while true do end", "\x00"):
            with self.subTest(text):
                self.write(".config/moonkey/config.lua", text)
                self.assertEqual(self.ask("-p", ""), ("nothing", []))
                self.assertEqual(self.ask("tok"), ("files", ["token"]))
        self.write(".local/state/moonkey/runs", "no directory")
        self.assertEqual(self.ask("runs", "show", ""), ("files", []))
        self.run_moonkey("__complete")

    def test_scripts_are_printed(self):
        for shell in ("bash", "zsh", "fish"):
            done = self.run_moonkey("completion", shell)
            self.assertEqual((done.code, done.err), (0, ""))
            self.assertIn("moonkey __complete", done.out)
        done = self.run_moonkey("completion", "tcsh")
        self.assertEqual(done.code, 2)
        self.assertIn("must be one of 'bash', 'zsh', 'fish'", done.err)


class Prompt:
    """An interactive shell on a pseudo-terminal."""

    def __init__(self, case, *command):
        master, slave = pty.openpty()

        def take_terminal():
            die_with_the_test()
            os.setsid()
            os.close(os.open(os.ttyname(slave), os.O_RDWR))  # makes it the controlling one

        self.process = subprocess.Popen(command, cwd=case.dir, env=case.environment(), stdin=slave, stdout=slave, stderr=slave,
                                        preexec_fn=take_terminal)
        os.close(slave)
        self.case, self.master, self.text = case, master, ""
        case.addCleanup(self.end)

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, pattern):
        """Wait until the text that came since has it; the match."""
        until = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.text)):
            ready, _, _ = select.select([self.master], [], [], max(0, until - time.monotonic()))
            self.case.assertTrue(ready, f"{pattern!r} did not come: {self.text!r}")
            self.text += os.read(self.master, 65536).decode("utf-8", "replace")
        self.text = self.text[found.end():]
        return found

    def completed(self, line):
        """The words of the line, once Tab was pressed behind it. It becomes the arguments of printf, which shows them."""
        self.type(line + "\t")
        self.type("\x01printf '<%s>' \x05; echo '.'\r")
        return re.findall(r"<([^<>]*?)/?>", self.expect(r"((?:<[^<>%]*>)+)\.\r?\n").group(1))


# What is typed, and the words that come of it.
TYPED = [
    ("moonkey tok", ["moonkey", "token"]),
    ("moonkey token li", ["moonkey", "token", "list"]),
    ("moonkey token list --unus", ["moonkey", "token", "list", "--unused-for"]),
    ("moonkey hell", ["moonkey", "hello"]),
    ("moonkey -p prod", ["moonkey", "-p", "production"]),
    ("moonkey --profile=prod", ["moonkey", "--profile=production"]),
    ("moonkey -p odd", ["moonkey", "-p", "odd $(touch injected)"]),
    ("moonkey batch ro", ["moonkey", "batch", "rows.csv"]),
    ("moonkey --cacert=ro", ["moonkey", "--cacert=rows.csv"]),
    ("moonkey --allow-read my", ["moonkey", "--allow-read", "my dir"]),
    ("moonkey runs show la", ["moonkey", "runs", "show", "last"]),
]


class Typing(Shells):
    def check(self, prompt):
        self.run_id()
        for line, expected in TYPED:
            with self.subTest(line):
                self.assertEqual(prompt.completed(line), expected)

    def test_bash(self):
        prompt = Prompt(self, "bash", "--norc", "--noprofile", "-i")
        prompt.type("source <(moonkey completion bash); echo rea''dy\r")
        prompt.expect("ready")
        self.check(prompt)
        prompt.type("moonkey completion \t\t")
        prompt.expect(r"bash +fish +zsh")

    @unittest.skipUnless(shutil.which("zsh"), "without zsh")
    def test_zsh(self):
        prompt = Prompt(self, "zsh", "-f", "-i")
        prompt.type("autoload -U compinit; compinit -u -D; source <(moonkey completion zsh); unsetopt prompt_sp; echo rea''dy\r")
        prompt.expect("ready")
        self.check(prompt)
        prompt.type("moonkey token e\t")
        prompt.expect(r"moonkey token enable")

    @unittest.skipUnless(shutil.which("zsh"), "without zsh")
    def test_zsh_finds_the_file_of_the_package(self):
        self.write("site/_moonkey", self.run_moonkey("completion", "zsh").out)
        prompt = Prompt(self, "zsh", "-f", "-i")
        prompt.type("fpath=($PWD/site $fpath); autoload -U compinit; compinit -u -D; echo rea''dy\r")
        prompt.expect("ready")
        for _ in range(2):  # the first call loads it
            self.assertEqual(prompt.completed("moonkey tok"), ["moonkey", "token"])


class Fish(Shells):
    def complete(self, line):
        done = subprocess.run(["fish", "--no-config", "-c", "moonkey completion fish | source; complete -C $argv[1]", line],
                              cwd=self.dir, env=self.environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [text.split("\t")[0] for text in done.stdout.splitlines()]

    @unittest.skipUnless(shutil.which("fish"), "without fish")
    def test_fish(self):
        run = self.run_id()
        cases = [
            ("moonkey tok", ["token"]), ("moonkey hell", ["hello"]), ("moonkey token list --unus", ["--unused-for"]),
            ("moonkey -p ", ["odd $(touch injected)", "production", "test"]), ("moonkey --profile=prod", ["--profile=production"]),
            ("moonkey batch ro", ["rows.csv"]), ("moonkey --cacert=ro", ["--cacert=rows.csv"]),
            ("moonkey --allow-read m", ["my dir/"]), ("moonkey runs show ", ["last", run]), ("moonkey completion ", ["bash", "fish", "zsh"]),
        ]
        for line, expected in cases:
            with self.subTest(line):
                self.assertEqual(sorted(self.complete(line)), sorted(expected))
        self.assertIn("token", self.complete("moonkey "))


if __name__ == "__main__":
    main()
