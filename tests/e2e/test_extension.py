"""Commands of the user's own, modules-path, and what a module that is broken does not break."""
import json

from extension_case import ExtensionCase
from harness import main

HELLO = """
local pretty = require "pl.pretty"
local greet = require "greet"
return {
  summary = "says hello",
  description = "Says hello to a token.",
  configure = function(cmd)
    cmd:argument "id"
    cmd:option("--times", "How often.", "1"):convert(tonumber)
  end,
  run = function(args)
    for _ = 1, args.times do print(greet(assert(token.get(args.id)).name), pretty.write({ 1 }, "")) end
    return args.times > 1 and 7 or nil
  end,
}
"""


class Commands(ExtensionCase):
    def test_one_that_is_like_ours(self):
        self.module("command", "hello", HELLO)
        self.write("lua/greet.lua", "return function(name) return 'hello, ' .. name end")
        done = self.run_moonkey("--emulator", "hello", "TKN-0000-0002")
        self.assertEqual((done.code, done.out, done.err), (0, "hello, Catalog import 0002\t{1}\n", ""))
        done = self.run_moonkey("hello", "TKN-0000-0003", "--emulator", "--times", "2")  # global flags stand anywhere
        self.assertEqual((done.code, done.out.count("hello")), (7, 2), done.err)
        done = self.run_moonkey("hello", "--help")
        self.assertEqual(done.code, 0, done.err)
        for text in ("Usage: moonkey hello [-h] [--times <times>] <id>", "Says hello to a token.", "How often."):
            self.assertIn(text, done.out)
        done = self.run_moonkey("hello", "--tims", "2")
        self.assertEqual(done.code, 2)
        self.assertIn("unknown option '--tims'", done.err)

    def test_help_names_them_after_ours_and_nearest_names_find_them(self):
        self.module("command", "hello", HELLO)
        self.write("lua/greet.lua", "return print")
        self.module("command", "broken", "x = = 1")
        self.module("command", "many", "require 'nosuch'")
        done = self.run_moonkey("--help")
        self.assertEqual(done.code, 0, done.err)
        ours, own = done.out.split("Commands of your own:\n")
        self.assertIn("   run ", ours)
        self.assertRegex(own, r"broken +cannot be loaded: \./lua/moonkey/command/broken\.lua:1: unexpected symbol\s+near '='\n")
        self.assertRegex(own, r"hello +says hello\n")
        self.assertRegex(own, r"many +cannot be loaded: \./lua/moonkey/command/many\.lua:1: module 'nosuch' not\s+found\n")
        self.assertNotIn("no file", own)
        self.assertIn("did you mean 'hello'?", self.run_moonkey("hallo").err)

    def test_one_that_is_broken_breaks_no_other(self):
        self.module("command", "hello", HELLO)
        self.write("lua/greet.lua", "return tostring")
        self.module("command", "broken", "error { 'an object' }")
        self.assertEqual(self.run_moonkey("--emulator", "hello", "TKN-0000-0002").code, 0)
        done = self.run_moonkey("--emulator", "broken")
        self.assertEqual(done.code, 1)
        self.assertIn("the command 'broken' cannot be loaded: ./lua/moonkey/command/broken.lua: ", done.err)
        self.module("command", "broken", "return { run = print, configure = function(cmd) cmd:nosuch() end }")
        done = self.run_moonkey("broken", "--help")
        self.assertEqual(done.code, 1)
        self.assertIn("its `configure` failed: ./lua/moonkey/command/broken.lua:1: attempt to call a nil value (method 'nosuch')", done.err)

    def test_errors_are_as_in_a_script(self):
        self.module("command", "raises", "return {\nrun = function() error 'oops' end }")
        done = self.run_moonkey("raises")
        self.assertEqual(done.code, 1)
        self.assertRegex(done.err, r"raises\.lua:2: oops\nstack traceback:\n.*\n.*raises\.lua:2: in ")
        self.assertNotIn("execute.lua", done.err)
        self.module("command", "typo", "return { run = function() tokn.get() end }")
        self.assertIn("undefined global 'tokn'; did you mean 'token'?", self.run_moonkey("typo").err)
        self.assertIn("attempt to index a nil value (global 'tokn')", self.run_moonkey("--no-strict", "typo").err)
        self.module("command", "odd", "return { run = function() return 'x' end }")
        done = self.run_moonkey("odd")
        self.assertEqual(done.code, 1)
        self.assertIn("returned a string; expected an exit code from 0 to 255, or nothing", done.err)
        self.module("command", "denied", "return { run = function() local _, err = token.update('TKN-0000-0002', { name = 'x' }) print(err.kind) end }")
        self.assertEqual(self.run_moonkey("--emulator", "--read-only", "denied").out, "refused\n")
        self.module("command", "call", "return { run = function() token.get('TKN-0000-0002') end }")
        done = self.run_moonkey("call")
        self.assertEqual(done.code, 2)
        self.assertIn("no credential for", done.err)

    def test_limits_hold_and_restricted_is_refused(self):
        self.module("command", "spin", "return { run = function() while true do end end }")
        done = self.run_moonkey("--max-cpu", "300ms", "spin")
        self.assertEqual(done.code, 5, done.err)
        done = self.run_moonkey("--restricted", "spin")
        self.assertEqual(done.code, 2)
        self.assertIn("cannot be restricted", done.err)

    def test_what_is_built_in_stays(self):
        self.module("command", "run", "print 'not me' os.exit(9)")
        self.module("command", "credential-source", "print 'not me' os.exit(9)")
        self.assertEqual(self.run_moonkey("run", "-e", "print(1)").out, "1\n")
        self.assertEqual(self.run_moonkey("credential-source").code, 2)

    def test_the_example(self):
        self.example("command", "idle")
        done = self.run_moonkey("--emulator", "idle", "--days", "0.0001")
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.out, r"^ +\d+  Operations\n +\d+  in all, not used for 0\.0001 days\n$")
        self.assertEqual(self.run_moonkey("--emulator", "idle", "--most", "3").code, 3)


class ModulesPath(ExtensionCase):
    def test_where_it_looks_and_what_it_finds(self):
        self.module("command", "hello", "return { summary = 'says hello', run = print }")
        self.module("command", "broken", "return {}")
        self.module("command", "run", "return { run = print }")
        self.write(".config/moonkey/lua/moonkey/command/hello.lua", "return { run = print }")
        self.write("lua_modules/moonkey/check/naming.lua", "return print")
        done = self.run_moonkey("modules-path", "-o", "json")
        self.assertEqual(done.code, 1, done.err)
        told = json.loads(done.out)
        self.assertEqual([place["path"] for place in told["places"][:5]],
                         ["./lua", self.path(".config/moonkey/lua"), "./lua_modules", "./lua_modules/share/lua/5.4",
                          self.path(".luarocks/share/lua/5.4")])
        self.assertEqual([place["exists"] for place in told["places"][:5]], [True, True, True, False, False])
        self.assertIn("/usr/share/lua/5.4", [place["path"] for place in told["places"]])
        found = [(e["kind"], e["name"], e["path"].replace(self.dir, "~"), e.get("summary"), e.get("shadowed_by"), e.get("error"))
                 for e in told["extensions"]]
        error = "the command 'broken' cannot be loaded: ./lua/moonkey/command/broken.lua: it has no function `run`; expected " \
                "{ summary =, configure = function(cmd), run = function(args) }"
        self.assertEqual(found, [
            ("command", "broken", "./lua/moonkey/command/broken.lua", None, None, error),
            ("command", "hello", "./lua/moonkey/command/hello.lua", "says hello", None, None),
            ("command", "run", "./lua/moonkey/command/run.lua", None, "moonkey itself", None),
            ("command", "hello", "~/.config/moonkey/lua/moonkey/command/hello.lua", None, "./lua/moonkey/command/hello.lua", None),
            ("check", "naming", "./lua_modules/moonkey/check/naming.lua", None, None, None)])
        text = self.run_moonkey("modules-path")
        self.assertEqual(text.code, 1)
        for line in ("  command     run     ./lua/moonkey/command/run.lua\n      not used: the name is moonkey's own\n",
                     "      not used: ./lua/moonkey/command/hello.lua comes before it\n", "      ! " + error + "\n"):
            self.assertIn(line, text.out)
        self.assertRegex(text.out, r"  \./lua_modules/share/lua/5\.4 +the project's LuaRocks, not there\n")

    def test_nothing_is_nothing_wrong(self):
        done = self.run_moonkey("modules-path")
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertIn("There are no extensions.\n", done.out)


if __name__ == "__main__":
    main()
