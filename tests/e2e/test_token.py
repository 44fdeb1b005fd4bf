"""moonkey token get, update, enable, disable and delete."""
import json

from harness import Case, main

OWN, TOKEN, OTHER, UNKNOWN = "TKN-0000-0001", "TKN-0000-0002", "TKN-0000-0003", "TKN-9999-9999"


class Tokens(Case):
    def setUp(self):
        super().setUp()
        self.env = self.emulator("--seed", "20").env

    def run_token(self, *args, code=0, **options):
        done = self.run_moonkey("token", *args, env=self.env, **options)
        self.assertEqual(done.code, code, done.out + done.err)
        return done

    def now(self, token_id=TOKEN):
        return self.token(self.env, token_id)

    def refused(self, *args, message, stdin=None):
        before = self.now()
        done = self.run_token(*args, code=2, stdin=stdin)
        self.assertIn(message, done.err)
        self.assertEqual(done.out, "")
        self.assertEqual(self.now(), before)


class Get(Tokens):
    def test_a_card(self):
        done = self.run_token("get", TOKEN)
        self.assertEqual(done.err, "")
        self.assertRegex(done.out, rf"^{TOKEN}\n  name         Catalog import 0002\n")
        for line in (r"  status       Active\n",
                     r"  last used    never\n",
                     r"  account      ACC-0000-0001  Operations, Operations, Active\n",
                     r"  modules      MOD-1756  Access Management\n               MOD-9042  Billing\n",
                     r"  created      2024-01-01T00:02:00Z by USR-"):
            self.assertRegex(done.out, line)
        self.assertNotIn("idt:", done.out)
        self.assertNotIn("redacted", done.out)

    def test_forms(self):
        tok = json.loads(self.run_token("get", TOKEN, "-o", "json").out)
        self.assertEqual((tok["id"], tok["modules"][0]["id"]), (TOKEN, "MOD-1756"))
        self.assertNotIn("token", tok)
        both = json.loads(self.run_token("get", TOKEN, OTHER, TOKEN, "-o", "json").out)
        self.assertEqual([t["id"] for t in both], [TOKEN, OTHER])
        self.assertEqual(self.run_token("get", TOKEN, "-o", "jsonl").out.count("\n"), 1)
        self.assertRegex(self.run_token("get", TOKEN, OTHER, "-o", "csv").out,
                         rf"^id,name,description,icon,modules\r\n{TOKEN},.*MOD-1756;MOD-9042\r\n{OTHER},")
        self.assertRegex(self.run_token("get", TOKEN, "-o", "table").out, rf"^ID .*NAME\n{TOKEN} ")

    def test_unknown_ids(self):
        done = self.run_token("get", UNKNOWN, code=1)
        self.assertEqual(done.out, "")
        self.assertRegex(done.err, rf"^moonkey: GET .*{UNKNOWN}: 404 Not Found.*check the id")
        done = self.run_token("get", UNKNOWN, TOKEN, "-o", "jsonl", code=3)
        self.assertEqual([t["id"] for t in done.results()], [TOKEN])
        self.run_token("get", UNKNOWN, "TKN-9999-9998", code=3)

    def test_what_is_no_id(self):
        for word, message in (("", "an id is empty"), ("MOD-1756", "MOD-1756 is not the id of a token"), ("..", "is not the id of a token"),
                              ("TKN-1 TKN-2", "is not the id of a token"), ("x" * 300, "is not the id of a token")):
            self.refused("get", word, message=message)
        self.refused("get", message="missing argument 'ID'")

    def test_not_authorised(self):
        env = {**self.env, "MPT_API_TOKEN": "idt:TKN-0000-0001:wrongwrongwrong"}
        done = self.run_moonkey("token", "get", TOKEN, OTHER, "-j", "1", env=env)
        self.assertEqual(done.code, 4)
        self.assertIn("401", done.err)


class Update(Tokens):
    def test_fields(self):
        done = self.run_token("update", TOKEN, "--set", "name=CRM robot", "--null", "description", "--set", "icon=a=b")
        self.assertEqual(done.out, f'{TOKEN}  name: "Catalog import 0002" → "CRM robot", description: '
                         f'"Made by the emulator: Catalog import 0002" → null, icon: null → "a=b"\n')
        tok = self.now()
        self.assertEqual((tok["name"], tok.get("description"), tok["icon"]), ("CRM robot", None, "a=b"))

    def test_nothing_to_change_writes_nothing(self):
        revision = self.now()["revision"]
        done = self.run_token("update", TOKEN, "--set", "name=Catalog import 0002", "--add-module", "MOD-1756")
        self.assertEqual(done.out, f"{TOKEN}  nothing to change\n")
        self.assertEqual(self.now()["revision"], revision)

    def modules(self, token_id=TOKEN):
        return [m["id"] for m in self.now(token_id)["modules"]]

    def test_modules(self):
        for args, expected, said in ((["--add-module", "mod-3381"], ["MOD-1756", "MOD-3381", "MOD-9042"], "modules: + MOD-3381"),
                                     (["--remove-module", "MOD-1756,MOD-9042"], ["MOD-3381"], "modules: - MOD-1756, - MOD-9042"),
                                     (["--add-module", "MOD-9042", "--remove-module", "MOD-3381"], ["MOD-9042"], "modules: + MOD-9042, - MOD-3381"),
                                     (["--module", "MOD-1756", "--module", "MOD-3381"], ["MOD-1756", "MOD-3381"], "- MOD-9042"),
                                     (["--null", "modules"], [], "modules: - MOD-1756, - MOD-3381")):
            with self.subTest(args=args):
                self.assertIn(said, self.run_token("update", TOKEN, *args).out)
                self.assertEqual(sorted(self.modules()), expected)

    def test_several(self):
        done = self.run_token("update", TOKEN, UNKNOWN, OTHER, "--module", "MOD-3381", code=3)
        self.assertEqual([line[:13] for line in done.out.splitlines()], [TOKEN, OTHER])
        self.assertIn(f"{UNKNOWN}: 404", done.err)
        self.assertEqual((self.modules(), self.modules(OTHER)), (["MOD-3381"], ["MOD-3381"]))

    def test_from_a_file_and_standard_input(self):
        self.write("body.json", '\ufeff{"name": "From a file", "description": null, "modules": ["MOD-3381", {"id": "MOD-9042"}]}')
        self.run_token("update", TOKEN, "--from", "body.json", "--set", "icon=x")
        tok = self.now()
        self.assertEqual((tok["name"], tok.get("description"), tok["icon"]), ("From a file", None, "x"))
        self.assertEqual(sorted(self.modules()), ["MOD-3381", "MOD-9042"])
        self.run_token("update", TOKEN, "--from", "-", stdin='{"modules": []}')
        self.assertEqual(self.modules(), [])

    def test_bodies_that_cannot_be_used(self):
        for body, message in (("", "it is empty"),
                              ('{"name":', "not JSON"),
                              ("[1]", "expected a JSON object such as"),
                              ("null", "not a null"),
                              ('"x"', "not a string"),
                              ('{"nmae": "x"}', "did you mean 'name'?"),
                              ('{"status": "Active"}', "`moonkey token enable`"),
                              ('{"account": {"id": "ACC-1"}}', "cannot move to another account"), ('{"token": "x"}', "cannot be changed"),
                              ('{"name": 5}', '"name" must be a string, not a number'), ('{"name": null}', '"name" cannot be null'),
                              ('{"modules": "MOD-1756"}', '"modules" must be a list'), ('{"modules": [5]}', "must hold module ids"),
                              ("{}", "nothing to change")):
            with self.subTest(body=body):
                self.refused("update", TOKEN, "--from", "-", stdin=body, message=message)
        for path, message in (("nosuch.json", "cannot read nosuch.json: No such file"),
                              (".", "cannot read .: Is a directory"),
                              ("", "needs the name of a file")):
            self.refused("update", TOKEN, "--from", path, message=message)

    def test_contradictions_and_mistakes(self):
        for args, message in (([], "nothing to change: give --set"),
                              (["--set", "name"], "expected FIELD=VALUE"),
                              (["--set", "nmae=x"], "did you mean 'name'?"),
                              (["--set", "status=Active"], "`moonkey token enable`"),
                              (["--set", "modules=MOD-1756"], "modules are given with --module"),
                              (["--set", "name=a", "--set", "name=b"], "--set says twice what 'name' is to be"),
                              (["--set", "icon=a", "--null", "icon"], "--set and --null both say what 'icon' is to be"),
                              (["--null", "name"], "it cannot be cleared"),
                              (["--null", "nmae"], "did you mean 'name'?"),
                              (["--module", "MOD-1", "--null", "modules"], "both say what 'modules' is to be"),
                              (["--module", "MOD-1", "--add-module", "MOD-2"], "--module and --add-module exclude each other"),
                              (["--null", "modules", "--remove-module", "MOD-2"], "--null and --remove-module exclude each other"),
                              (["--add-module", "MOD-1", "--remove-module", "mod-1"], "exclude each other"),
                              (["--add-module", "Billing"], "expected the id of a module"),
                              (["--module", ""], "expected the id of a module")):
            with self.subTest(args=args):
                self.refused("update", TOKEN, *args, message=message)

    def test_what_the_platform_refuses(self):
        done = self.run_token("update", TOKEN, "--add-module", "MOD-9999", code=1)
        self.assertRegex(done.err, "400 Bad Request.*MOD-9999")
        self.assertEqual(done.out, "")

    def test_dry_run(self):
        before = self.now()
        done = self.run_token("update", TOKEN, "--set", "name=New", "--remove-module", "MOD-1756", "--dry-run")
        self.assertRegex(done.err, rf'dry run: {TOKEN}: name: "Catalog import 0002" → "New", modules: - MOD-1756')
        self.assertEqual(done.out, "")
        done = self.run_token("--dry-run", "update", TOKEN, "--set", "name=New", "-o", "json")
        self.assertEqual(json.loads(done.out)["name"], "New")
        self.assertEqual(self.now(), before)

    def test_guards(self):
        before = self.now(OWN)
        self.assertIn("--allow-self", self.run_token("update", OWN, "--null", "modules", code=5).err)
        self.assertIn("read-only", self.run_token("--read-only", "update", TOKEN, "--set", "name=x", code=5).err)
        self.assertEqual(self.now(OWN)["modules"], before["modules"])


class Switch(Tokens):
    def test_off_and_on(self):
        done = self.run_token("disable", TOKEN, OTHER)
        self.assertEqual(done.out, f"{TOKEN}  Disabled  Catalog import 0002\n{OTHER}  Disabled  CRM robot 0003\n")
        self.assertEqual((self.now()["status"], self.now(OTHER)["status"]), ("Disabled", "Disabled"))
        done = self.run_token("enable", TOKEN, "-o", "json")
        self.assertEqual(json.loads(done.out)["status"], "Active")
        self.assertEqual(self.now()["status"], "Active")

    def test_some_fail(self):
        self.run_token("disable", TOKEN)
        done = self.run_token("disable", TOKEN, OTHER, UNKNOWN, code=3)
        self.assertEqual(done.out, f"{OTHER}  Disabled  CRM robot 0003\n")
        self.assertRegex(done.err, rf"{TOKEN}/disable: 400 .*\n.*{UNKNOWN}/disable: 404")
        self.run_token("disable", TOKEN, code=1)

    def test_dry_run_and_guards(self):
        done = self.run_token("disable", TOKEN, "--dry-run")
        self.assertRegex(done.err, rf"dry run: {TOKEN}")
        self.assertEqual(self.now()["status"], "Active")
        self.assertIn("--allow-self", self.run_token("disable", OWN, code=5).err)
        self.assertIn("not sent", self.run_token("disable", TOKEN, OTHER, "--max-changes", "1", "-j", "1", code=5).err)


class Delete(Tokens):
    ASKED = "This cannot be undone. [y/N] "

    def ask(self, *args, answer, env=None):
        return self.run_on_terminal("token", "delete", *args, env={**self.env, **(env or {})}, answers=[(self.ASKED, answer)])

    def gone(self, token_id):
        return self.now(token_id)["status"] == "Deleted"  # operations accounts go on seeing it

    def test_asks(self):
        done = self.ask(TOKEN, answer="n\n")
        self.assertEqual((done.code, done.out), (5, ""))
        self.assertIn(f"{TOKEN}  Catalog import 0002, Active, of ACC-0000-0001 (Operations), never used", done.err)
        self.assertIn("Delete this token on 127.0.0.1:", done.err)
        self.assertIn("nothing is deleted: the answer was no", done.err)
        self.assertFalse(self.gone(TOKEN))
        done = self.ask(TOKEN, OTHER, answer="yes\n")
        self.assertEqual((done.code, done.out), (0, f"{TOKEN}  Deleted\n{OTHER}  Deleted\n"))
        self.assertIn("Delete these 2 tokens on", done.err)
        self.assertTrue(self.gone(TOKEN) and self.gone(OTHER))

    def test_ctrl_c_at_the_question(self):
        done = self.ask(TOKEN, answer="\x03")
        self.assertEqual((done.code, done.out), (130, ""))
        self.assertFalse(self.gone(TOKEN))

    def test_nobody_to_ask(self):
        process = self.start("token", "delete", TOKEN, env=self.env, new_group=True)
        done = self.finish(process)
        self.assertEqual((done.code, done.out), (5, ""))
        self.assertRegex(done.err, "nothing is deleted: there is no terminal to ask on; --yes would agree")
        self.assertFalse(self.gone(TOKEN))

    def test_yes(self):
        done = self.run_token("delete", TOKEN, "--yes")
        self.assertEqual((done.out, done.err), (f"{TOKEN}  Deleted\n", ""))
        self.assertTrue(self.gone(TOKEN))

    def test_some_are_not_there(self):
        done = self.ask(UNKNOWN, TOKEN, answer="y\n")
        self.assertEqual((done.code, done.out), (3, f"{TOKEN}  Deleted\n"))
        self.assertIn("Delete this token on", done.err)
        self.assertIn("404", done.err)
        self.run_token("delete", UNKNOWN, code=1)
        self.run_token("delete", "--yes", UNKNOWN, OTHER, code=3)

    def test_dry_run_and_guards(self):
        done = self.run_token("delete", TOKEN, "--dry-run")
        self.assertRegex(done.err, rf"dry run: {TOKEN}")
        self.assertFalse(self.gone(TOKEN))
        self.assertIn("--allow-self", self.run_token("delete", OWN, "--yes", code=5).err)
        self.assertFalse(self.gone(OWN))

    def test_a_profile_that_demands_consent_asks_once(self):
        self.write("cred", self.env["MPT_API_TOKEN"], 0o600)
        self.write(".config/moonkey/config.lua", f"""return {{ asks = {{ base_url = "{self.env['MPT_API_BASE_URL']}",
            credential_file = "~/cred", consent = "yes" }} }}""")
        done = self.run_on_terminal("-p", "asks", "token", "delete", TOKEN, answers=[("[y/N] ", "y\n")])
        self.assertEqual((done.code, done.out), (0, f"{TOKEN}  Deleted\n"))
        self.assertIn("Catalog import 0002, Active", done.err)
        self.assertEqual(done.err.count("[y/N]"), 1)
        done = self.run_on_terminal("-p", "asks", "token", "delete", OTHER, answers=[("[y/N] ", "n\n")])
        self.assertEqual((done.code, done.out), (5, ""))
        self.assertEqual(done.err.count("nothing is written"), 1, done.err)
        self.assertFalse(self.gone(OTHER))
        self.assertEqual(self.run_moonkey("-p", "asks", "token", "delete", OTHER, "--yes").code, 0)


main()
