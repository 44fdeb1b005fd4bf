"""moonkey test: specs of a project, red and green, each file for itself, and nothing real within reach."""
import json
import os
import signal
import time
import xml.etree.ElementTree as ElementTree

from harness import main
from project_case import Nowhere, Project

CREDENTIAL = "idt:TKN-4711-0815:RealLookingSecret0123456789"

WRITES = """
describe("%(name)s", function()
  it("is alone", function()
    local task = require "moonkey.task"
    assert.matches(" 0002$", assert(token.get("TKN-0000-0002")).name) -- as it was in the beginning
    assert(token.update("TKN-0000-0002", { name = "%(name)s" }))
    task.sleep(0.5)
    assert.equal("%(name)s", assert(token.get("TKN-0000-0002")).name)
    local mark = os.getenv("XDG_STATE_HOME") .. ".mark"
    assert.is_nil(io.open(mark))
    local file <close> = assert(io.open(mark, "w"))
  end)
end)
"""

REACHES = """
describe("what is within reach", function()
  it("is the emulator", function()
    local host = require("moonkey.http").origin()
    assert.matches("^127%.0%.0%.1", host)
    assert.is_nil(host:find(NOWHERE, 1, true))
    assert(token.update("TKN-0000-0002", { name = "reached" }))
  end)
  it("is no credential and no profile", function()
    for _, name in ipairs{ "MPT_API_TOKEN", "MPT_API_TOKEN_FILE", "MPT_API_TOKEN_COMMAND", "MPT_API_BASE_URL", "MOONKEY_PROFILE" } do
      assert.is_nil(os.getenv(name))
    end
    for _, words in ipairs{ "token list", "-p real token list", "--base-url " .. NOWHERE_URL .. " token list" } do
      local pipe <close> = io.popen("moonkey " .. words .. " 2>&1")
      local said = pipe:read("a")
      assert.is_truthy(said:find("no credential", 1, true) or said:find("no profile", 1, true), said)
    end
  end)
end)
"""


class Specs(Project):
    def setUp(self):
        super().setUp()
        self.make()

    def spec(self, name, text):
        self.write(f"spec/{name}_spec.lua", text)

    def failing(self, name="b", what="assert.equal(1, 2)"):
        self.spec(name, f'describe("{name}", function() it("goes", function() {what} end) end)\n')

    def test_a_broken_module_is_red(self):
        self.assertIn("4 successes / 0 failures", self.run_and_expect(0, "test").out)
        text = self.read("lua/teams.lua")
        self.write("lua/teams.lua", text.replace('return team .. " - "', 'return team .. " . "'))
        done = self.run_and_expect(1, "test")
        self.assertIn("CRM . import", done.out)
        self.assertIn("1 of 1 files failed: spec/teams_spec.lua", done.err)
        self.write("lua/teams.lua", text.replace("token.edit", "tokn.edit"))  # undefined globals are watched in specs' modules, too
        self.assertIn("undefined global 'tokn'; did you mean 'token'?", self.run_and_expect(1, "test").out)

    def test_files_and_directories(self):
        self.failing()
        self.write("spec/sub/c_spec.lua", 'it("is found", function() end)')
        self.write("spec/helper.lua", 'return "beside"')
        self.spec("d", 'it("finds what stands beside it", function() assert.equal("beside", require "helper") end)')
        done = self.run_and_expect(1, "test", "-j", "1")
        self.assertEqual([line for line in done.out.splitlines() if line.startswith("spec/") and "@" not in line and ":" not in line],
                         ["spec/b_spec.lua", "spec/d_spec.lua", "spec/sub/c_spec.lua", "spec/teams_spec.lua"])
        self.assertIn("1 of 4 files failed: spec/b_spec.lua", done.err)
        self.assertIn("all 3 files passed", self.run_and_expect(0, "test", "spec/teams_spec.lua", "spec/d_spec.lua", "spec/sub/").err)
        self.assertIn("all 2 files passed", self.run_and_expect(0, "test", "spec/sub", "spec/sub/c_spec.lua", "spec/d_spec.lua").err)
        self.write(".busted", 'return { default = { ROOT = { "spec/sub" }, pattern = "^c_" } }')
        self.assertIn("1 success ", self.run_and_expect(0, "test").out)

    def test_filter_and_list(self):
        self.failing()
        done = self.run_and_expect(0, "test", "--list")
        self.assertEqual(done.out.splitlines(), ["spec/b_spec.lua:1: b goes"] + [f"spec/teams_spec.lua:{line}: teams {name}" for line, name in (
            (5, "are told by the name"), (10, "take each other's place"), (15, "are written to the token, once"),
            (23, "cannot be given to a token that is not there"))])
        self.assertEqual(self.run_and_expect(0, "test", "--filter", "once$", "--filter", "place", "-o", "TAP").out.splitlines()[-1], "1..2")
        self.assertIn("no spec was run", self.run_and_expect(1, "test", "--filter", "-nosuch").err)
        self.assertIn("3 successes", self.run_and_expect(0, "test", "--filter-out", "once", "--filter-out", "goes").out)

    def test_reports_are_one_document(self):
        self.failing()
        self.failing("e", "error('x')")
        tap = self.run_and_expect(1, "test", "-o", "TAP").out
        numbers = [line.split()[-3] if line.startswith("not") else line.split()[1] for line in tap.splitlines() if " - " in line]
        self.assertEqual((len(numbers), tap.count("not ok"), tap.splitlines()[-1], tap.count("1..")), (6, 2, "1..6", 1))
        self.assertIn("ok 6 - teams cannot", tap)
        report = json.loads(self.run_and_expect(1, "test", "-o", "json").out)
        self.assertEqual([len(report[name]) for name in ("successes", "failures", "errors", "pendings")], [4, 1, 1, 0])
        root = ElementTree.fromstring(self.run_and_expect(1, "test", "-o", "junit").out)
        self.assertEqual((root.tag, root.get("tests"), root.get("failures"), root.get("errors")), ("testsuites", "6", "1", "1"))
        self.assertEqual(len(root.findall("testsuite/testcase")), 6)

    def test_a_handler_of_ones_own(self):
        self.write("spec/own.lua", """return function()
          local handler = require "busted.outputHandlers.base"()
          require "busted".subscribe({ "suite", "end" }, function() print("own: " .. #handler.successes) return nil, true end)
          return handler
        end""")
        self.assertEqual(self.run_and_expect(0, "test", "-o", "own").out, "own: 4\n")

    def test_no_end_is_no_success(self):
        self.failing(what="os.exit(0)")
        self.assertIn("spec/b_spec.lua (left with exit code 0)", self.run_and_expect(1, "test").err)
        self.failing(what="os.execute('kill -9 $PPID')")
        self.assertIn("spec/b_spec.lua (ended by signal 9)", self.run_and_expect(1, "test").err)
        self.failing(what="while true do end")
        self.assertIn("--max-cpu permits", self.run_and_expect(1, "test", "--max-cpu", "500ms").out)
        self.write("spec/b_spec.lua", "it('")
        self.assertIn("spec/b_spec.lua:1: unfinished string", self.run_and_expect(1, "test").out)

    def test_nothing_real_is_within_reach(self):
        nowhere = Nowhere(self)
        host = nowhere.url[len("http://"):]
        self.spec("reach", f'local NOWHERE, NOWHERE_URL = "{host}", "{nowhere.url}"\n{REACHES}')
        self.write("secret", CREDENTIAL, 0o600)
        os.makedirs(os.path.join(self.home, ".config", "moonkey"))
        with open(os.path.join(self.home, ".config", "moonkey", "config.lua"), "w", encoding="utf-8") as f:
            f.write(f'return {{ default = "real", real = {{ base_url = "{nowhere.url}", credential_file = "{self.path("secret")}" }} }}')
        for env in ({"MPT_API_TOKEN": CREDENTIAL}, {"MPT_API_TOKEN_FILE": self.path("secret")},
                    {"MPT_API_TOKEN_COMMAND": f"echo {CREDENTIAL}", "MOONKEY_PROFILE": "real"}):
            env["MPT_API_BASE_URL"] = nowhere.url
            done = self.run_and_expect(0, "test", env=env)
            self.assertIn("all 2 files passed", done.err)
            self.assertNotIn("RealLooking", done.out + done.err)
            self.run_and_expect(0, "test", "spec/reach_spec.lua", env=env)
        self.assertEqual(nowhere.came, [])
        self.run_moonkey("token", "list", "--retry", "0", env=env)  # the trap works
        self.assertIn(CREDENTIAL.encode(), nowhere.came[0])

    def test_flags_that_would_lead_elsewhere(self):
        for flags in (["-p", "real"], ["--base-url", "http://127.0.0.1:1"], ["--emulator=tokens.db"], ["--restricted"], ["--proxy", "x"]):
            self.assertIn("is not for specs", self.run_and_expect(2, *flags, "test").err)
        for flags in ([], ["--emulator"]):
            self.run_and_expect(0, *flags, "test", "--fault", "503:0.2")

    def test_side_by_side(self):
        os.remove(self.path("spec/teams_spec.lua"))
        for name in ("one", "two", "three"):
            self.spec(name, WRITES % {"name": name})
        both = [self.start("test", "-j", "3") for _ in range(2)]
        for process in both:
            done = self.finish(process)
            self.assertEqual(done.code, 0, done.out + done.err)
            self.assertIn("all 3 files passed", done.err)
        self.assertEqual(self.files(), sorted([".busted", ".gitignore", ".luacheckrc", ".luarc.json", "README.md", "lua/teams.lua"]
                                              + ["scripts/assign_team.lua", "scripts/teams.csv", "scripts/without_team.lua"]
                                              + [f"spec/{name}_spec.lua" for name in ("one", "three", "two")]))

    def test_so_many_at_a_time(self):
        """Each file waits until all have begun."""
        for name in ("one", "two", "three"):
            self.failing(name, f"""
              io.open("{self.path(name)}.begun", "w"):close()
              for _ = 1, tonumber(os.getenv('PATIENCE')) * 20 do
                local all = true
                for _, other in ipairs{{ "one", "two", "three" }} do
                  local file = io.open("{self.dir}/" .. other .. ".begun")
                  if file then file:close() else all = false end
                end
                if all then return end
                require("moonkey.task").sleep(0.05)
              end
              error("nobody comes")""")
        files = [f"spec/{name}_spec.lua" for name in ("one", "two", "three")]
        self.run_and_expect(0, "test", "-j", "3", *files, env={"PATIENCE": "30"})
        for name in ("one", "two", "three"):
            os.remove(self.path(name + ".begun"))
        self.assertIn("nobody comes", self.run_and_expect(1, "test", "-j", "2", *files, env={"PATIENCE": "1"}).out)

    def interrupt(self, what, files):
        for name in files:
            self.failing(name, f'io.open("{self.path(name)}.pid", "w"):write(require("moonkey.sys").getpid()):close() {what}')
        process = self.start("test", *(f"spec/{name}_spec.lua" for name in files), new_group=True)
        while not all(os.path.exists(self.path(name + ".pid")) and os.path.getsize(self.path(name + ".pid")) for name in files):
            time.sleep(0.05)
            self.assertIsNone(process.poll())
        begun = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.code, 130, done.out + done.err)
        self.assertLess(time.monotonic() - begun, 20)
        for name in files:
            pid = self.read(name + ".pid")
            self.assertFalse(os.path.exists(f"/proc/{pid}"))
            os.remove(self.path(name + ".pid"))

    def test_ctrl_c(self):
        self.interrupt("require('moonkey.task').sleep(600)", ["x"])
        self.interrupt("require('moonkey.task').sleep(600)", ["x", "y"])
        self.interrupt("while true do end", ["x", "y"])

    def test_usage(self):
        os.remove(self.path("spec/teams_spec.lua"))
        self.assertIn("there are no specs in spec", self.run_and_expect(2, "test").err)
        os.rmdir(self.path("spec"))
        self.assertIn("`moonkey init` makes a project", self.run_and_expect(2, "test").err)
        self.assertIn("cannot test nosuch: No such file", self.run_and_expect(2, "test", "nosuch").err)
        self.assertIn("did you mean 'junit'?", self.run_and_expect(2, "test", "-o", "Junit").err)
        self.assertIn("-j 0", self.run_and_expect(2, "test", "-j", "0").err)
        self.assertIn("--seed x: expected a whole number", self.run_and_expect(2, "test", "--seed", "x").err)
        for text, message in (("return {", ".busted:1:"), ("return 7", "expected `return { default"), ("error('x')", ".busted:1: x")):
            self.write(".busted", text)
            self.assertIn(message, self.run_and_expect(2, "test").err)

    def test_without_busted(self):
        self.write("none/x.lua", "")
        done = self.run_and_expect(2, "test", env={"LUA_PATH_5_4": self.path("none") + "/?.lua"})
        self.assertIn("apt-get install lua-busted", done.err)
        self.assertIn("luarocks install busted", done.err)


if __name__ == "__main__":
    main()
