"""moonkey init and moonkey check: a project that works as it is made, and mistakes that are found in it."""
import json
import os
import stat
import subprocess

from harness import main
from project_case import FILES, Project


class Init(Project):
    def test_all_that_is_made_works(self):
        done = self.make()
        self.assertEqual(self.files(), FILES)
        for name in FILES:
            self.assertIn(f"made {name}\n", done.out)
        for command in ("moonkey test", "moonkey check", "moonkey --emulator run scripts/without_team.lua"):
            self.assertIn(command, done.out)
        self.assertIn("TKN-", self.run_and_expect(0, "--emulator", "run", "scripts/without_team.lua", "5").out)
        rows = ["--emulator=tokens.db", "batch", "scripts/teams.csv", "--job", "scripts/assign_team.lua"]
        self.assertIn("3 done, 0 failed", self.run_and_expect(0, *rows).err)
        self.assertIn("CRM - ", self.run_and_expect(0, "--emulator=tokens.db", "token", "get", "TKN-0000-0002").out)
        self.assertIn("4 successes / 0 failures / 0 errors", self.run_and_expect(0, "test").out)
        self.assertIn("0 warnings / 0 errors in 4 files", self.run_and_expect(0, "check").out)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("lua/teams.lua")).st_mode) & 0o77, 0o44)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("lua")).st_mode), 0o755)

    def test_the_editor_finds_the_types(self):
        self.make()
        settings = json.loads(self.read(".luarc.json"))
        self.assertEqual((settings["runtime.version"], settings["diagnostics.globals"]), ("Lua 5.4", ["token"]))
        directory = settings["workspace.library"][0].replace("~", self.home, 1)
        self.assertEqual(directory, self.run_and_expect(0, "types").out.strip())
        self.assertIn("token.lua", os.listdir(directory))

    def test_a_directory_that_is_not_there(self):
        done = self.run_and_expect(0, "init", "project/a/b c")
        self.assertEqual(self.files(self.path("project/a/b c")), FILES)
        self.assertIn("cd 'project/a/b c'\n", done.out)
        self.assertTrue(self.read("project/a/b c/README.md").startswith("# b c\n"))

    def test_a_directory_with_git(self):
        subprocess.run(["git", "init", "-q", self.path("project")], check=True)
        self.write("project/.env", "MPT_API_TOKEN=x")
        for name in ("tokens.db", "ci.secret", "a.plan", "r.journal", "r.journal-wal", "report.html", "lua_modules/x.lua"):
            self.write("project/" + name, "x")
        self.write("project/lua/moonkey/credential/vault.lua", "return {}")
        self.make()
        status = subprocess.run(["git", "status", "--porcelain", "-uall"], cwd=self.dir, capture_output=True, text=True, check=True).stdout
        self.assertEqual(sorted(line[3:] for line in status.splitlines()), sorted([*FILES, "lua/moonkey/credential/vault.lua"]))

    def test_nothing_is_overwritten(self):
        self.write("project/README.md", "mine")
        self.write("project/lua", "a file")
        os.symlink("nowhere", self.path("project/.busted"))
        done = self.run_and_expect(2, "init", "project/")
        for name in (".busted", "README.md", "lua"):
            self.assertRegex(done.err, rf"project/{name}\b")
        self.assertNotIn("scripts", done.err)
        self.assertEqual((self.files(self.path("project")), self.read("project/README.md")), ([".busted", "README.md", "lua"], "mine"))
        self.assertFalse(os.path.exists(self.path("project/scripts")))
        self.assertFalse(os.path.exists(self.path("nowhere")))

    def test_keep(self):
        self.write("project/README.md", "mine")
        self.assertIn("kept README.md\n", self.make("--keep").out)
        self.assertEqual((self.files(), self.read("README.md")), (FILES, "mine"))

    def test_all_or_nothing(self):
        """The limit is on the size of a file, which one of them exceeds; the types are there already."""
        self.run_and_expect(0, "types")
        done = subprocess.run(["sh", "-c", "trap '' XFSZ; ulimit -f 1; exec moonkey init new/project"], cwd=self.dir, env=self.environment(),
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("cannot make the project: new/project/", done.stderr)
        self.assertIn("File too large", done.stderr)
        self.assertFalse(os.path.exists(self.path("new")))

    def test_usage(self):
        self.write("file", "x")
        for args, message in ((["file"], "it is a file"), ([""], "name of a directory"), (["a", "b"], "too many arguments")):
            self.assertIn(message, self.run_and_expect(2, "init", *args).err)


class Check(Project):
    def setUp(self):
        super().setUp()
        self.make()

    def test_what_it_finds(self):
        self.write("scripts/bad.lua", "local x = tokn.get('TKN-0000-0002')\n")
        done = self.run_and_expect(1, "check")
        self.assertIn("scripts/bad.lua:1:11: accessing undefined variable 'tokn'", done.out)
        self.assertIn("2 warnings / 0 errors in 5 files", done.out)
        self.assertNotIn("undefined", self.run_and_expect(0, "check", "scripts/assign_team.lua", "lua", "spec").out)

    def test_syntax_also_without_luacheck(self):
        for args, env in (([], {}), (["--syntax-only"], {"PATH": "/nowhere"}), ([], {"PATH": "/nowhere"})):
            self.write("lua/broken.lua", "local x <const> = 1\nx = 2\n")
            done = self.run_and_expect(1, "check", *args, env=env)
            self.assertIn("lua/broken.lua:2: attempt to assign to const variable 'x'", done.out)
            self.assertIn("1 of 5 files cannot be compiled", done.err)
            self.write("lua/broken.lua", "")
            self.assertEqual(self.run_moonkey("check", *args, env=env).code, 2 if env and not args else 0)
        self.assertIn("apt-get install lua-check", self.run_and_expect(2, "check", env={"PATH": "/nowhere"}).err)

    def test_settings_of_the_project(self):
        self.write("lua/other.lua", "return thing\n")
        self.run_and_expect(1, "check")
        self.write(".luacheckrc", 'std = "lua54"\nread_globals = { "thing" }\n')  # and token is known all the same
        self.run_and_expect(0, "check")
        os.remove(self.path(".luacheckrc"))
        self.assertEqual(self.run_and_expect(1, "check").out.count("undefined"), 1)  # nor are busted's words unknown
        self.write(".luacheckrc", "max_line_length = {\n")
        self.assertIn("exit code", self.run_and_expect(2, "check").err)

    def test_the_projects_own_luacheck(self):
        self.write("lua_modules/bin/luacheck", "#!/bin/sh\necho \"own: $*\"; exit 1\n", 0o755)
        self.assertRegex(self.run_and_expect(1, "check").out, r"own: .*--read-globals token --no-color -- lua/teams.lua scripts/")

    def test_usage(self):
        os.mkdir(self.path("empty"))
        for args, message in ((["nosuch"], "cannot check nosuch: No such file"), (["empty"], "there are no *.lua files")):
            self.assertIn(message, self.run_and_expect(2, "check", *args).err)


if __name__ == "__main__":
    main()
