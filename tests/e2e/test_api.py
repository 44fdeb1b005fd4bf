"""moonkey api and moonkey modules."""
import csv
import io
import json

from harness import Case, main

TOKEN = "/accounts/api-tokens/TKN-0000-0002"


class Api(Case):
    def setUp(self):
        super().setUp()
        self.env = self.emulator("--seed", "20").env

    def api(self, *args, code=0, **options):
        done = self.run_moonkey("api", *args, env=self.env, **options)
        self.assertEqual(done.code, code, done.out + done.err)
        return done

    def test_a_reply_is_indented_and_has_no_secret(self):
        done = self.api("get", TOKEN)
        self.assertRegex(done.out, r'^\{\n  "id": "TKN-0000-0002",\n  "name": "Catalog import 0002",\n')
        self.assertEqual(json.loads(done.out)["token"], "[redacted]")
        self.assertIn('    "group.buyers": []', done.out)
        line = self.api("GET", TOKEN.lstrip("/"), "-o", "jsonl").out
        self.assertEqual(line.count("\n"), 1)
        self.assertEqual(json.loads(line), json.loads(done.out))
        self.assertEqual(json.loads(self.api("GET", "/public/v1" + TOKEN).out), json.loads(done.out))

    def test_a_new_token_whose_secret_is_lost_is_told(self):
        for path in ("/accounts/api-tokens", "public/v1/accounts/api-tokens"):
            self.assertIn("secret is not shown here", self.api("POST", path, "--json", '{"name": "x"}').err)
        self.assertEqual(self.api("POST", TOKEN + "/disable").err, "")

    def test_queries(self):
        for args in (["/accounts/api-tokens?select=-*,+id,+name&name='CRM robot 0003'&limit=5"],
                     ["/accounts/api-tokens", "--query", "select=-*,+id,+name", "--query", "name=CRM robot 0003", "--query", "limit=5"]):
            page = json.loads(self.api("GET", *args).out)
            self.assertEqual([(t["id"], t["name"]) for t in page["data"]], [("TKN-0000-0003", "CRM robot 0003")])
            self.assertEqual(page["$meta"]["pagination"]["limit"], 5)

    def test_bodies(self):
        self.write("body.json", '{"name": "From a file"}')
        for text, stdin, name in (('{"name": "From text"}', None, "From text"),
                                  ("@body.json", None, "From a file"),
                                  ("-", '{"name": "From stdin"}', "From stdin")):
            self.assertEqual(json.loads(self.api("PUT", TOKEN, "--json", text, stdin=stdin).out)["name"], name)

    def test_a_reply_without_a_body(self):
        done = self.api("DELETE", TOKEN)
        self.assertEqual((done.out, done.err), ("", ""))

    def test_failures(self):
        self.assertRegex(self.api("GET", "/nosuch", code=1).err, "GET /public/v1/nosuch: 404")
        self.assertRegex(self.api("PUT", TOKEN, "--json", '{"name": ""}', code=1).err, "400 .*name")
        self.assertRegex(self.api("DELETE", "/accounts/api-tokens/TKN-0000-0001", code=5).err, "--allow-self")
        self.assertRegex(self.api("--read-only", "DELETE", TOKEN, code=5).err, "read-only")
        done = self.run_moonkey("api", "GET", TOKEN, env={**self.env, "MPT_API_TOKEN": "idt:TKN-0000-0001:wrongwrongwrong"})
        self.assertEqual(done.code, 4)

    def test_dry_run(self):
        done = self.api("--dry-run", "DELETE", TOKEN)
        self.assertEqual((done.out, done.err), ("", f"moonkey: dry run: DELETE {TOKEN} was not sent\n"))
        self.assertEqual(json.loads(self.api("GET", TOKEN).out)["status"], "Active")
        self.assertEqual(json.loads(self.api("--dry-run", "GET", TOKEN).out)["id"], "TKN-0000-0002")

    def test_mistakes(self):
        for args, message in ((["PTU", "/x"], "did you mean PUT?"), (["FROBNICATE", "/x"], "there are GET, POST"),
                              (["GET", "https://x.test/y"], "not a URL"),
                              (["GET", ""], "PATH is empty"),
                              (["GET", "?a=b"], "PATH is empty"),
                              (["GET", "/a b"], "percent-encoded"),
                              (["GET", "/x/../y"], "'.' or '..'"),
                              (["GET", "/x?a=b", "--query", "c=d"], "give it in one place"),
                              (["GET", "/x", "--query", "c"], "expected NAME=VALUE"),
                              (["GET", "/x", "--query", "a=1", "--query", "a=2"], "a is given twice"),
                              (["GET", "/x", "--json", "{}"], "a GET has no body"), (["POST", "/x", "--json", "{"], "--json: not JSON"),
                              (["POST", "/x", "--json", ""], "--json: it is empty"),
                              (["POST", "/x", "--json", "1", "--json", "2"], "given twice"),
                              (["POST", "/x", "--json", "@nosuch"], "cannot read nosuch: No such file"),
                              (["POST", "/x", "--json", "@"], "needs the name of a file"),
                              (["GET", "/x", "-H", "Foo"], "expected 'Name: value'"),
                              (["GET", "/x", "-H", "Authorization: Bearer x"], "Authorization is the host's to set"),
                              (["GET", "/x", "-H", "A: 1", "-H", "A: 2"], "A is given twice"), (["GET"], "missing argument"),
                              (["GET", "/x", "-o", "csv"], "must be one of 'json', 'jsonl'")):
            with self.subTest(args=args):
                done = self.api(*args, code=2)
                self.assertIn(message, done.err)
                self.assertEqual(done.out, "")
                self.assertNotIn("traceback", done.err)


class Modules(Case):
    def setUp(self):
        super().setUp()
        self.env = self.emulator("--seed", "3").env

    def modules(self, *args, code=0, env=None):
        done = self.run_moonkey("modules", *args, env=env or self.env)
        self.assertEqual(done.code, code, done.err)
        return done

    def test_list(self):
        out = self.modules().out
        self.assertRegex(out, r"^ID +NAME +PAID +TYPES\n")
        self.assertRegex(out, r"MOD-1756  Access Management +no +Client, Operations, Vendor\n")
        self.assertRegex(out, r"MOD-9042  Billing +yes ")
        self.assertEqual(out, self.modules("list").out)
        self.assertEqual([m["id"] for m in self.modules("list", "-o", "jsonl", "--where", "name='Billing'").results()], ["MOD-9042"])
        self.assertEqual(json.loads(self.modules("-o", "json", "--order", "-id", "--limit", "1").out)[0]["id"][:4], "MOD-")
        rows = list(csv.DictReader(io.StringIO(self.modules("-o", "csv").out)))
        self.assertEqual({row["id"]: row["settings.paid"] for row in rows}["MOD-9042"], "true")

    def test_get(self):
        self.assertEqual(json.loads(self.modules("get", "MOD-9042").out)["name"], "Billing")
        self.assertEqual([m["id"] for m in json.loads(self.modules("get", "MOD-9042", "MOD-1756").out)], ["MOD-9042", "MOD-1756"])
        self.assertIn("404", self.modules("get", "MOD-0000", code=1).err)
        done = self.modules("get", "MOD-9042", "MOD-0000", "-o", "jsonl", code=3)
        self.assertEqual([m["id"] for m in done.results()], ["MOD-9042"])

    def test_mistakes(self):
        for args, message in ((["lst"], "did you mean 'modules list'?"),
                              (["MOD-1756"], "did you mean 'modules get MOD-1756'?"),
                              (["list", "MOD-1756"], "modules get MOD-1756"),
                              (["get"], "needs the id of a module"),
                              (["get", ""], "an id is empty"),
                              (["get", "MOD-1", "--limit", "5"], "--limit is for modules list"),
                              (["get", "MOD-1", "-o", "csv"], "-o csv is for modules list"),
                              (["--where", "x(("], "--where: RQL:"),
                              (["--select", "nmae"], "did you mean 'name'?")):
            with self.subTest(args=args):
                self.assertIn(message, self.modules(*args, code=2).err)

    def test_other_accounts_may_not(self):
        secret = "idt:TKN-0000-0001:" + "CredentialOfAVendor" * 4
        self.write("seed.jsonl", json.dumps({"id": "TKN-0000-0001", "name": "v", "status": "Active", "token": secret, "modules": [],
                                             "account": {"id": "ACC-0002-0002", "type": "Vendor", "status": "Active", "name": "Vendor"}}) + "\n")
        env = {**self.emulator("--seed", "seed.jsonl").env, "MPT_API_TOKEN": secret}
        for args in ([], ["get", "MOD-1756"]):
            done = self.modules(*args, code=4, env=env)
            self.assertRegex(done.err, "403 .*operations account")
            self.assertEqual(done.out, "")


main()
