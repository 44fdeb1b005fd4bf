"""moonkey token list: what it finds, how it is written, and that its CSV changes nothing when batch takes it back."""
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

from harness import MOONKEY, Case, die_with_the_test, main

CREDENTIAL = "idt:TKN-0000-0001:" + "CredentialOfTheListTests" * 3
OPERATIONS = {"id": "ACC-0001-0001", "type": "Operations", "status": "Active", "name": "Operations"}
VENDOR = {"id": "ACC-0002-0002", "type": "Vendor", "status": "Active", "name": "Ångström & Söhne"}
# Values that files and spreadsheets like to make something else of.
NASTY = ["plain", "", None, "\\N", "'\\N", "''\\N", "say \"hello\"", "a,b;c\td", "two\nlines", "\n", "=1+1", "=HYPERLINK(\"http://x\")", "+49 30 1",
         "-5", "-bot", "@here", "007", "12345678901234567890", "1e5", "1.10", "1-2", "3 Mar", "10:30", "2024-01-02", "5 %", "TRUE", "false",
         "42", "'", "''", "'quoted'", "'=1", "''=1", "'007", " space", " 7", "\ttab", "Größe 日本語 🌙", "\N{FULLWIDTH EQUALS SIGN}1", "#N/A",
         "MOD-1756;MOD-9042", "null", "x" * 1999, "%26", "\\", "\\n", "\"", "'\""]


def token(number, **fields):
    tok = {"id": f"TKN-0000-{number:04}", "name": f"Token {number}", "description": None, "icon": None, "status": "Active",
           "token": f"idt:TKN-0000-{number:04}:" + "SecretOfATokenOfTheTests" * 3, "account": OPERATIONS, "modules": [],
           "lastAccessAt": None, "audit": {"created": {"at": "2024-01-01T00:00:00.000Z"}}, "revision": 1}
    tok.update(fields)
    return tok


def ago(days):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - days * 86400))


class Lists(Case):
    def serve(self, tokens):
        """An emulator with these, and a first one whose secret is the credential; the environment that leads to it."""
        first = token(1, name="The credential", token=CREDENTIAL, modules=[{"id": "MOD-1756"}])
        self.write("seed.jsonl", "".join(json.dumps(t) + "\n" for t in [first, *tokens]))
        self.env = self.emulator("--seed", "seed.jsonl").env
        self.env["MPT_API_TOKEN"] = CREDENTIAL
        return self.env

    def list(self, *args, code=0):
        done = self.run_moonkey("token", "list", *args, env=self.env)
        self.assertEqual(done.code, code, done.err)
        return done

    def ids(self, *args):
        done = self.list("-o", "jsonl", *args)
        return [int(t["id"][-4:]) for t in done.results()]


class Finding(Lists):
    def setUp(self):
        super().setUp()
        self.serve([
            token(2, name="CRM robot", status="Disabled", modules=[{"id": "MOD-1756"}, {"id": "MOD-9042"}], lastAccessAt=ago(200)),
            token(3, name="crm ROBOT", modules=[{"id": "MOD-9042"}], lastAccessAt=ago(10)),
            token(4, name="Billing & Sync", audit={"created": {"at": ago(5)}}, account=VENDOR),
            token(5, name="O'Neil bot", account=VENDOR, lastAccessAt=ago(91)),
            token(6, name="*star*"),
            token(7, name="gone", status="Deleted"),
        ])

    def test_conditions(self):
        everybody = [1, 2, 3, 4, 5, 6, 7]
        for args, expected in (
                ([], everybody),
                (["--status", "disabled"], [2]),
                (["--status", "Active,DISABLED"], [1, 2, 3, 4, 5, 6]),
                (["--status", "active", "--status", "disabled"], [1, 2, 3, 4, 5, 6]),
                (["--name", "crm robot"], [2, 3]),
                (["--name", "crm*"], [2, 3]),
                (["--name", "*bot"], [2, 3, 5]),
                (["--name", "*i*"], [1, 4, 5]),
                (["--name", "bot"], []),
                (["--name", "o'neil*"], [5]),
                (["--name", "Billing & Sync"], [4]),
                (["--name", "gone", "--name", "o'neil*"], [5, 7]),
                (["--name", r"\*star\*"], [6]),
                (["--module", "MOD-9042"], [2, 3]),
                (["--module", "mod-9042,MOD-1756"], [1, 2, 3]),
                (["--module", "MOD-9042", "--module", "MOD-1756"], [2]),
                (["--unused-for", "90d"], [2, 5, 6, 7]),
                (["--unused-for", "26w"], [2, 6, 7]),
                (["--unused-for", "1h"], [2, 3, 4, 5, 6, 7]),
                (["--unused-for", "90d", "--status", "active", "--module", "MOD-1756"], []),
                (["--where", "account.type='Vendor'"], [4, 5]),
                (["--where", "name='Billing %26 Sync'|name='gone'"], [4, 7]),
                (["--where", "name='Billing & Sync'|name='a&limit=1'"], [4]),
                (["--where", "status=Disabled|status=Deleted", "--name", "crm*"], [2]),
                (["--order", "-id", "--limit", "2"], [7, 6]),
                (["--order", "-lastaccessat,name", "--limit", "2", "--status", "active", "--where", "ne(id,'TKN-0000-0001')"], [3, 5])):
            with self.subTest(args=args):
                self.assertEqual(self.ids(*args), expected)

    def test_select(self):
        for select, expected in (("-*,+id,+name", {"id", "name"}), ("-*,+id,+modules", {"id", "modules"}),
                                 ("-account", {"id", "name", "status", "lastAccessAt", "revision", "icon", "description"})):
            with self.subTest(select=select):
                tok = self.list("-o", "jsonl", "--select", select, "--limit", "1").results()[0]
                self.assertLessEqual(set(tok), expected)
                self.assertIn("id", tok)
        table = self.list("--select", "-*,+id,+modules.id,audit.created.at", "--limit", "1").out.splitlines()
        self.assertRegex(table[0], r"^ID +MODULES.ID +AUDIT.CREATED.AT$")
        self.assertEqual(table[1].split(), ["TKN-0000-0001", "MOD-1756", "2024-01-01T00:00:00Z"])
        rows = list(csv.reader(io.StringIO(self.list("-o", "csv", "--select", "-icon,-modules", "--limit", "1").out)))
        self.assertEqual(rows, [["id", "name", "description"], ["TKN-0000-0001", "The credential", ""]])

    def test_nothing_found(self):
        done = self.list("--name", "nobody")
        self.assertEqual((done.out, done.err), ("", "moonkey: there is no such token\n"))
        self.assertEqual(self.list("--name", "nobody", "-o", "json").out, "[]\n")
        self.assertEqual(self.list("--name", "nobody", "-o", "jsonl").out, "")
        self.assertEqual(self.list("--name", "nobody", "-o", "csv").out, "id,name,description,icon,modules\r\n")

    def test_no_secret_in_any_form(self):
        for form in ("table", "json", "jsonl", "csv"):
            for select in ((), ("--select", "audit,modules"), ("--select", "-*,+id")):
                out = self.list("-o", form, *select).out
                self.assertNotIn("idt:", out)
                self.assertNotIn("redacted", out)

    def test_mistakes(self):
        for args, message in (
                (["--status", "actve"], "--status actve: a token is Active, Disabled or Deleted; did you mean Active?"),
                (["--status", "a,,b"], "there is an empty value"),
                (["--name", ""], "--name is empty"),
                (["--name", "a*b"], "only at the beginning and at the end"),
                (["--name", "a'b\"c"], "both kinds of quote"),
                (["--module", "Billing"], "expected the id of a module, such as MOD-1756"),
                (["--unused-for", "90"], "expected a duration such as 90d, 12w or 36h"),
                (["--where", "mistake(x,1)"], "Unknown expression group"),
                (["--where", "status=Active&limit=3"], "--where: 'limit=3' is no condition; there is --limit"),
                (["--where", "offset=3"], "--where: 'offset=3' is no condition"),
                (["--select", "modulse"], "did you mean 'modules'?"),
                (["--select", "a,,b"], "expected names of fields"),
                (["--select", "token"], "the secret of a token is not shown"),
                (["--select", "-*", "-o", "csv"], "leaves no column"),
                (["--order", "nmae"], "did you mean 'name'?"),
                (["--order", "*"], "not the name of a field"),
                (["--limit", "0"], "--limit 0: expected a whole number"),
                (["--bom"], "--bom is for -o csv"),
                (["-o", "xml"], "must be one of 'table', 'json', 'jsonl', 'csv'"),
                (["TKN-0000-0001"], "too many arguments")):
            with self.subTest(args=args):
                done = self.list(*args, code=2)
                self.assertIn(message, done.err)
                self.assertEqual(done.out, "")
        for words, message in ((["lst"], "did you mean 'token list'?"),
                               (["frobnicate"], "there are list, get, create"),
                               ([], "token needs a command")):
            done = self.run_moonkey("token", *words)
            self.assertEqual(done.code, 2)
            self.assertIn(message, done.err)

    def test_flags_before_and_after(self):
        for words in (["--log-level", "warn", "token", "list"],
                      ["token", "--log-level", "warn", "list"],
                      ["token", "list", "--log-level", "warn"]):
            done = self.run_moonkey(*words, "--name", "nobody", env=self.env)
            self.assertEqual((done.code, done.err), (0, ""), words)

    def test_not_authorised(self):
        done = self.run_moonkey("token", "list", env={**self.env, "MPT_API_TOKEN": "idt:TKN-0000-0001:wrongwrongwrong"})
        self.assertEqual((done.code, done.out), (4, ""))
        self.assertIn("401", done.err)


class Tables(Lists):
    def test_columns_stand_below_each_other(self):
        self.serve([token(2, name="日本語の名前"), token(3, name="e\u0301galite\u0301"), token(4, name="🌙"),
                    token(5, name="x" * 30)])
        done = self.list("--select", "-*,+id,+name,+revision")
        ends = {columns(line[:line.rindex(" ")]) for line in done.out.splitlines() if line.endswith(" 1")}
        self.assertEqual(ends, {columns("TKN-0000-0001  " + "x" * 30 + " ")}, done.out)

    def test_nothing_steers_the_terminal(self):
        self.serve([token(2, name="red \x1b[31m\u202eevil\nTKN")])
        done = self.list("--color", "always")
        self.assertIn(r"red \u001b[31m\u202eevil\u000aTKN", done.out)
        self.assertEqual(len(done.out.splitlines()), 3)

    def test_a_terminal_gets_no_line_longer_than_it(self):
        self.serve([token(2, name="日" * 100), token(3, name="x" * 150)])
        done = self.run_on_terminal("-c", f'exec "{MOONKEY}" token list >/dev/tty', env=self.env, width=80, program="/bin/sh")
        lines = done.err.replace("\r\n", "\n").splitlines()
        self.assertEqual(len(lines), 4)
        self.assertEqual([line.endswith("…") for line in lines], [False, False, True, True], lines)
        for line in lines:
            self.assertLessEqual(columns(line), 80)


def columns(text):
    """Of a terminal, for the characters of these tests."""
    return len(text) + sum(1 for c in text if "\u3000" < c < "\u9fff" or c > "\U0001f300") - text.count("\u0301")


class RoundTrips(Lists):
    """What `token list -o csv` writes changes nothing, straight or through a spreadsheet."""

    def setUp(self):
        super().setUp()
        tokens = []
        for i, value in enumerate(NASTY):
            modules = [[], [{"id": "MOD-1756"}], [{"id": "MOD-9042"}, {"id": "MOD-1756"}]][i % 3]
            tokens.append(token(10 + i, description=value, icon=NASTY[-i], modules=modules, name=value if value else "empty"))
        self.serve(tokens)
        self.count = len(tokens) + 1

    def check_no_change(self, name):
        done = self.run_moonkey("plan", name, "--detailed-exitcode", "-o", "json", env=self.env)
        self.assertEqual(done.code, 0, done.out[-3000:] + done.err)
        self.assertEqual(done.err.count("warning"), 0, done.err)
        self.assertNotIn('"changes":[{', done.out)
        return done

    def export(self, *args):
        done = self.list("-o", "csv", *args)
        self.assertEqual(done.err, "")
        return done.out

    def test_as_it_is(self):
        self.write("list.csv", self.export())
        done = self.check_no_change("list.csv")
        self.assertIn(f'{self.count}', done.out)

    def test_every_value_is_in_it(self):
        """So that the absence of changes is not that of values."""
        rows = list(csv.DictReader(io.StringIO(self.export(), newline="")))
        self.assertEqual(len(rows), self.count)
        for row, value in zip(rows[1:], NASTY):
            self.assertEqual(row["description"].lstrip("'"), (value or "").lstrip("'"))

    def test_a_change_is_seen(self):
        text = self.export().replace("say", "Say")
        self.write("list.csv", text)
        done = self.run_moonkey("plan", "list.csv", "--detailed-exitcode", env=self.env)
        self.assertEqual(done.code, 6, done.err)

    def test_through_a_spreadsheet(self):
        rows = list(csv.reader(io.StringIO(self.export("--bom").removeprefix("\ufeff"), newline="")))
        for delimiter, newline, bom in ((";", "\r\n", "\ufeff"), (",", "\r\n", "\ufeff"), ("\t", "\n", ""), (";", "\r\n", "")):
            with self.subTest(delimiter=delimiter, newline=newline, bom=bom):
                out = io.StringIO(newline="")
                csv.writer(out, delimiter=delimiter, lineterminator=newline).writerows([spreadsheet(cell) for cell in row] for row in rows)
                self.write("sheet.csv", bom + out.getvalue())
                self.check_no_change("sheet.csv")

    @unittest.skipUnless(shutil.which("soffice"), "needs LibreOffice, which is too large for a test's dependency")
    def test_through_libreoffice(self):
        self.write("list.csv", self.export("--bom"))
        read, write = "CSV:44,34,76,1,,0,false,true,false", "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,false"
        subprocess.run(["soffice", "--headless", f"-env:UserInstallation=file://{self.path('office')}", f"--infilter={read}", "--convert-to", write,
                        "--outdir", self.path("out"), self.path("list.csv")], check=True, capture_output=True, timeout=100)
        with open(self.path("out/list.csv"), "rb") as f:
            self.assertEqual(f.readline(), b"id;name;description;icon;modules\n")
        self.check_no_change("out/list.csv")

    def test_batch_takes_it(self):
        self.write("list.csv", self.export())
        done = self.run_moonkey("batch", "list.csv", "--skip-unchanged", "-o", "jsonl", env=self.env)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual({r["outcome"] for r in done.results()}, {"skipped"})
        self.assertEqual(len(done.results()), self.count)

    def test_bom(self):
        self.assertTrue(self.export("--bom").startswith("\ufeffid,name"))
        self.assertTrue(self.export().startswith("id,name"))

    def test_what_csv_cannot_hold(self):
        self.serve([token(2, description="bell \a"), token(3, description="a\r\nb"), token(4, description="the secret " + CREDENTIAL),
                    token(5, description="the secret idt:TKN-0000-0009:" + "NobodyShallSeeThisSecret" * 3), token(6, description="space ")])
        done = self.list("-o", "csv")
        rows = {row["id"]: row["description"] for row in csv.DictReader(io.StringIO(done.out, newline=""))}
        for number in range(2, 7):
            self.assertEqual(rows[f"TKN-0000-{number:04}"], "")
        self.assertIn("TKN-0000-0002: left out: description has control characters", done.err)
        self.assertIn("TKN-0000-0003: left out: description has control characters", done.err)
        self.assertIn("TKN-0000-0004: left out: description looks like a secret", done.err)
        self.assertIn("TKN-0000-0005: left out: description looks like a secret", done.err)
        self.assertIn("TKN-0000-0006: left out: description ends with a space", done.err)
        self.write("list.csv", done.out)
        self.check_no_change("list.csv")


def spreadsheet(cell):
    """What Excel makes of a cell that it reads from CSV, when it writes it again; some of it is worse."""
    if re.match(r"[=+@-]", cell) and len(cell) > 1:
        return "#NAME?"
    if re.fullmatch(r"\s*[\d.,:/ %eE-]*\d[\d.,:/ %eE-]*", cell):
        return cell if re.fullmatch(r"[1-9]\d{0,14}", cell) else "4.2E+01"
    if re.fullmatch(r"(?i)true|false", cell):
        return "WAHR"
    if re.fullmatch(r"(?i)\d+[ -](jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*", cell):
        return "3-Mar-26"
    return cell


class LongLists(Lists):
    def setUp(self):
        super().setUp()
        self.env = self.emulator("--seed", "3000").env

    def test_all_of_them_once(self):
        for form in ("jsonl", "json", "csv", "table"):
            out = self.list("-o", form).out
            ids = re.findall(r"TKN-\d{4}-\d{4}", out)
            self.assertEqual(len(ids), 3000, form)
            self.assertEqual(len(set(ids)), 3000, form)
        self.assertEqual(len(json.loads(self.list("-o", "json").out)), 3000)
        self.assertEqual(self.list("-o", "jsonl", "--limit", "150").out.count("\n"), 150)

    def test_a_pipe_that_closes(self):
        for form in ("jsonl", "csv", "table", "json"):
            process = self.start("token", "list", "-o", form, env=self.env)
            process.stdout.readline()
            process.stdout.close()
            err = process.stderr.read()
            self.assertEqual((process.wait(timeout=60), err), (141, b""), form)
            process.stdout = open(os.devnull, "rb")

    def test_ctrl_c(self):
        process = self.start("token", "list", "-o", "jsonl", "--rate", "5/s", env=self.env)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.code, 130)
        self.assertIn("interrupted: the list is not complete", done.err)
        self.assertNotIn("traceback", done.err)

    def test_a_pipe_that_nobody_reads(self):
        """Little enough to be written at the very end."""
        read, write = os.pipe()
        os.close(read)
        process = subprocess.Popen([MOONKEY, "token", "list", "--limit", "1"], env=self.environment(**self.env), stdout=write,
                                   stderr=subprocess.PIPE, cwd=self.dir, preexec_fn=die_with_the_test)
        os.close(write)
        err = process.communicate(timeout=60)[1]
        self.assertEqual((process.returncode, err), (141, b""))

    def test_a_disk_that_is_full(self):
        with open("/dev/full", "wb") as full:
            process = subprocess.Popen([MOONKEY, "token", "list", "-o", "csv"], env=self.environment(**self.env), stdout=full,
                                       stderr=subprocess.PIPE, cwd=self.dir, preexec_fn=die_with_the_test)
            err = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"cannot write to standard output", err)

    def test_progress_on_a_terminal(self):
        done = self.run_on_terminal("token", "list", "-o", "jsonl", "--select", "-*,+id", "--limit", "1000", "--rate", "10/s", env=self.env)
        self.assertEqual(done.code, 0)
        self.assertRegex(done.err, r"\d+ tokens")
        self.assertEqual(done.out.count("\n"), 1000)


main()
