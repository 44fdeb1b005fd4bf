"""profile list, and that the configuration keeps no secret."""
import json

from harness import Case, main

SECRET = "NobodyShallSeeThisSecretOfProfiles0123456789"
CONFIG = """return {
  default = "test",
  test = { base_url = "https://api.test.example.com", credential_file = "~/cred", jobs = 5, rate = "9/s" },
  production = { credential_command = "touch %s/ran; cat ~/cred", consent = "account", read_only = true },
  plain = { http2 = false },
}"""


class Environments(Case):
    """Several accounts and environments in one file, each with its own credential."""

    def test_each_is_itself(self):
        entries = []
        for number, (name, kind) in enumerate((("staging", "Client"), ("production", "Vendor")), 1):
            self.write("seed.jsonl", json.dumps({"id": f"TKN-0000-000{number}", "name": name, "status": "Active",
                                                 "token": f"idt:TKN-0000-000{number}:{SECRET}{'z' * 20}",
                                                 "account": {"id": f"ACC-0000-000{number}", "name": name, "type": kind}}) + "\n")
            api = self.emulator("--seed", self.path("seed.jsonl"))
            self.write(f"{name}.secret", api.credential, 0o600)
            entries.append(f'{name} = {{ base_url = "{api.url}", credential_file = "~/{name}.secret", consent = "account" }}')
        self.write(".config/moonkey/config.lua", 'return { default = "staging", %s }' % ", ".join(entries))
        for args, env, name in (([], {}, "staging"), (["-p", "production"], {}, "production"), ([], {"MOONKEY_PROFILE": "production"}, "production"),
                                (["-p", "staging"], {"MOONKEY_PROFILE": "production"}, "staging")):
            done = self.run_moonkey(*args, "whoami", "-o", "json", env=env)
            self.assertEqual(done.code, 0, done.err)
            me = json.loads(done.out)
            self.assertEqual((me["account"]["name"], me["profile"]["name"], me["guards"]), (name, name, {"consent": "account"}))
            doctor = self.run_moonkey(*args, "doctor", env=env)
            self.assertEqual(doctor.code, 0, doctor.out)
            self.assertIn(f"({name})", doctor.out)
            update = "print(token.update('TKN-0000-0002', { name = 'x' }))"
            done = self.finish(self.start(*args, "--yes", "run", "-e", update, env=self.environment(**env), new_group=True))
            self.assertEqual(done.code, 5, done.err)  # nobody is there to type the account id


class Profile(Case):
    def setUp(self):
        super().setUp()
        self.write("cred", f"idt:TKN-0000-0001:{SECRET}", 0o600)
        self.write(".config/moonkey/config.lua", CONFIG % self.dir)

    def tearDown(self):
        super().tearDown()
        for text in self.said:
            self.assertNotIn(SECRET.encode(), text)

    def list(self, *args, **env):
        done = self.run_moonkey(*args, "profile", "list", "-o", "json", env=env)
        self.assertEqual(done.code, 0, done.err)
        return json.loads(done.out), done.err

    def test_as_a_table(self):
        done = self.run_moonkey("profile", "list")
        self.assertEqual((done.code, done.err), (0, ""))
        lines = [line.split() for line in done.out.splitlines()]
        self.assertEqual(lines[0], ["NAME", "BASE", "URL", "CREDENTIAL", "CONSENT", "LIMITS"])
        self.assertEqual(lines[1], ["plain", "https://api.platform.softwareone.com", "MPT_API_TOKEN…", "-", "-"])
        self.assertEqual(lines[2][:3], ["production", "https://api.platform.softwareone.com", "command"])
        self.assertIn("account", lines[2])
        self.assertIn("read-only", lines[2])
        self.assertEqual(lines[3], ["*", "test", "https://api.test.example.com", "file", f"{self.dir}/cred", "-", "jobs", "5,", "rate",
                                    "9/s", "in", "force,", "default"])
        self.assertEqual(self.run_moonkey("profile").out, done.out)
        self.assertRaises(FileNotFoundError, self.read, "ran")  # no command is run

    def test_which_is_in_force(self):
        for args, env, name, by in (([], {}, "test", "default"), (["-p", "plain"], {"MOONKEY_PROFILE": "test"}, "plain", "-p"),
                                    ([], {"MOONKEY_PROFILE": "production"}, "production", "MOONKEY_PROFILE")):
            told, _ = self.list(*args, **env)
            self.assertEqual((told["default"], told["in_force"], told["by"]), ("test", name, by))
        done = self.run_moonkey("-p", "plain", "profile", "list")
        self.assertRegex(done.out, r"(?m)^\*  plain .*in force, by -p$")
        self.assertRegex(done.out, r"(?m)^   test .* default$")

    def test_as_json(self):
        told, _ = self.list()
        self.assertEqual(told["file"], f"{self.dir}/.config/moonkey/config.lua")
        self.assertEqual([p["name"] for p in told["profiles"]], ["plain", "production", "test"])
        self.assertEqual(told["profiles"][2], {"name": "test", "base_url": "https://api.test.example.com", "credential_file": f"{self.dir}/cred",
                                               "jobs": 5, "rate": "9/s"})
        self.assertEqual(told["profiles"][1]["consent"], "account")

    def test_the_environment_has_the_last_word(self):
        for env, words in (({"MPT_API_TOKEN": "idt:TKN-0000-0002:" + SECRET}, "MPT_API_TOKEN is set, and comes before"),
                           ({"MPT_API_BASE_URL": "https://x.test", "MPT_API_TOKEN_FILE": "y"}, "MPT_API_BASE_URL and MPT_API_TOKEN_FILE are set")):
            _, err = self.list(**env)
            self.assertIn(words, err)
            self.assertIn("-p test would not have it so", err)
            self.assertEqual(self.list("-p", "test", **env)[1], "")

    def test_none(self):
        told, err = self.list(HOME=None)
        self.assertEqual(told, {"profiles": []})
        self.assertIn("there are no profiles: neither XDG_CONFIG_HOME nor HOME is set", err)
        told, err = self.list(XDG_CONFIG_HOME="/nosuch")
        self.assertEqual(told, {"file": "/nosuch/moonkey/config.lua", "profiles": []})
        self.assertIn("there is no file /nosuch/moonkey/config.lua", err)
        self.write(".config/moonkey/config.lua", "return {}")
        self.assertEqual(self.list()[0]["profiles"], [])

    def test_mistakes(self):
        for args, env, message in ((["-p", "tset"], {}, "did you mean 'test'?"), ([], {"MOONKEY_PROFILE": "zzz"}, "there is no profile 'zzz'"),
                                   (["-p", "x"], {"HOME": None}, "HOME is not set")):
            done = self.run_moonkey(*args, "profile", "list", env=env)
            self.assertEqual((done.code, done.out), (2, ""))
            self.assertIn(message, done.err)
        self.assertEqual(self.run_moonkey("profile", "show").code, 2)
        self.write(".config/moonkey/config.lua", "return { p = { jbos = 1 } }")
        done = self.run_moonkey("profile", "list")
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertIn("did you mean 'jobs'?", done.err)

    def test_no_secret_in_the_file(self):
        """Of whatever look, for every command; and it is not repeated."""
        for line in ("token = 'idt:TKN-0000-0001:%s'", "credential = 'abc%s'", "apiKey = '%s'", '["API-Token"] = "%s"', "Auth = '%s'",
                     "base_url = 'https://user:%s@api.test'", "base_url = 'https://api.test/?key=%s'", "base_url = 'https://%s@api.test'",
                     "proxy = 'http://user:%s@proxy.test:1'", "credential_command = 'echo idt:TKN-0000-0001:%s'",
                     "credential_command = 'echo %s'", "credential_command = '/bin/echo  abc'", "credential_command = 'printf %%s abc'",
                     "credential_command = 'vault --token %s read x'", "credential_file = '%s'", "credential_file = 'idt:TKN-1:%s'",
                     "rate = '%s'", "cacert = '%s'", "token = { '%s' }"):
            line = line.replace("%s", SECRET).replace("%%", "%")
            self.write(".config/moonkey/config.lua", "return { p = { %s } }" % line)
            for args in (["profile", "list"], ["-p", "p", "run", "-e", ""], ["doctor", "-o", "json"]):
                done = self.run_moonkey(*args, env={"MPT_API_BASE_URL": "http://127.0.0.1:1"})
                self.assertEqual(done.code, 1 if args[0] == "doctor" else 2, (line, done.out, done.err))
                said = done.out + done.err
                self.assertRegex(said, "holds no secrets|credential_file says where|belongs into HTTPS_PROXY|expected", line)

    def test_commands_that_are_no_secret(self):
        for command in ("pass show moonkey/test", "echo $MPT_OTHER", 'printf %s "$TOKEN"', "op read op://vault/item/credential",
                        "security find-generic-password -w -s moonkey", "gpg -qd ~/.secrets/production.gpg"):
            self.write(".config/moonkey/config.lua", "return { p = { credential_command = [[%s]] } }" % command)
            told, _ = self.list()
            self.assertEqual(told["profiles"][0]["credential_command"], command)


if __name__ == "__main__":
    main()
