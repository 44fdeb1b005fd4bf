"""What a profile demands before the first write, with somebody at the terminal."""
import json
import time

from harness import Case, main

TOKEN = "TKN-0000-0002"
ASKED = "Write to "
TYPED = "Type the account id to agree: "
UPDATE = f'local tok, err = token.update("{TOKEN}", {{ name = "Changed" }}) print(tok and tok.name or err)'
RENAME = "print((token.update('TKN-0000-0003', { name = 'Second' }) or {}).name)"
DECLINED = f"PUT /public/v1/accounts/api-tokens/{TOKEN}: not sent: writing was not agreed to\n"


class Profiles(Case):
    def setUp(self):
        super().setUp()
        self.api = self.emulator("--seed", "50")
        self.write("cred", self.api.credential, 0o600)
        fields = f'base_url = "{self.api.url}", credential_file = "~/cred"'
        self.write(".config/moonkey/config.lua", f"""
            return {{
              default = "plain",
              plain = {{ {fields} }},
              asks = {{ {fields}, consent = "yes" }},
              strict = {{ {fields}, consent = "account" }},
              short = {{ {fields}, consent = "yes", max_time = "1s" }},
            }}""")
        self.host = self.api.url.removeprefix("http://")
        self.account = self.own_account()

    def own_account(self):
        done = self.run_moonkey("run", "-e", "local a = token.get('TKN-0000-0001').account print(a.id) print(a.name)")
        self.assertEqual(done.code, 0, done.err)
        return done.out.splitlines()

    def name(self):
        done = self.run_moonkey("run", "-e", f"print(token.get('{TOKEN}').name)")
        self.assertEqual(done.code, 0, done.err)
        return done.out.strip()

    def question(self):
        account, name = self.account
        return f"{self.host} as TKN-0000-0001 of {account} ({name})"


class Scripts(Profiles):
    def ask(self, profile, typed, *args, question=ASKED, code=UPDATE):
        return self.run_on_terminal("-p", profile, *args, "run", "-e", code, answers=[(question, typed)])

    def test_yes(self):
        for typed in ("y\n", "Y\n", " yes \n"):
            done = self.ask("asks", typed, code=UPDATE + RENAME)
            self.assertEqual((done.code, done.out), (0, "Changed\nSecond\n"), done.err)
            self.assertEqual(done.err.count("[y/N]"), 1, done.err)
            self.assertIn(f"Write to {self.question()}? [y/N] ", done.err)
        self.assertEqual(self.name(), "Changed")

    def test_anything_else_is_no(self):
        before = self.name()
        for typed, why in (("n\n", "the answer was no"), ("\n", "the answer was no"), ("yess\n", "the answer was no"),
                           ("y" * 300 + "\n", "the answer was no"), ("\x04", "there was no answer; --yes would agree")):
            done = self.ask("asks", typed, code=UPDATE + RENAME)
            self.assertEqual((done.code, done.out), (5, DECLINED + "nil\n"), done.err)
            self.assertIn(f"moonkey: nothing is written: profile 'asks' demands consent, and {why}", done.err)
            self.assertEqual(done.err.count("[y/N]"), 1, done.err)
        self.assertEqual(self.name(), before)

    def test_interrupt(self):
        before = self.name()
        started = time.monotonic()
        done = self.ask("asks", "\x03")
        self.assertEqual(done.code, 130, done.err)
        self.assertLess(time.monotonic() - started, 10)
        self.assertIn("not sent: the program is stopping", done.out)
        self.assertNotIn("demands consent", done.err)
        self.assertEqual(self.name(), before)

    def test_the_flag_agrees(self):
        done = self.run_on_terminal("-p", "asks", "--yes", "run", "-e", UPDATE)
        self.assertEqual((done.code, done.out, done.err), (0, "Changed\n", ""))

    def test_no_terminal(self):
        before = self.name()
        for args, code, out in ((["-p", "asks"], 5, DECLINED), (["-p", "asks", "-y"], 0, "Changed\n"), (["-p", "strict", "-y"], 5, DECLINED)):
            done = self.finish(self.start(*args, "run", "-e", UPDATE, new_group=True))
            self.assertEqual((done.code, done.out), (code, out), done.err)
            self.assertEqual("there is no terminal to ask on" in done.err, code == 5, done.err)
        self.assertNotEqual(self.name(), before)

    def test_the_account_id(self):
        account = self.account[0]
        done = self.ask("strict", account + "\n", "--yes", question=TYPED)  # which is not enough
        self.assertEqual((done.code, done.out), (0, "Changed\n"), done.err)
        self.assertIn(f"Writing to {self.question()}. Type", done.err)

    def test_another_account_id(self):
        before = self.name()
        wrong = "idt:TKN-0000-0009:PastedIntoTheWrongPlace"
        for typed in ("ACC-9999-9999\n", "y\n", "\n", self.account[0].lower() + "\n", wrong + "\n"):
            done = self.ask("strict", typed, question=TYPED)
            self.assertEqual((done.code, done.out), (5, DECLINED), done.err)
            said = done.err[done.err.index(TYPED):].replace(typed.strip(), "", 1)  # the terminal's echo
            self.assertIn(f"what was typed is not the account id {self.account[0]}", said)
            self.assertNotIn("Pasted", said)
        self.said = [text for text in self.said if wrong.encode() not in text]
        self.assertEqual(self.name(), before)

    def test_a_script_cannot_answer(self):
        """Whatever it puts in the place of Lua's own functions, and of the host's."""
        before, account = self.name(), self.account[0]
        changed = f"""
            local http, sys, log = require "moonkey.http", require "moonkey.sys", require "moonkey.log"
            local yes = function() return "{account}" end
            for _, library in ipairs{{ string, utf8, http, log }} do
              for name in pairs(library) do if name ~= "find" then library[name] = yes end end
            end
            require("moonkey.terminal").ask, require("moonkey.token").get, require("moonkey.task.core").spawn = yes, yes, yes
            sys.interrupted, type, tostring, error = yes, yes, yes, yes
            io.write(select(2, token.update("{TOKEN}", {{ name = "Changed" }})).kind, "\\n") """
        done = self.ask("strict", "no way\n", question=TYPED, code=changed)
        self.assertIn("cancelled", done.out, done.err)
        self.assertIn(f"Writing to {self.question()}. Type", done.err)
        self.assertEqual(self.name(), before)

    def test_what_was_typed_before_is_no_answer(self):
        """A `y` that waits in the terminal's buffer was not meant for a question that nobody had seen."""
        wait = "io.stderr:write('ready\\n') require('moonkey.task').sleep(0.5) "
        done = self.run_on_terminal("-p", "asks", "run", "-e", wait + UPDATE, answers=[("ready", "y\n"), (ASKED, "n\n")])
        self.assertEqual((done.code, done.out), (5, DECLINED), done.err)

    def test_the_question_is_seen_where_errors_go_elsewhere(self):
        with open(self.path("errors"), "wb") as errors:
            done = self.run_on_terminal("-p", "asks", "run", "-e", UPDATE, answers=[(ASKED, "y\n")], stderr=errors)
        self.assertEqual((done.code, done.out), (0, "Changed\n"))
        self.assertEqual(self.read("errors"), "")

    def test_others_go_on_while_somebody_thinks(self):
        code = f"""
            local task = require "moonkey.task"
            local reads = 0
            local reader = task.spawn(function()
              for _ = 1, 20 do
                assert(token.get("{TOKEN}"))
                reads = reads + 1
                task.sleep(0.02)
              end
              io.stderr:write("read on\\n")
            end)
            local all = task.map({{ 1, 2, 3 }}, function() return token.update("{TOKEN}", {{ name = "Changed" }}) end)
            print(reads, #all)
            reader:join()"""
        done = self.run_on_terminal("-p", "asks", "run", "-e", code, answers=[("read on", "y\n")])
        self.assertEqual((done.code, done.out), (0, "20\t3\n"), done.err)
        self.assertEqual(done.err.count("[y/N]"), 1, done.err)


class Batches(Profiles):
    def rows(self):
        self.write("rows.jsonl", "".join(f'{{"id":"TKN-0000-{i:04}","name":"Row {i}"}}\n' for i in range(2, 42)))

    def test_rows_after_a_long_thought(self):
        """The time for thinking is not the rows' time; nothing is drawn over the question; it is asked once."""
        self.rows()
        done = self.run_on_terminal("-p", "short", "batch", "rows.jsonl", "-j", "5", "--results", "results.jsonl",
                                    answers=[(ASKED, 2), (ASKED, "y\n")])
        self.assertEqual(done.code, 0, done.err)
        results = [json.loads(line) for line in self.read("results.jsonl").splitlines()]
        self.assertEqual([(r["outcome"], r["attempts"]) for r in results], [("done", 1)] * 40)
        self.assertEqual(done.err.count("[y/N]"), 1, done.err)
        asked = done.err.index("[y/N] ")
        self.assertEqual(done.err[asked:asked + 9], "[y/N] y\r\n", done.err)

    def test_rows_stay_pending(self):
        self.rows()
        done = self.run_on_terminal("-p", "asks", "batch", "rows.jsonl", "-j", "5", "--results", "results.jsonl", answers=[(ASKED, "n\n")])
        self.assertEqual(done.code, 5, done.err)
        results = [json.loads(line) for line in self.read("results.jsonl").splitlines()]
        self.assertEqual({(r["outcome"], r["attempts"]) for r in results}, {("pending", 0)})
        self.assertIn(f"nobody agreed to writing to {self.host}", done.err)


main()
