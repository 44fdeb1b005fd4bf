"""moonkey help and moonkey types, and the pages of the manual: they are good roff, and say all that there is."""
import os
import re
import shutil
import subprocess
import unittest

from harness import MOONKEY, ROOT, Case, main

PAGES = {"moonkey.1": "moonkey", "moonkey-lua.3": "moonkey-lua", "moonkey-config.5": "moonkey-config"}


class Manual(Case):
    def page(self, name):
        done = self.run_moonkey("help", "--man", name)
        self.assertEqual(done.code, 0, done.err)
        return self.path(self.write(name, done.out))

    def check(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), f"{command}: {done.stdout[:2000]}")
        return done.stdout

    def test_no_warnings_of_groff(self):
        for name, title in PAGES.items():
            text = self.check("groff", "-man", "-ww", "-rHY=0", "-Tutf8", "-P-cbou", self.page(name))
            self.assertIn(f"{title} - ", re.sub("[\u2010\u2212]", "-", text))

    @unittest.skipUnless(shutil.which("mandoc"), "without mandoc (package mandoc)")
    def test_no_complaints_of_mandoc(self):
        for name in PAGES:
            self.assertEqual(self.check("mandoc", "-Tlint", "-Wstyle", self.page(name)), "")

    @unittest.skipUnless(shutil.which("ldoc"), "without LDoc (package lua-ldoc)")
    def test_reference_without_warnings_of_ldoc(self):
        os.mkdir(self.path("reference"))
        done = self.run_moonkey("run", os.path.join(ROOT, "host", "reference.lua"), self.path("reference"))
        self.assertEqual((done.code, done.err), (0, ""))
        done = subprocess.run(["ldoc", "--fatalwarnings", "--dir", self.path("html"), "."], cwd=self.path("reference"), text=True,
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for name in os.listdir(os.path.join(ROOT, "lua", "types")):
            with open(os.path.join(ROOT, "lua", "types", name), encoding="utf-8") as f:
                stub = f.read()
            page = self.read(f"html/modules/moonkey.{name[:-4]}.html")
            for item in re.findall(r"^function (?:M|token)\.(\w+)|^---@class moonkey\.([A-Z]\w+).*\n---@field", stub, re.MULTILINE):
                self.assertIn(f'<a name = "{"".join(item)}"></a>', page)

    def test_all_is_in_it(self):
        with open(self.page("moonkey-lua.3"), encoding="utf-8") as f:
            text = f.read()
        for name in os.listdir(os.path.join(ROOT, "lua", "types")):
            self.assertIn(f".SH moonkey.{name[:-4]}\n", text)
        with open(self.page("moonkey-config.5"), encoding="utf-8") as f:
            text = f.read()
        for field in ("base_url", "credential_command", "consent", "http2"):
            self.assertIn(f"\\fB{field}\\fR", text)

    def test_unknown_page(self):
        done = self.run_moonkey("help", "--man", "moonkey.7")
        self.assertEqual(done.code, 2)
        self.assertIn("there are moonkey.1", done.err)


class Help(Case):
    def test_plain_where_nobody_looks(self):
        done = self.run_moonkey("help", "rows", env={"PAGER": "false"})
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertTrue(done.out.startswith("BATCH FILES\n"), done.out[:100])
        self.assertNotIn("\x1b", done.out)
        self.assertIn("\x1b[1m", self.run_moonkey("help", "rows", "--color", "always").out)

    def test_global_flags_are_found_by_help_of_options(self):
        self.assertIn("--max-changes N", self.run_moonkey("help", "options").out)

    def test_commands_of_ones_own(self):
        self.write("lua/moonkey/command/hello.lua", """return { summary = "greet somebody", run = function() end,
            configure = function(cmd) cmd:option("--whom", "Whom to greet."):argname("NAME") end }""")
        self.assertRegex(self.run_moonkey("help").out, r"Commands of your own\n +hello +greet somebody\n")
        self.assertRegex(self.run_moonkey("help", "hello").out, r"hello\n +greet somebody\n\n +--whom NAME\n +Whom to greet")
        self.write("lua/moonkey/command/broken.lua", "return nonsense(")
        done = self.run_moonkey("help", "broken")
        self.assertEqual(done.code, 1)
        self.assertIn("broken.lua:1:", done.err)
        self.assertEqual(self.run_moonkey("help").code, 0)

    def test_unknown(self):
        done = self.run_moonkey("help", "rwos")
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertIn("did you mean 'rows'?", done.err)

    def on_terminal(self, *words, **env):
        """With standard output on a terminal; all that it got."""
        command = " ".join(words)
        self.write("terminal.py", f"import pty\npty.spawn({['sh', '-c', command]!r})\n")
        done = subprocess.run(["python3", "terminal.py"], cwd=self.dir, env=self.environment(TERM="dumb", **env), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        return done.stdout

    def test_pager(self):
        moonkey = self.path("moonkey")
        os.symlink(MOONKEY, moonkey)
        self.assertIn("paged: BATCH FILES", self.on_terminal(moonkey, "help", "rows", PAGER="sed 's/^BATCH/paged: BATCH/'"))
        shown = self.on_terminal(moonkey, "help", "lua", "token", "; echo code $?", PAGER="head -n 1")
        self.assertIn("code 0", shown)  # a pager may leave early


class Types(Case):
    def test_where(self):
        done = self.run_moonkey("types", env={"XDG_DATA_HOME": self.path("data")})
        self.assertEqual(done.code, 0, done.err)
        directory = done.out.rstrip("\n")
        self.assertTrue(directory.startswith(os.path.realpath(self.path("data/moonkey/types/"))), directory)
        source = os.path.join(ROOT, "lua", "types")
        self.assertEqual(sorted(os.listdir(directory)), sorted(os.listdir(source)))
        for name in os.listdir(source):
            with open(os.path.join(source, name), "rb") as a, open(os.path.join(directory, name), "rb") as b:
                self.assertEqual(a.read(), b.read(), name)

    def test_renewed(self):
        self.write("t/token.lua", "old")
        self.assertEqual(self.run_moonkey("types", "--write", "t").code, 0)
        self.assertIn("---@meta moonkey.token", self.read("t/token.lua"))
        self.assertEqual([name for name in os.listdir(self.path("t")) if not name.endswith(".lua")], [])

    def test_no_place(self):
        self.write("file", "")
        for args, env, message in ((["--write", "file"], {}, "--write DIR"), (["--write", ""], {}, "needs the name"),
                                   ([], {"HOME": ""}, "name a directory with --write DIR")):
            done = self.run_moonkey("types", *args, env=env)
            self.assertIn(done.code, (1, 2))
            self.assertIn(message, done.err)


main()
