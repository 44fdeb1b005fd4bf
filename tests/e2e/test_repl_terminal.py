"""moonkey repl on a pseudo-terminal, with editing and without: Ctrl-C, tasks in the background, and questions."""
import signal
import termios
import time

from harness import main
from repl_case import ReplCase

CTRL_C, CTRL_D = b"\x03", b"\x04"


class Any(ReplCase):
    """What holds with editing and without."""
    term = "xterm"

    def open(self, *args, **more):
        return super().open(*args, term=self.term, **more)

    def test_the_banner_is_a_line_that_needs_no_request(self):
        terminal = self.open("--emulator", "--read-only", "--dry-run", "repl")
        first = terminal.text().lstrip("\n").splitlines()[0]
        self.assertRegex(first, r"^moonkey \d+\.\d+\.\d+, emulator, as TKN-0000-0001, dry run, read-only, :help$")

    def test_without_a_credential_it_says_so(self):
        terminal = self.open("repl")
        self.assertIn("no credential", terminal.text())

    def test_values_statements_and_several_lines(self):
        terminal = self.open()
        terminal.say("1 + 1, 'a'", '2\n"a"')
        terminal.say("= 3", "3")
        terminal.type("for i = 1, 2 do\r")
        terminal.expect(">> ")
        terminal.type("print('i' .. i)\r")
        terminal.expect(">> ")
        terminal.say("end", "i1\ni2")
        terminal.say("_", '3')
        self.assertEqual(terminal.leave(), 0)

    def test_ctrl_c_at_the_prompt_throws_the_line_and_the_chunk_away(self):
        terminal = self.open()
        terminal.type("for i = 1, 2 do\r")
        terminal.expect(">> ")
        terminal.type("print('never')")
        terminal.expect("print('never')")
        terminal.type(CTRL_C)
        terminal.expect("\n> ")
        terminal.say("5", "5")
        self.assertNotIn("\nnever", terminal.text())
        self.assertEqual(terminal.leave(), 0)

    def test_ctrl_c_ends_what_runs_and_keeps_the_session(self):
        cases = [
            ("a wait", "require('moonkey.task').sleep(60)"),
            ("a loop", "while true do end"),
            ("a loop inside pcall", "while true do pcall(function() while true do end end) end"),
            ("a loop in a coroutine", "coroutine.wrap(function() while true do end end)()"),
            ("one that catches what its coroutine raises", "while true do pcall(coroutine.wrap(function() while 1 do end end)) end"),
            ("a wait in a coroutine", "coroutine.wrap(function() require('moonkey.task').sleep(60) end)()"),
            ("waits of tasks", "require('moonkey.task').map({ 1, 2 }, function() require('moonkey.task').sleep(60) end)"),
            ("calls that go on for ever", "while true do token.get('TKN-0000-0002') end"),
            ("the end of another task", "require('moonkey.task').spawn(require('moonkey.task').sleep, 60):join()"),
            ("values that are shown for ever", "setmetatable({}, { __tostring = function() while true do end end })"),
        ]
        terminal = self.open()
        for name, line in cases:
            with self.subTest(name):
                terminal.type("print('on') " + line + "\r" if not line.startswith("setmeta") else line + "\r")
                terminal.expect("\non\n" if not line.startswith("setmeta") else "end })\n")
                time.sleep(0.1)
                terminal.type(CTRL_C)
                terminal.expect("interrupted")
                terminal.expect("> ")
                terminal.say("6 * 7", "42")
        self.assertNotRegex(terminal.text(), r"\n> (\^C)?\n")  # once for each, and not for the prompt, too
        self.assertNotIn("traceback", terminal.text())
        terminal.say('token.get("TKN-0000-0002").name', '"Catalog import 0002"')
        self.assertEqual(terminal.leave(), 0)

    def test_ctrl_c_cuts_a_call_off(self):
        terminal = self.open("--emulator", "--fault", "latency=30s", "repl")
        begun = time.monotonic()
        terminal.type('print("on") token.get("TKN-0000-0002")\r')
        terminal.expect("\non\n")
        terminal.type(CTRL_C)
        terminal.expect("interrupted")
        terminal.expect("> ")
        self.assertLess(time.monotonic() - begun, 10)
        self.assertEqual(terminal.leave(), 0)

    def test_ctrl_c_spares_what_an_earlier_line_has_started(self):
        terminal = self.open()
        terminal.say("task = require 'moonkey.task' 1", "near")
        terminal.say("task = require 'moonkey.task'", "")
        terminal.type("task.spawn(function() task.sleep(0.8) print('all ' .. 'well') end) and nil\r")
        terminal.expect("\nnil\n> ")
        terminal.type("print('on') task.sleep(60)\r")
        terminal.expect("\non\n")
        terminal.type(CTRL_C)
        terminal.expect("interrupted")
        terminal.expect("all well")
        terminal.say("6 * 7", "42")
        self.assertEqual(terminal.leave(), 0)

    def test_ctrl_c_ends_a_task_in_the_background_that_lets_nothing_else_run(self):
        terminal = self.open()
        terminal.say("task = require 'moonkey.task'", "")
        terminal.type("task.spawn(function() task.sleep(0.2) while true do end end) and 1\r")
        terminal.expect("\n1\n> ")
        time.sleep(0.5)
        terminal.type(CTRL_C)
        terminal.expect("\n> ")
        terminal.say("6 * 7", "42")
        self.assertEqual(terminal.leave(), 0)

    def test_code_that_breaks_its_own_task_breaks_nothing_else(self):
        terminal = self.open()
        terminal.say("debug.sethook(error, '', 1)", "count")
        terminal.say("6 * 7", "42")
        self.assertEqual(terminal.leave(), 0)

    def test_what_cannot_be_interrupted_is_left_with_the_third(self):
        terminal = self.open()
        terminal.type("print('on') ; (('a'):rep(40)):find(('a?'):rep(40) .. ('a'):rep(40))\r")
        terminal.expect("\non\n")
        for _ in range(2):
            time.sleep(0.3)
            terminal.type(CTRL_C)
        terminal.expect("Ctrl-C again leaves moonkey")
        terminal.type(CTRL_C)
        self.assertEqual(terminal.wait(), 130)

    def test_sigterm_ends_it_at_the_prompt_and_in_a_wait(self):
        terminal = self.open()
        terminal.process.send_signal(signal.SIGTERM)
        self.assertEqual(terminal.wait(), 143)
        terminal = self.open()
        terminal.type("print('on') require('moonkey.task').sleep(60)\r")
        terminal.expect("\non\n")
        terminal.process.send_signal(signal.SIGTERM)
        self.assertEqual(terminal.wait(), 143)

    def test_a_task_in_the_background_prints_above_the_prompt(self):
        terminal = self.open()
        terminal.say("task = require 'moonkey.task'", "")
        terminal.type("task.spawn(function() task.sleep(0.3) print('from ' .. 'behind') error('and it failed') end) and 1\r")
        terminal.expect("\n1\n> ")
        terminal.type("12")
        terminal.expect("from behind")
        terminal.expect("and it failed")
        terminal.type(" + 30\r")
        terminal.expect("42")
        self.assertEqual(terminal.leave(), 0)

    def test_leaving_waits_for_tasks_in_the_background(self):
        terminal = self.open()
        terminal.say("task = require 'moonkey.task'", "")
        terminal.type("task.spawn(function() task.sleep(0.5) print('do' .. 'ne') end) and 1\r")
        terminal.expect("\n1\n> ")
        self.assertEqual(terminal.leave(), 0)
        self.assertIn("done", terminal.text())
        self.assertIn("waiting for 1 task in the background", terminal.text())

    def test_ctrl_c_ends_tasks_in_the_background_when_all_else_has_ended(self):
        terminal = self.open()
        terminal.say("task = require 'moonkey.task'", "")
        terminal.type("task.spawn(function() task.sleep(60) end) and 1\r")
        terminal.expect("\n1\n> ")
        terminal.type(CTRL_D)
        terminal.expect("waiting for 1 task in the background")
        terminal.type(CTRL_C)
        self.assertIn(terminal.wait(), (1, 130))

    def test_several_lines_that_are_pasted_are_run_one_by_one(self):
        terminal = self.open()
        terminal.type("function f(x)\r\treturn x * 2\rend\rf(21)\r'a' .. 'b'\r")
        terminal.expect("42\n")
        terminal.expect('"ab"')
        self.assertEqual(terminal.leave(), 0)

    def test_utf8(self):
        terminal = self.open()
        terminal.say("('äß€世界𝄞') .. #'€'", '"äß€世界𝄞3"')
        self.assertEqual(terminal.leave(), 0)

    def consent(self, answer):
        emulator = self.emulator()
        self.write(".config/moonkey/config.lua", f'return {{ mine = {{ base_url = "{emulator.url}", credential_file = '
                   f'"{self.path("secret")}", consent = "yes" }} }}')
        self.write("secret", emulator.credential + "\n", mode=0o600)
        terminal = self.open("-p", "mine", "repl")
        self.assertIn("profile mine", terminal.text())
        terminal.type('token.update("TKN-0000-0002", { name = "other" }).name\r')
        terminal.expect("[y/N] ")
        terminal.type(answer)
        return emulator, terminal

    def test_consent_is_asked_for_and_given(self):
        emulator, terminal = self.consent("y\r")
        terminal.expect('"other"')
        terminal.expect("> ")
        terminal.say('token.update("TKN-0000-0003", { name = "third" }).name', '"third"')
        self.assertEqual(terminal.leave(), 0)
        self.assertEqual(self.token(emulator.env, "TKN-0000-0002")["name"], "other")

    def test_consent_is_asked_for_and_refused(self):
        for answer in ("n\r", "\x03"):
            with self.subTest(repr(answer)):
                emulator, terminal = self.consent(answer)
                terminal.expect("> ")
                terminal.say("6 * 7", "42")
                terminal.say('token.update("TKN-0000-0003", { name = "third" })', "not sent")
                self.assertEqual(terminal.leave(), 0)
                self.assertEqual(self.token(emulator.env, "TKN-0000-0002")["name"], "Catalog import 0002")


class Dumb(Any):
    term = "dumb"

    def test_the_terminal_is_left_alone(self):
        terminal = self.open()
        self.assertTrue(termios.tcgetattr(terminal.master)[3] & termios.ICANON)
        terminal.say("1", "1")
        self.assertNotIn(b"\x1b", terminal.shown)


if __name__ == "__main__":
    main()
