"""The automation scripts that write: what they would do, what they do with --apply, and that a second run changes nothing."""
import json

from harness import main
from scripts_case import Scripts, token


class DisableUnused(Scripts):
    def setUp(self):
        super().setUp()
        self.serve(token(1, "own", used=500), token(2, "old", used=200), token(3, "never"), token(4, "new", created=10),
                   token(5, "in use", used=3), token(6, "kept by id", used=300), token(7, "Kept Robot", used=300),
                   token(8, "unknown age", created=None), token(9, "off", used=400, status="Disabled"),
                   token(10, "elsewhere", used=100, account="ACC-0002-0002", kind="Client"), token(11, "edge", used=89),
                   token(12, "unknown age, used", used=300, created=None))
        self.write("keep.txt", "\ufeff# ours\nTKN-0000-0006   # by id\n\nkept*\n")
        self.args = ["--days", "90", "--keep", "keep.txt"]

    def test_twice(self):
        off = dict.fromkeys((2, 3, 9, 10, 12), "Disabled")
        self.check_twice("disable_unused", self.args,
                         {2: "disable, not used for 200 days", 3: "disable, never used", 10: "disable, not used for 100 days", 12: "disable, not used for 300 days"},
                         "status", {**dict.fromkeys(range(1, 12), "Active"), **off})

    def test_what_is_left_alone(self):
        done = self.script("disable_unused", *self.args)
        self.assertEqual(self.lines(done, "left alone"), {4: "created 10 days ago", 6: "--keep names it", 7: "--keep names it",
                                                          8: "when it was created is not known"})

    def test_one_account(self):
        done = self.script("disable_unused", *self.args, "--account", "ACC-0002-0002")
        self.assertEqual(list(self.lines(done, "would be done")), [10])

    def test_guards_of_moonkey(self):
        for flags, code in ((["--read-only"], 5), (["--max-changes", "1"], 5), (["--dry-run"], 0)):
            done = self.script("disable_unused", *self.args, "--apply", globals_=flags)
            self.assertEqual(done.code, code, done.err)
        self.assertEqual(list(self.values("status").values()).count("Disabled"), 2)  # one before, and one within --max-changes

    def test_usage(self):
        for args, message in ((["--days", "0"], "give 1 or more"), (["--days", "-1"], ""), (["--days", "x"], "--days: expected a whole number"),
                              (["--keep", "nosuch"], "cannot read nosuch"), (["--aply"], "--apply"), (["x"], "too many arguments")):
            done = self.script("disable_unused", *args)
            self.assertEqual((done.code, done.out), (2, ""), done.err)
            self.assertIn(message, done.err)


class LeastPrivilege(Scripts):
    def setUp(self):
        super().setUp()
        self.serve(token(1, "own", ["MOD-1756", "MOD-9042"]), token(2, "CRM robot", ["MOD-1756", "MOD-9042"]), token(3, "crm import", ["MOD-9042"]),
                   token(4, "Billing", ["MOD-9042"]), token(5, "other", ["MOD-1756", "MOD-3381"], account="ACC-0002-0002", kind="Client"),
                   token(6, "stranger", ["MOD-1756"], account="ACC-0003-0003", kind="Client"), token(7, "bare", account="ACC-0003-0003", kind="Client"))
        rules = [{"name": "crm*", "modules": ["MOD-1756"]}, {"account": "ACC-0001-*", "modules": ["MOD-9042"]},
                 {"account": "ACC-0002-0002", "name": "*", "modules": []}]
        self.write("policy.json", json.dumps(rules))
        self.write("policy.lua", """return { { name = "crm*", modules = { "MOD-1756" } }, { account = "ACC-0001-*", modules = { "MOD-9042" } },
            { account = "ACC-0002-0002", name = "*", modules = {} } }""")

    def modules(self):
        return {number: [m["id"] for m in modules] for number, modules in self.values("modules").items()}

    def test_twice(self):
        would = {2: "take away MOD-9042", 3: "take away MOD-9042", 5: "take away MOD-1756, MOD-3381"}
        self.assertEqual(self.lines(self.script("least_privilege", "policy.json"), "would be done"), would)
        left = self.lines(self.script("least_privilege", "policy.lua"), "left alone")
        self.assertEqual(left, {1: "the credential in use is its own; it would lose MOD-1756", 6: "no rule of the policy matches it"})
        wide = self.all()
        after = {int(i[-4:]): t["modules"] for i, t in wide.items()}
        for number, kept in ((2, ["MOD-1756"]), (3, []), (5, [])):
            after[number] = [m for m in after[number] if m["id"] in kept]
        self.check_twice("least_privilege", ["policy.lua"], would, "modules", after)

    def test_policies_that_cannot_be_meant(self):
        for text, message in (("return {}", "there are no rules"), ("return { { name = 'x' } }", "rule 1: expected"), ("return 7", "expected a table"),
                              ("return { { nmae = 'x', modules = {} } }", "rule 1: nmae:"), ("return { { name = 1, modules = {} } }", "rule 1: name:"),
                              ("return { { modules = { 'Billing' } } }", "'Billing' is no id of a module"), ("return {", "<eof>"),
                              ("return { { modules = os.exit() } }", "expected a table: ")):
            self.write("bad.lua", text)
            done = self.script("least_privilege", "bad.lua", "--apply")
            self.assertEqual((done.code, done.out), (2, ""), done.err)
            self.assertIn(message, done.err)
        self.write("bad.json", "[{")
        self.assertEqual(self.script("least_privilege", "bad.json").code, 2)
        self.assertEqual(self.script("least_privilege").code, 2)


class CheckNames(Scripts):
    CONVENTION = """return { pattern = "^%u%u%u %- %w", advice = "a team first",
        rename = function(tok) if tok.name ~= "hopeless" then return "CRM - " .. tok.name end end }"""

    def setUp(self):
        super().setUp()
        self.serve(token(1, "CRM - own"), token(2, "robot"), token(3, "hopeless"), token(4, "-"), token(5, "x" * 198), token(6, "own"))
        self.write("convention.lua", self.CONVENTION)

    def test_twice(self):
        would = {2: "rename to 'CRM - robot'"}
        left = self.lines(self.script("check_names", "convention.lua"), "left alone")
        self.assertEqual(left[3], "a team first")
        self.assertIn("breaks the convention too", left[4])
        self.assertIn("longer than 200", left[5])
        self.assertIn("which another token of the account is called", left[6])
        before = self.values("name")
        done = self.script("check_names", "convention.lua", "--apply")
        self.assertEqual((done.code, self.lines(done, "done")), (0, would), done.err)
        self.assertEqual(self.values("name"), {**before, 2: "CRM - robot"})
        self.assertEqual(self.lines(self.script("check_names", "convention.lua", "--apply"), "done"), {})

    def test_a_pattern_only_reports(self):
        done = self.script("check_names", "--pattern", "^%u", "--detailed-exitcode")
        self.assertEqual((done.code, sorted(self.lines(done, "left alone"))), (6, [2, 3, 4, 5, 6]), done.err)
        self.assertEqual(self.script("check_names", "--pattern", ".", "--detailed-exitcode").code, 0)

    def test_usage(self):
        self.write("bad.lua", "return {}")
        for args, message in (([], "give the file of a convention, or --pattern"), (["convention.lua", "--pattern", "x"], "not both"),
                              (["--pattern", "["], "is none: malformed pattern"), (["nosuch.lua"], "nosuch.lua"), (["bad.lua"], "expected return")):
            done = self.script("check_names", *args)
            self.assertEqual((done.code, done.out), (2, ""), done.err)
            self.assertIn(message, done.err)


class CopyDescriptions(Scripts):
    def setUp(self):
        super().setUp()
        self.serve(token(1, "own"), token(2, "CRM robot", description="old"), token(3, "twin"), token(4, "twin"), token(5, "done", description="Same"),
                   token(6, "clear", description="gone soon"), token(7, "alone", description="stays"))

    def test_twice(self):
        self.write("sheet.csv", "\ufeffId;Name;Description;Owner\r\nTKN-0000-0002;;Drives the CRM, daily;Ann\r\n;done;Same;\r\n"
                                "TKN-0000-0006;clear;\\N;\r\nTKN-0000-0007;alone;;\r\n;own;'=1+1;\r\n")
        self.check_twice("copy_descriptions", ["sheet.csv"],
                         {1: "description '=1+1'", 2: "description 'Drives the CRM, daily'", 6: "clear the description"}, "description",
                         {1: "=1+1", 2: "Drives the CRM, daily", 3: None, 4: None, 5: "Same", 6: None, 7: "stays"})

    def test_other_columns(self):
        self.write("sheet.csv", "Token name,Purpose,Name\nCRM robot,New,Mr X\n")
        done = self.script("copy_descriptions", "sheet.csv", "--name", "Token name", "--description", "Purpose", "--apply")
        self.assertEqual((done.code, self.lines(done, "done")), (0, {2: "description 'New'"}), done.err)

    def test_rows_that_fail(self):
        self.write("sheet.csv", "id,name,description\n,twin,x\n,nobody,x\nTKN-9999-9999,,x\n,,x\nTKN-0000-0002,,a\n,CRM robot,b\n")
        done = self.script("copy_descriptions", "sheet.csv", "--apply")
        self.assertEqual((done.code, self.lines(done, "done")), (3, {2: "description 'a'"}), done.err)
        for message in ("twin: line 2: 2 tokens are called that; give the id", "nobody: line 3: no token is called that", "TKN-9999-9999: line 4: ",
                        "line 5: the row has neither id nor name", "TKN-0000-0002: line 7 wants another description", "1 of 1 changed, 5 failed"):
            self.assertIn(message, done.err)

    def test_sheets_that_cannot_be_used(self):
        for text, message in (("id,description\nTKN-0000-0002\n", "line 2"), ("id,id\n", "both called"), ("id,description\n\"x\n", "")):
            self.write("sheet.csv", text)
            done = self.script("copy_descriptions", "sheet.csv", "--apply")
            self.assertEqual((done.code, done.out), (2, ""), done.err)
            self.assertIn(message, done.err)
        self.assertEqual(self.script("copy_descriptions", "nosuch.csv").code, 2)


if __name__ == "__main__":
    main()
