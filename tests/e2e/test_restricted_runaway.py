"""Scripts and jobs that do not end, or take too much: each ends the run with a message, exit 5, and a journal that goes on."""
import json
import resource
import time
import unittest

from harness import Case, is_sanitized, main

PATTERN = '(("a"):rep(32)):find(("a?"):rep(32) .. ("a"):rep(32))'
CPU_OF = {name: "5s" for name in ("memory bomb", "doubling", "concat bomb", "gsub bomb", "closures", "coroutines", "tasks")}
CPU, MEMORY = r"stopped: it took more than the 0\.3 s of processor time that --max-cpu permits", \
    r"not enough memory: it needs more than the 12 MiB that --max-memory permits"

# name, code, what is said, is the process ended the hard way
RUNAWAYS = [
    ("loop", "while true do end", CPU, False),
    ("in pcall", "pcall(function() while true do end end)", CPU, False),
    ("in pcall for ever", "while true do pcall(function() while true do end end) end", CPU, False),
    ("in xpcall for ever", "while true do xpcall(function() while true do end end, function() end) end", CPU, False),
    ("in a coroutine", "coroutine.wrap(function() while true do end end)()", CPU, False),
    ("in coroutines for ever",
     "while true do coroutine.resume(coroutine.create(function() pcall(function() while true do end end) end)) end", CPU, False),
    ("in a wrapped pcall", "while true do pcall(coroutine.wrap(function() while true do pcall(error) end end)) end", CPU, False),
    ("deep in coroutines", "local function f(n) if n == 0 then while true do end end coroutine.wrap(f)(n - 1) end f(50)", CPU, False),
    ("in __close", "do local x <close> = setmetatable({}, { __close = function() while true do end end }) end", CPU, False),
    ("in __close of a coroutine", "local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() "
     "while true do end end }) coroutine.yield() end) coroutine.resume(co) coroutine.close(co)", CPU, False),
    ("in __close, stopped by the limit", "local x <close> = setmetatable({}, { __close = function() while true do end end }) "
     "while true do end", CPU, False),
    ("in __tostring of an error", "error(setmetatable({}, { __tostring = function() while true do end end }))", CPU, False),
    ("in __index", "local t = setmetatable({}, { __index = function() while true do end end }) return t.x", CPU, False),
    ("in a handler", "xpcall(error, function() while true do end end)", CPU, None),
    ("in a handler for ever", "while true do xpcall(function() while true do end end, function() while true do end end) end", CPU, None),
    ("in tasks", "local task = require 'moonkey.task' for _ = 1, 20 do task.spawn(function() while true do pcall(task.sleep, 0.001) "
     "end end) end while true do end", CPU, False),
    ("in a task alone", "local t = require('moonkey.task').spawn(function() while true do end end) t:join()", CPU, False),
    ("in tasks that sleep", "local task = require 'moonkey.task' task.spawn(function() while true do end end) while true do "
     "pcall(task.sleep, 0.001) end", CPU, False),
    ("in task.map", "require('moonkey.task').map(function() return 1 end, function() end)", CPU, False),
    ("in an iterator", "for _ in function() return 1 end do end", CPU, False),
    ("in sort", "local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function() while true do end end)", CPU, False),
    ("in gsub", "local _ = ('x'):gsub('x', function() while true do end end)", CPU, False),
    ("in load", "load(function() return ' ' end)", CPU, None),
    ("in require", "require 'endless'", CPU, False),
    ("in __gc", "setmetatable({}, { __gc = function() while true do end end }) while true do local t = {} end", CPU, True),
    ("in __gc at the end", "setmetatable({}, { __gc = function() while true do end end })", CPU, True),
    ("in a pattern", f"return {PATTERN}", CPU, True),
    ("in patterns for ever", f"while true do pcall(function() {PATTERN} end) end", CPU, True),
    ("in a pattern in a coroutine", f"coroutine.wrap(function() return {PATTERN} end)()", CPU, True),
    ("in concat", "table.concat(setmetatable({}, { __len = function() return 1 << 40 end, __index = function() return '' end }))", CPU,
     None),
    ("in table.move", "table.move(setmetatable({}, { __index = function() end }), 1, 1 << 40, 2, {})", CPU, None),
    ("in unpack", "while true do pcall(table.unpack, {}, 1, 200000) end", CPU, False),
    ("memory bomb", "local t = {} while true do t[#t + 1] = {} end", MEMORY, False),
    ("memory bomb in pcall", "while true do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end", None, False),
    ("string bomb", "return ('x'):rep(1e9)", MEMORY, False),
    ("string bombs for ever", "while true do pcall(string.rep, 'x', 1e9) end", None, False),
    ("doubling", "local s = 'x' while true do s = s .. s end", MEMORY, False),
    ("concat bomb", "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(1e6) end return table.concat(t)", MEMORY, False),
    ("gsub bomb", "return (('x'):rep(1e5):gsub('x', ('y'):rep(1e5)))", MEMORY, False),
    ("closures", "local f = print while true do local g = f f = function() return g end end", MEMORY, False),
    ("coroutines", "local t = {} while true do t[#t + 1] = coroutine.create(print) end", MEMORY, False),
    ("tasks", "local task = require 'moonkey.task' while true do task.spawn(task.sleep, 100) end", MEMORY, None),
]

REPRESENTATIVE = ("loop", "in pcall for ever", "in coroutines for ever", "in __close", "in __tostring of an error", "in a pattern",
                  "memory bomb", "string bomb", "string bombs for ever")

CAUGHT = r"stopped: "  # whichever comes first


class Timed(Case):
    def run_timed(self, *args, **more):
        """Done, and the seconds of processor time that it took."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = self.run_moonkey(*args, **more)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Scripts(Timed):
    def check(self, name, done, said, hard):
        self.assertEqual(done.code, 5, (name, done.err))
        self.assertRegex(done.err, said or CAUGHT)
        self.assertEqual(done.out, "said before\n", name)
        if hard is not None:
            (self.assertIn if hard else self.assertNotIn)("It did not stop by itself", done.err, name)

    def test_each(self):
        self.write("endless.lua", "while true do end")
        slow = 10 if is_sanitized() else 1
        for name, code, said, hard in RUNAWAYS:
            if is_sanitized() and name not in REPRESENTATIVE:
                continue
            with self.subTest(name):
                self.write("run.lua", f"print 'said before'\n{code}\n")
                done, seconds = self.run_timed("--max-cpu", CPU_OF.get(name, "300ms"), "--max-memory", "12M", "run", "run.lua",
                                               env={"MPT_API_TOKEN": None})
                self.check(name, done, said, hard)
                self.assertLess(seconds, (0.3 if name not in CPU_OF else 1.5) + slow)

    def test_restricted_ones(self):
        for name, code, said, hard in [r for r in RUNAWAYS if r[0] in REPRESENTATIVE]:
            with self.subTest(name):
                self.write("run.lua", f"print 'said before'\n{code}\n")
                done = self.run_moonkey("--emulator", "--restricted", "--max-cpu", CPU_OF.get(name, "300ms"), "--max-memory", "12M",
                                        "run", "run.lua")
                self.check(name, done, said, hard)

    def test_names_of_the_host(self):
        """Whose code it is goes by the name of its file, which nobody else's can have."""
        self.write("moonkey/endless.lua", "while true do end")
        self.write("moonkey/script.lua", "require 'endless'")
        self.write("moonkey/job.lua", "return function() while true do end end")
        self.write("rows.jsonl", '{"id":"TKN-0000-0001"}\n')
        code = "load('while true do end', '@moonkey/token/init.lua')()"
        for command in (("run", "moonkey/endless.lua"), ("run", "moonkey/script.lua"), ("run", "-e", code),
                        ("batch", "rows.jsonl", "--job", "moonkey/job.lua")):
            with self.subTest(command):
                done = self.run_moonkey("--emulator", "--restricted", "--max-cpu", "300ms", *command)
                self.assertEqual(done.code, 5, done.err)
                self.assertRegex(done.err, CPU)
                self.assertNotIn("It did not stop by itself", done.err)

    def test_where_it_was(self):
        self.write("run.lua", "local function work()\n  while true do end\nend\nwork()\n")
        done = self.run_moonkey("--max-cpu", "0.3", "run", "run.lua")
        self.assertRegex(done.err, r"run\.lua:2: stopped: .*\nstack traceback:\n(.*\n)*.*run\.lua:2: in local 'work'")

    def test_enough_is_enough(self):
        """Who stays within the limits notices nothing of them; waiting is no processor time."""
        code = "local t = {} for i = 1, 1e5 do t[i] = { i } end t = nil require('moonkey.task').sleep(1.2) print(#('x'):rep(1e6))"
        done = self.run_moonkey("--max-cpu", "1s", "--max-cpu-total", "1s", "--max-memory", "40M", "run", "-e", code)
        self.assertEqual((done.code, done.out, done.err), (0, "1000000\n", ""))

    def test_time_in_all(self):
        done = self.run_moonkey("--max-cpu-total", "300ms", "run", "-e", "while true do end")
        self.assertEqual(done.code, 5, done.err)
        self.assertRegex(done.err, r"all together took more than the 0\.3 s .* --max-cpu-total")

    def test_rows_that_a_script_makes_for_itself(self):
        code = """local clock = os.clock
            require("moonkey.batch").run{ source = function() return {} end, jobs = 1, journal = false, job = function()
              local until_then = clock() + 0.2 while clock() < until_then do end return true end }"""
        done = self.run_moonkey("--emulator", "--restricted", "--max-cpu", "300ms", "run", "-e", code)
        self.assertEqual(done.code, 5, done.err)
        self.assertRegex(done.err, r"all together took more than the 1\.3 s .* --max-cpu-total")

    def test_json_log(self):
        for code in ("while true do end", PATTERN + " = 1"):
            code = code.replace(" = 1", "")
            done = self.run_moonkey("--log-format", "json", "--max-cpu", "300ms", "run", "-e",
                                    code if code.startswith("while") else "return " + code)
            self.assertEqual(done.code, 5, done.err)
            self.assertRegex(json.loads(done.err.splitlines()[-1])["message"], CPU)

    def test_wrong_values(self):
        for flag, value, said in (("--max-cpu", "fast", "a duration such as"), ("--max-cpu", "0", "a duration such as"),
                                  ("--max-memory", "lots", "a size such as"), ("--max-memory", "10K", "at least 1M"),
                                  ("--max-memory", "-1", "a size such as"), ("--max-memory", "99999999999999G", "a size such as"),
                                  ("--max-cpu-total", "1y", "a duration such as")):
            done = self.run_moonkey(flag, value, "run", "-e", "print(1)")
            self.assertEqual((done.code, done.out), (2, ""), done.err)
            self.assertRegex(done.err, f"{flag} {value}: expected {said}|{flag} {value}: .*{said}")


if __name__ == "__main__":
    main()
