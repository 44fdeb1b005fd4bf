"""Row readers and outputs of the user's own: the same in plan, batch, resume, retry and report as what is built in."""
import json
import os
import sqlite3
import sys

from extension_case import ExtensionCase
from harness import main

COLUMNS = ("id", "Name", "description", "modules")
SHEET = """<?xml version="1.0" encoding="UTF-8"?>
<office:document office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:body><office:spreadsheet>
<table:table table:name="Sheet1"><table:table-column table:number-columns-repeated="4"/>%s
<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
</table:table><table:table table:name="Sheet2"><table:table-row><table:table-cell><text:p>other</text:p></table:table-cell></table:table-row>
</table:table></office:spreadsheet></office:body></office:document>"""


def sheet_row(*cells):
    made = "".join(f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' if cell else "<table:table-cell/>"
                   for cell in cells)
    return f'<table:table-row table:style-name="ro1">{made}<table:table-cell table:number-columns-repeated="16380"/></table:table-row>\n'


class Spreadsheet(ExtensionCase):
    def setUp(self):
        super().setUp()
        self.example("format", "fods")

    def sheet(self, *rows):
        return self.write("tokens.fods", SHEET % "".join(rows))

    def test_cells_mean_what_they_mean_in_csv(self):
        self.sheet(sheet_row(*COLUMNS),
                   sheet_row("TKN-0000-0002", 'R&amp;D<text:s text:c="2"/>&#x41;<text:span>!</text:span>', "", "MOD-1756;MOD-9042"),
                   '<table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>',
                   sheet_row("TKN-0000-0003", "", "\\N", "").replace(
                       "<text:p>TKN", "<office:annotation><text:p>a note</text:p></office:annotation><text:p>TKN"),
                   sheet_row("TKN-0000-0004", "", "one</text:p><text:p>two", ""))
        done = self.run_moonkey("--emulator", "plan", "tokens.fods", "-o", "json")
        self.assertEqual(done.code, 0, done.err)
        rows = json.loads(done.out)["plan"]
        told = [(row["line"], row["id"], {c["field"]: c["to"] for c in row["changes"]}) for row in rows]
        self.assertEqual(told[0][:2], (2, "TKN-0000-0002"))
        self.assertEqual(told[0][2]["name"], "R&D  A!")
        self.assertEqual(told[1:], [(5, "TKN-0000-0003", {"description": None}), (6, "TKN-0000-0004", {"description": "one\ntwo"})])

    def test_what_is_wrong_is_told(self):
        for rows, problem in (((), "its first row must name the columns"), ((sheet_row("id", "nme"), sheet_row("TKN-0000-0002", "x")),
                                                                             'there is no field "nme" to write (did you mean "name"?)'),
                              ((sheet_row("name"), sheet_row("x")), 'no column is called "id"')):
            self.sheet(*rows)
            done = self.run_moonkey("--emulator", "batch", "tokens.fods", "--journal", f"j{len(self.said)}")
            self.assertIn(done.code, (2, 3))
            self.assertIn(problem, done.err)
        self.write("tokens.fods", "PK\x03\x04")
        done = self.run_moonkey("--emulator", "batch", "tokens.fods")
        self.assertEqual(done.code, 2)
        self.assertIn("cannot read tokens.fods by the format 'fods': it is no flat XML spreadsheet; in LibreOffice: Save As", done.err)

    def test_resume_and_retry_read_it_again(self):
        api = self.emulator("--seed", "50", "--data", self.path("e.db"))
        self.sheet(sheet_row(*COLUMNS), *[sheet_row(f"TKN-0000-00{i:02}", f"sheet {i}") for i in range(10, 40)],
                   sheet_row("TKN-9999-9999", "nobody"))
        self.write("kill.lua", "local n = 0 return function(row) n = n + 1 if n > 10 then os.exit(9) end return token.update(row.id, "
                   "{ name = row.name or row.Name }) end")
        done = self.run_moonkey("batch", "tokens.fods", "--job", "kill.lua", "-j", "1", "--journal", "j", env=api.env)
        self.assertEqual(done.code, 9, done.err)
        self.write("kill.lua", "return function(row) return token.update(row.id, { name = row.name }) end")
        done = self.run_moonkey("resume", "j", env=api.env)
        self.assertEqual(done.code, 2)  # another job
        done = self.run_moonkey("resume", "j", "--accept-changes", "--journal", "k", env=api.env)
        self.assertEqual(done.code, 3, done.err)
        self.assertEqual(self.token(api.env, "TKN-0000-0039")["name"], "sheet 39")
        done = self.run_moonkey("batch", "tokens.fods", "--journal", "l", env=api.env)
        self.assertEqual(done.code, 3, done.err)
        self.assertIn("line 32 (TKN-9999-9999)", done.err)
        done = self.run_moonkey("retry", "l", env=api.env)
        self.assertEqual((done.code, "30 done, 1 failed" in done.err), (3, True), done.err)
        os.remove(self.path("lua/moonkey/format/fods.lua"))
        done = self.run_moonkey("retry", "l", env=api.env)
        self.assertEqual(done.code, 2)
        self.assertIn("there is no format 'fods'", done.err)
        self.example("format", "fods")
        self.sheet(sheet_row(*COLUMNS), sheet_row("TKN-0000-0010", "other"))
        done = self.run_moonkey("retry", "l", env=api.env)
        self.assertEqual(done.code, 2)
        self.assertIn("tokens.fods has changed since the run began", done.err)


class Query(ExtensionCase):
    def test_what_a_database_has(self):
        self.example("format", "query")
        base = sqlite3.connect(self.path("crm.db"))
        base.executescript("CREATE TABLE robots (token, customer, note); INSERT INTO robots VALUES ('TKN-0000-0002', 'MAL', NULL), "
                           "('TKN-0000-0003', 'LYO', 'moved');")
        base.close()
        self.write("run.py", "import json, sqlite3, sys\nbase = sqlite3.connect('crm.db')\nbase.row_factory = sqlite3.Row\n"
                   "print('[' + ',\\n'.join(json.dumps(dict(row)) for row in base.execute(sys.stdin.read())) + ']')\n")
        self.write("robots.sql", "select token as id, customer || ' robot' as name, note as description from robots order by token")
        env = {"MOONKEY_QUERY": f"{sys.executable} run.py"}
        done = self.run_moonkey("--emulator", "batch", "robots.sql", "-o", "jsonl", "--undoable", env=env)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(sorted(result["id"] for result in done.results()), ["TKN-0000-0002", "TKN-0000-0003"])
        done = self.run_moonkey("--emulator", "plan", "robots.sql", env=env)
        self.assertIn('→ "MAL robot"\nTKN-0000-0003 (line 2)\n', done.out)
        self.assertIn('→ "moved"\n', done.out)
        self.write("robots.sql", "select nothing from nowhere")
        done = self.run_moonkey("--emulator", "plan", "robots.sql", env=env)
        self.assertEqual(done.code, 2)
        self.assertIn("the format 'query' failed: the command of MOONKEY_QUERY failed (exit 1)", done.err)
        self.assertIn("MOONKEY_QUERY must name the command", self.run_moonkey("--emulator", "plan", "robots.sql").err)


READER = """return { extensions = { "list", ".LST" }, open = function(file, options)
  io.stderr:write("opens ", options.name, " ", tostring(options.path), "\\n")
  local line = 0
  return function()
    local text = file:read("l")
    line = line + 1
    if text == "bad" then return nil, { line = line, message = "it is bad" } end
    if text == "worse" then error("it is worse", 0) end
    if text == "text" then return text end
    return text and { id = text, name = "from " .. options.name }, line
  end, function() io.stderr:write("closes\\n") end
end }"""


class Reader(ExtensionCase):
    def test_bad_rows_bad_input_and_its_end(self):
        self.module("format", "lines", READER)
        self.write("a.list", "TKN-0000-0002\nbad\ntext\nTKN-0000-0003\n")
        done = self.run_moonkey("--emulator", "batch", "a.list", "-o", "jsonl", "-j", "1")
        self.assertEqual(done.code, 3, done.err)
        self.assertEqual([(r["row"], r.get("line"), r["outcome"], r.get("detail")) for r in done.results()],
                         [(1, 1, "done", None), (2, 2, "failed", "it is bad"), (3, None, "failed", "a row is a table, not a string"),
                          (4, 4, "done", None)])
        self.assertEqual(done.err.count("opens a.list a.list\n"), 1)
        self.assertEqual(done.err.count("closes\n"), 1)
        self.write("b.lst", "TKN-0000-0002\nworse\nTKN-0000-0003\n")
        done = self.run_moonkey("--emulator", "batch", "b.lst", "-o", "jsonl")
        self.assertEqual(done.code, 2)
        self.assertIn("the format 'lines' failed: it is worse", done.err)
        self.assertEqual(len(done.results()), 1)

    def test_standard_input(self):
        self.module("format", "lines", READER)
        done = self.run_moonkey("--emulator", "batch", "-", "--format", "lines", "-o", "jsonl", stdin="TKN-0000-0002\n")
        self.assertEqual((done.code, len(done.results())), (0, 1), done.err)
        self.assertIn("opens standard input nil\n", done.err)

    def test_mistakes_of_a_module_are_told(self):
        self.write("a.x", "")
        for text, problem in (("return { open = function() return nil, 'no' end }", "cannot read a.x by the format 'x': no"),
                              ("return { open = function() error 'oops' end }", "lua/moonkey/format/x.lua:1: oops"),
                              ("return { open = function() return {} end }", "must return a function that gives the next row, not a table"),
                              ("return { open = function() return print, 1 end }", "must be a function that closes it, not a number"),
                              ("return { open = function() return print, nil, { 1 } end }", "must be a list of the names of columns"),
                              ("return { opne = print }", "the format 'x' cannot be loaded: ./lua/moonkey/format/x.lua: it has no function `open`")):
            self.module("format", "x", text)
            for args in (["a.x", "--format", "x"], ["-", "--format", "x"]):
                done = self.run_moonkey("--emulator", "plan", *args, stdin="")
                self.assertEqual(done.code, 2, text)
                self.assertIn(problem.replace("a.x", "standard input") if args[0] == "-" else problem, done.err)
        done = self.run_moonkey("--emulator", "plan", "a.x", "--format", "y")
        self.assertEqual(done.code, 2)
        self.assertIn("must be one of 'jsonl', 'json', 'csv', 'x'", done.err)

    def test_one_that_is_broken_does_not_keep_another_from_its_files(self):
        self.module("format", "lines", READER)
        self.module("format", "broken", "x = = 1")
        self.write("a.list", "TKN-0000-0002\n")
        done = self.run_moonkey("--emulator", "batch", "a.list")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("warning: the format 'broken' cannot be loaded", done.err)
        self.write("a.csv", "id,name\nTKN-0000-0002,x\n")
        self.assertNotIn("broken", self.run_moonkey("--emulator", "batch", "a.csv").err)

    def test_from_lua(self):
        self.module("format", "lines", READER)
        self.write("a.list", "TKN-0000-0002\n")
        code = "print(require('moonkey.batch').run{ source = 'a.list', journal = false, job = function(row) return row end }.done)"
        self.assertEqual(self.run_moonkey("--emulator", "run", "-e", code).out, "1\n")
        code = "print(require('moonkey.batch').run{ source = 'a.list', format = 'lynes', journal = false })"
        self.assertIn("nil\tthere is no format 'lynes', did you mean 'lines'?", self.run_moonkey("--emulator", "run", "-e", code).out)


class Outputs(ExtensionCase):
    def test_the_example(self):
        self.example("output", "markdown", ".config/moonkey/lua")
        self.write("rows.csv", "id,name\nTKN-0000-0002,A | B\nTKN-9999-9999,x\n")
        self.run_moonkey("--emulator", "batch", "rows.csv", "--journal", "j")
        done = self.run_moonkey("report", "j", "-o", "markdown")
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertRegex(done.out, r"^## Run \S+\n\n.*\n\n\| done \| failed \| unknown \| skipped \|\n\| --- .*\n\| 0 \| 2 \| 0 \| 0 \|\n")
        self.assertRegex(done.out, r"\| 3 \| TKN-9999-9999 \| 404 Not Found.* \|\n$")
        done = self.run_moonkey("--emulator", "token", "list", "--limit", "2", "-o", "markdown")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.out.splitlines()[0], "| id | status | lastAccessAt | account.id | name |")
        self.assertEqual(len(done.out.splitlines()), 4)
        self.assertIn("| TKN-0000-0002 | Active | never | ACC-0000-0001 | Catalog import 0002 |\n", done.out)

    def test_facts_and_masks(self):
        secret = "idt:TKN-0000-0002:" + "S3cretOfReports" * 4
        self.module("output", "facts", f"""return {{ report = function(facts, write, results)
          write(facts.totals.done, " ", facts.run.command, " ", #facts.sessions, " ", "{secret}", "\\n")
          for r in results() do write(r.row, r.outcome, "\\n") end
        end, list = function(write) return function(tok) write(tok.id, " ", tostring(tok.token), " {secret}\\n") end end }}""")
        self.write("rows.csv", "id,name\nTKN-0000-0002,x\n")
        self.run_moonkey("--emulator", "batch", "rows.csv", "--journal", "j")
        done = self.run_moonkey("report", "j", "-o", "facts")
        self.assertRegex(done.out, r"^1 batch 1 [^S]+\n1done\n$")
        done = self.run_moonkey("--emulator", "token", "list", "--limit", "1", "-o", "facts")
        self.assertRegex(done.out, r"^TKN-0000-0001 nil [^S]+\n$")

    def test_mistakes_are_told(self):
        self.module("output", "half", "return { report = function() error('oops') end }")
        self.write("rows.csv", "id,name\nTKN-0000-0002,x\n")
        self.run_moonkey("--emulator", "batch", "rows.csv", "--journal", "j")
        done = self.run_moonkey("report", "j", "-o", "half")
        self.assertEqual(done.code, 1)
        self.assertIn("the output 'half' (./lua/moonkey/output/half.lua) failed: ./lua/moonkey/output/half.lua:1: oops", done.err)
        done = self.run_moonkey("--emulator", "token", "list", "-o", "half")
        self.assertEqual(done.code, 2)
        self.assertIn("-o half cannot be used here: ./lua/moonkey/output/half.lua has no function `list`", done.err)
        self.assertIn("must be one of 'text', 'json', 'half'", self.run_moonkey("report", "j", "-o", "whole").err)


if __name__ == "__main__":
    main()
