"""moonkey repl without a terminal, and what it shows of values, on one."""
import os
import stat
import unittest

from harness import main
from repl_case import ReplCase, has_libedit


class Plain(ReplCase):
    def lines(self, text, *args):
        done = self.pipe(text, *args)
        self.assertNotIn("> ", done.out)
        return done

    def test_lines_from_a_pipe_have_neither_prompt_nor_banner(self):
        done = self.lines("return 1+1\n'a'\nx = 5\nx * 2")
        self.assertEqual((done.code, done.out, done.err), (0, '2\n"a"\n10\n', ""))

    def test_one_that_fails_makes_the_exit_code_1_and_the_others_are_done(self):
        done = self.lines("error('no')\n2\n")
        self.assertEqual((done.code, done.out, done.err), (1, "2\n", "moonkey: repl:1: no\n"))

    def test_a_chunk_of_several_lines_ends_where_it_is_complete(self):
        done = self.lines("for i = 1, 2 do\n  print(i)\nend\n{\n 1,\n\n 2 }\n= 1 +\n1\n[[a\nb]]\n")
        self.assertEqual((done.code, done.out), (0, '1\n2\n{ 1, 2 }\n2\n"a\\nb"\n'))

    def test_one_that_is_still_incomplete_at_the_end_is_an_error(self):
        done = self.lines("for i = 1, 2 do\n")
        self.assertEqual((done.code, done.out), (1, ""))
        self.assertIn("'end' expected near <eof>", done.err)

    def test_a_line_that_is_no_lua(self):
        done = self.lines("1 1\n")
        self.assertEqual((done.code, done.err), (1, "moonkey: repl:1: unexpected symbol near '1'\n"))

    def test_calls_wait_and_background_tasks_go_on_while_lines_are_read(self):
        done = self.lines('t = require "moonkey.task"\nt.spawn(function() t.sleep(0.05) print(token.get("TKN-0000-0002").name) end)'
                          ' and nil\nt.sleep(0.3)\n"end"\n')
        self.assertEqual((done.code, done.out), (0, 'nil\nCatalog import 0002\n"end"\n'))

    def test_nothing_at_all(self):
        self.assertEqual(self.lines("").code, 0)
        self.assertEqual(self.lines("\n\n  \n").code, 0)

    def test_a_line_that_is_too_long_is_left_out(self):
        done = self.lines("x = '" + "a" * (1 << 20) + "'\nx\n#('b'):rep(3)\n")
        self.assertEqual((done.code, done.out), (1, "nil\n3\n"))
        self.assertIn("longer than 1 MiB", done.err)

    def test_a_line_of_100_kb(self):
        done = self.lines("#'" + "ä" * 50000 + "'\n")
        self.assertEqual((done.code, done.out), (0, "100000\n"))

    def test_directives(self):
        done = self.lines(":help\n:nope\n:list\n:list {7, 'x'}\n:time 1 + 1\n:quit\n3\n")
        self.assertEqual(done.code, 1)
        self.assertIn("A `local` lives as long as its line", done.out)
        self.assertRegex(done.out, r'1  7\n2  "x"\n\d\.\d{3} s\n2\n$')
        self.assertEqual(done.err, "moonkey: there is no :nope; :help lists what there is\nmoonkey: an expression is missing\n")

    def test_a_list_of_tokens_says_what_it_is_and_shows_its_rows(self):
        done = self.lines("token.list{ limit = 2 }\n:list token.list{ limit = 2, select = '-*,+id' }\n"
                          ":list token.list{ select = '-*,+id' }\n")
        self.assertEqual(done.code, 0)
        first, *rows, last = done.out.splitlines()
        self.assertIn("an iterator", first)
        self.assertEqual(rows[:2], ['{ id = "TKN-0000-0001" }', '{ id = "TKN-0000-0002" }'])
        self.assertEqual((len(rows), last), (22, "… the first 20"))

    def test_an_error_of_the_api_is_a_line_and_underscore_has_it(self):
        done = self.lines('token.get("TKN-9999-9999")\n_.kind .. _.status\n')
        self.assertEqual((done.code, done.out), (1, '"api404"\n'))
        self.assertIn("404 Not Found", done.err)
        self.assertNotIn("traceback", done.err)

    def test_without_a_credential_only_calls_fail(self):
        done = self.lines("1\ntoken.get('TKN-0000-0002')\n2\n", "repl")
        self.assertEqual((done.code, done.out), (1, "1\n2\n"))
        self.assertIn("export MPT_API_TOKEN", done.err)

    def test_flags_hold(self):
        update = 'token.update("TKN-0000-0002", { name = "other" })\n'
        refused = self.lines(update, "--emulator", "--read-only", "repl")
        self.assertEqual((refused.code, refused.out), (1, ""))
        self.assertIn("--read-only", refused.err)
        shown = self.lines(update + '_.name\ntoken.get("TKN-0000-0002").name\n', "repl", "--emulator", "--dry-run")
        self.assertEqual(shown.out.splitlines()[-2:], ['"other"', '"Catalog import 0002"'])
        limited = self.lines(update + update, "--emulator", "--max-changes", "1", "repl")
        self.assertIn("--max-changes", limited.err)
        self.assertEqual(limited.code, 1)

    def test_restricted_holds(self):
        done = self.lines('os.execute("true")\nio.open("x", "w")\n1 + 1\n', "--emulator", "--restricted", "repl")
        self.assertEqual((done.code, done.out), (1, "2\n"))
        self.assertIn("os.execute is not available to a restricted script", done.err)

    def test_a_limit_ends_the_session(self):
        done = self.lines("while true do end\n1\n", "--emulator", "--max-cpu", "200ms", "repl")
        self.assertEqual((done.code, done.out), (5, ""))
        self.assertIn("--max-cpu", done.err)

    def test_a_pipe_has_no_history(self):
        self.lines("1\n")
        self.assertEqual(self.history(), [])

    def test_os_exit_passes_through(self):
        self.assertEqual(self.lines("os.exit(7)\n").code, 7)


class Values(ReplCase):
    CASES = [
        ("nil", "nil"),
        ("1 / 2, 2^53, 10 // 3", "0.5\n9.007199254741e+15\n3"),
        ("'a\\tb\\0\\27\"' .. '\\\\'", r'"a\tb\0\x1b\"\\"'),
        ("'\\xff\\xfeä'", r'"\xff\xfe\xc3\xa4"'),
        ("'ä€𝄞'", '"ä€𝄞"'),
        ("{}", "{}"),
        ("{ 3, 'x', b = 1, a = { c = true } }", '{ 3, "x", a = { c = true }, b = 1 }'),
        ("{ ['end'] = 1, ['a b'] = 2, [true] = 3, [1.5] = 4 }", '{ [1.5] = 4, ["a b"] = 2, ["end"] = 1, [true] = 3 }'),
        ("{ x = ('y'):rep(100), z = 1 }", '{\n  x = "%s",\n  z = 1,\n}' % ("y" * 100)),
        ("{ {{{{{{{{}}}}}}}} }", "{ { { { { { { … } } } } } } }"),
        ("(function() local t = {} t.t = t return t end)()", "{ t = <a table that this one is in> }"),
        ("setmetatable({}, { __tostring = function() return 'mine\\27[31m' end })", r"mine\u001b[31m"),
        ("setmetatable({}, { __tostring = error })", "table whose __tostring fails"),
        ("setmetatable({ 1 }, { __index = error, __len = error, __pairs = error })", "{ 1 }"),
        ("print", "function (in C)"),
        ("(function() end)", "function (repl:1)"),
        ("require 'moonkey.json'.null", "json.null"),
        ("require 'moonkey.secret'.new('hush hush')", "[redacted]"),
        ("{ s = require 'moonkey.secret'.new('hush hush') }", "{ s = [redacted] }"),
        ("'idt:TKN-0000-0002:' .. ('s'):rep(64)", '"idt:TKN-0000-0002:[redacted]"'),
        ("{ 'idt:TKN-0000-0002:' .. ('s'):rep(64) }", '{ "idt:TKN-0000-0002:[redacted]" }'),
        ("print('x')", "x"),
    ]

    def test_values_are_shown_as_people_read_them(self):
        for expression, shown in self.CASES:
            with self.subTest(expression):
                done = self.pipe(expression + "\n", "repl")
                self.assertEqual((done.out, done.err), (shown + "\n", ""))

    def test_what_is_endless_is_cut(self):
        done = self.pipe("(function() local t = {} for i = 1, 5000 do t[i] = i end return t end)()\n('x'):rep(100000)\n", "repl")
        self.assertIn("… 4900 more", done.out)
        self.assertIn("(100000 bytes)", done.out)
        self.assertLess(len(done.out), 8000)

    def test_the_secret_of_a_token_is_shown_by_nothing_but_print(self):
        done = self.pipe('token.get("TKN-0000-0002").token\nrequire "moonkey.secret".reveal(_)\n'
                         'token.get("TKN-0000-0002").token .. ""\n')
        self.assertEqual(done.out.splitlines(), ["[redacted]", '"idt:TKN-0000-0002:[redacted]"', '"[redacted]"'])

    def test_errors_raised_in_functions_of_others_have_a_traceback(self):
        self.write("mine.lua", "local M = {}\nfunction M.f() error('deep') end\nreturn M\n")
        done = self.pipe('require "mine".f()\nf = function() error("here") end f()\n', "repl")
        self.assertIn("mine.lua:2: in", done.err)
        self.assertTrue(done.err.endswith("moonkey: repl:1: here\n"), done.err)


class History(ReplCase):
    @unittest.skipUnless(has_libedit(), "built without libedit")
    def test_lines_are_kept_for_their_owner_alone_and_none_with_a_secret(self):
        terminal = self.open()
        terminal.say("1 + 1", "2")
        terminal.say("1 + 1", "2")
        terminal.say("'idt:TKN-0000-0002:' .. 'x'", "[redacted]")
        terminal.say("s = require 'moonkey.secret'.new('abc') 5", "near")
        terminal.say("3", "3")
        self.assertEqual(terminal.leave(), 0)
        self.assertEqual(self.history(), ["1 + 1", "3"])
        path = self.path(".local/state/moonkey/repl_history")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        again = self.open()
        again.type("\x1b[A\x1b[A\r")
        again.expect("1 + 1")
        again.expect("2")
        again.expect("> ")
        self.assertEqual(again.leave(), 0)

    @unittest.skipUnless(has_libedit(), "built without libedit")
    def test_there_are_never_more_than_1000(self):
        self.write(".local/state/moonkey/repl_history", "".join(f"{i}\n" for i in range(1500)), mode=0o644)
        terminal = self.open()
        self.assertEqual(len(self.history()), 1000)
        terminal.say("'new'", '"new"')
        terminal.leave()
        kept = self.history()
        self.assertEqual((len(kept), kept[0], kept[-1]), (1000, "501", "'new'"))
        path = self.path(".local/state/moonkey/repl_history")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)

    @unittest.skipUnless(has_libedit(), "built without libedit")
    def test_where_they_cannot_be_kept_the_session_goes_on(self):
        self.write("file", "")
        terminal = self.open(env={"XDG_STATE_HOME": self.path("file")})
        self.assertIn("lines are not kept for another session", terminal.text())
        terminal.say("1 + 1", "2")
        self.assertEqual(terminal.leave(), 0)


if __name__ == "__main__":
    main()
