"""moonkey repl with libedit on a pseudo-terminal: keys, completion, and a terminal that is left as it was."""
import os
import signal
import termios
import time
import unittest

from harness import main
from repl_case import ReplCase, has_libedit

UP = "\x1b[A"
LEFT = "\x1b[D"
CTRL_A, CTRL_C, CTRL_D, CTRL_R, CTRL_U, TAB = b"\x01", b"\x03", b"\x04", b"\x12", b"\x15", b"\t"


@unittest.skipUnless(has_libedit(), "built without libedit")
class Keys(ReplCase):
    def test_tab_completes(self):
        terminal = self.open()
        terminal.say("tok = token.get('TKN-0000-0002')", "")
        terminal.say("obj = setmetatable({}, { __index = setmetatable({ deep_one = 1 }, { __index = error }) })", "")
        cases = [
            ("tok", "\ntok    token\n> tok"),
            ("tok.na", "me"), ("tok.acc", "ount"), ("tok.account.ty", "pe"), ("token.upd", "ate("), ("string.for", "mat("),
            ("f(toke", "n"), ("x = 1 + math.hu", "ge"), ("obj.dee", "p_one"), ("retu", "rn"), ("tok.name:low", "er("),
            ('require "moonkey.js', "on"), ("require('moonkey.js", "on"), ("nothing.x", None),
            ("token.zz", None), ("f().na", None), ("tok.name.", "upper\n> tok.name."),
        ]
        for typed, added in cases:
            with self.subTest(typed):
                terminal.type(typed)
                terminal.expect(typed)
                terminal.type(TAB)
                if added:
                    terminal.expect(added)
                else:  # what comes next stands right behind what was typed
                    before = terminal.seen
                    terminal.type("#")
                    terminal.expect("#")
                    self.assertEqual(terminal.text(before, terminal.seen).strip("\a"), "#")
                time.sleep(0.05)
                terminal.type(CTRL_U)
        terminal.type(CTRL_C)
        terminal.expect("> ")
        terminal.say("6 * 7", "42")
        self.assertEqual(terminal.leave(), 0)

    def test_tab_shows_what_there_is(self):
        terminal = self.open()
        terminal.type("token.")
        terminal.expect("token.")
        terminal.type(TAB)
        terminal.expect("create   delete   disable  edit     enable   get      list     update\n")
        terminal.expect("> token.")
        terminal.type("get('TKN-0000-0002').id\r")
        terminal.expect('"TKN-0000-0002"')
        terminal.type('require "moonkey.')
        terminal.expect('require "moonkey.')
        terminal.type(TAB)
        terminal.expect("moonkey.errors\nmoonkey.http ")  # not moonkey.extensions, which is types alone

    def test_restricted(self):
        terminal = self.open("--emulator", "--restricted", "--allow-api", "GET /accounts/api-tokens/*", "repl")
        self.assertIn(", restricted, :help", terminal.text())
        terminal.say('token.get("TKN-0000-0002").name', '"Catalog import 0002"')
        terminal.say('token.delete("TKN-0000-0002")', "--allow-api")
        terminal.say("os.execute('true')", "not available to a restricted script")
        terminal.type("toke")
        terminal.expect("toke")
        terminal.type(TAB)
        terminal.expect("n")
        terminal.type(CTRL_U + b"while true do end\r")
        terminal.expect("while true do end\n")
        time.sleep(0.1)
        terminal.type(CTRL_C)
        terminal.expect("interrupted")
        terminal.expect("> ")
        self.assertEqual(terminal.leave(), 0)
        self.assertEqual(self.history()[-1], "while true do end")

    def test_tab_calls_nothing_of_the_scripts(self):
        terminal = self.open()
        terminal.say("called = 0", "")
        terminal.say("trap = setmetatable({}, { __index = function() called = called + 1 end, __pairs = function() called = 9 end })", "")
        for typed in ("trap.a", "trap.", "trap.a.b"):
            terminal.type(typed)
            terminal.expect(typed)
            terminal.type(TAB)
            time.sleep(0.05)
            terminal.type(CTRL_U)
        terminal.type("called\r")
        terminal.expect("\n0\n")

    def test_a_line_can_be_edited_and_recalled(self):
        terminal = self.open()
        terminal.type("1 + 3" + LEFT + "\x7f" + "2 + ")
        terminal.type(CTRL_A + b"5 + \r")
        terminal.expect("\n11\n> ")
        terminal.say("'other'", '"other"')
        terminal.type(UP + UP)
        terminal.type("\r")
        terminal.expect("\n11\n> ")
        terminal.type(CTRL_R)
        terminal.expect("bck:")
        terminal.type("oth\r")
        terminal.expect('\n"other"\n')
        terminal.expect("> ")
        self.assertEqual(terminal.leave(), 0)

    def test_transfers_go_on_in_a_search(self):
        terminal = self.open()
        terminal.say("task = require 'moonkey.task'", "")
        terminal.type("task.spawn(function() task.sleep(0.2) print('a' .. 'fter') end) and 1\r")
        terminal.expect("\n1\n> ")
        terminal.type(CTRL_R)
        terminal.expect("bck:")
        time.sleep(0.5)
        terminal.type(CTRL_C)
        terminal.expect("after")
        terminal.say("6 * 7", "42")
        self.assertEqual(terminal.leave(), 0)

    def test_a_line_of_100_kb(self):
        terminal = self.open()
        begun = time.monotonic()
        terminal.type("#'" + "x" * 100000 + "'\r")
        terminal.expect("\n100000\n")
        self.assertLess(time.monotonic() - begun, 15)

    def test_another_size_of_the_terminal(self):
        terminal = self.open(width=100)
        terminal.type("'" + "a" * 60 + "' and ")
        terminal.expect("and ")
        terminal.resize(40)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        terminal.expect("and ")  # drawn anew
        terminal.type("7 * 6\r")
        terminal.expect("\n42\n")
        self.assertEqual(terminal.leave(), 0)

    def test_stopped_and_continued(self):
        terminal = self.open()
        terminal.type("6 * ")
        terminal.expect("6 * ")
        terminal.process.send_signal(signal.SIGSTOP)
        attributes = termios.tcgetattr(terminal.master)
        attributes[3] |= termios.ICANON | termios.ECHO  # as a shell does
        termios.tcsetattr(terminal.master, termios.TCSANOW, attributes)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.expect("> 6 * ")
        self.assertFalse(termios.tcgetattr(terminal.master)[3] & termios.ICANON)
        terminal.type("7\r")
        terminal.expect("\n42\n")

    def test_the_terminal_is_left_as_it_was(self):
        for how in ("end", "term", "exit", "exit of a task"):
            with self.subTest(how):
                terminal = self.open()
                self.assertFalse(termios.tcgetattr(terminal.master)[3] & termios.ICANON)
                if how == "end":
                    terminal.type(CTRL_D)
                elif how == "term":
                    terminal.process.send_signal(signal.SIGTERM)
                elif how == "exit":
                    terminal.type("os.exit(3)\r")
                else:
                    terminal.say("task = require 'moonkey.task'", "")
                    terminal.type("task.spawn(function() task.sleep(0.2) os.exit(4) end) and 1\r")
                self.assertIn(terminal.wait(), (0, 143, 3, 4))
                self.assertTrue(termios.tcgetattr(terminal.master)[3] & termios.ICANON)

    def test_bytes_that_are_no_utf8(self):
        terminal = self.open()
        terminal.type(b"#'\xff\xfe\xc3(' > 0\r")
        terminal.expect("\ntrue\n")


if __name__ == "__main__":
    main()
