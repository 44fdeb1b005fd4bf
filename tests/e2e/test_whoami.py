"""whoami: whose credential, from where, to where; never the secret."""
import json

from harness import Case, main
from peer import PROBLEM, Peer

SECRET = "NobodyShallSeeThisSecretOfWhoami0123456789"
CREDENTIAL = f"idt:TKN-0000-0001:{SECRET}"


def token(**more):
    return json.dumps({"id": "TKN-0000-0001", "name": "CRM robot", "status": "Active", "token": CREDENTIAL,
                       "account": {"id": "ACC-0001-0001", "name": "Client one", "type": "Client"}, **more}).encode()


class Whoami(Case):
    def tearDown(self):
        super().tearDown()
        for text in self.said:
            self.assertNotIn(SECRET.encode(), text)

    def peer(self, status=200, body=None):
        peer = Peer(self, (status, "application/json", token() if body is None else body))
        peer.env = {"MPT_API_BASE_URL": peer.url, "MPT_API_TOKEN": CREDENTIAL}
        return peer

    def rows(self, done):
        return {line[:11].strip(): line[12:] for line in done.out.splitlines()}

    def test_as_a_table(self):
        peer = self.peer()
        done = self.run_moonkey("whoami", env=peer.env)
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertEqual(self.rows(done), {
            "token": "TKN-0000-0001 (CRM robot), Active", "account": "ACC-0001-0001 (Client one), Client", "host": f"127.0.0.1:{peer.port}",
            "base URL": peer.url, "credential": "from the environment variable MPT_API_TOKEN", "writing": "permitted"})
        self.assertEqual(peer.requests, [("GET", "/public/v1/accounts/api-tokens/TKN-0000-0001", f"Bearer {CREDENTIAL}")])

    def test_as_json(self):
        peer = self.peer()
        done = self.run_moonkey("whoami", "-o", "json", "--read-only", "--max-changes", "5", env=peer.env)
        self.assertEqual(json.loads(done.out), {
            "token": {"id": "TKN-0000-0001", "name": "CRM robot", "status": "Active"},
            "account": {"id": "ACC-0001-0001", "name": "Client one", "type": "Client"}, "host": f"127.0.0.1:{peer.port}",
            "base_url": peer.url, "credential": {"source": "the environment variable MPT_API_TOKEN"},
            "guards": {"read_only": True, "max_changes": 5}})

    def test_sources(self):
        peer = self.peer()
        self.write("cred", CREDENTIAL, 0o600)
        self.write(".config/moonkey/config.lua", f"""local at = "{peer.url}"
            return {{ default = "file", file = {{ base_url = at, credential_file = "~/cred" }},
              command = {{ base_url = at, credential_command = "cat ~/cred", consent = "account" }},
              url = {{ base_url = at, read_only = true, consent = "yes" }} }}""")
        cred = f"the file {self.dir}/cred"
        for args, env, source, profile, writing in (
                ([], {}, f"{cred} of profile 'file'", "file, by default of the configuration", "permitted"),
                (["-p", "command"], {}, "the credential command of profile 'command'", "command, by -p", "once the account id has been typed"),
                ([], {"MOONKEY_PROFILE": "command"}, "the credential command of profile 'command'", "command, by MOONKEY_PROFILE", "once the"),
                (["-p", "url"], {"MPT_API_TOKEN_FILE": self.path("cred")}, cred, "url, by -p", "refused: read-only"),
                ([], {"MPT_API_TOKEN_COMMAND": "cat ~/cred"}, "the credential command", "file, by default of the configuration", "permitted"),
                (["--dry-run"], {"MPT_API_TOKEN": CREDENTIAL}, "the environment variable MPT_API_TOKEN", "file, by", "previewed: dry run")):
            done = self.run_moonkey(*args, "whoami", env=env)
            self.assertEqual(done.code, 0, done.err)
            rows = self.rows(done)
            self.assertEqual(rows["credential"], "from " + source)
            self.assertTrue(rows["profile"].startswith(profile), rows)
            self.assertTrue(rows["writing"].startswith(writing), rows)

    def test_on_the_emulator(self):
        done = self.run_moonkey("--emulator", "whoami", "-o", "json")
        told = json.loads(done.out)
        self.assertEqual((done.code, told["token"]["id"], told["credential"]), (0, "TKN-0000-0001", {"source": "the emulator"}))

    def test_refused(self):
        for status in (401, 403):
            done = self.run_moonkey("whoami", env=self.peer(status, PROBLEM).env)
            self.assertEqual((done.code, done.out), (4, ""))
            self.assertIn("belongs to an Active token" if status == 401 else "its modules decide what it may do", done.err)

    def test_not_answered(self):
        for status, body, message in ((404, b"{}", "404"), (500, b"", "500"), (200, b"<html>", "cannot be used")):
            done = self.run_moonkey("--retry", "0", "whoami", env=self.peer(status, body).env)
            self.assertEqual((done.code, done.out), (1, ""), done.err)
            self.assertIn(message, done.err)

    def test_no_credential(self):
        done = self.run_moonkey("whoami", env={"MPT_API_BASE_URL": "http://127.0.0.1:1"})
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertIn("no credential for http://127.0.0.1:1. Give one in one of these ways", done.err)

    def test_a_credential_without_its_token(self):
        peer = self.peer(body=b'{"data":[]}')
        done = self.run_moonkey("whoami", env={**peer.env, "MPT_API_TOKEN": SECRET})
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("does not name its token", done.err)
        self.assertEqual((self.rows(done)["token"], self.rows(done)["account"]), ("not known", "not known"))

    def test_names_that_mean_harm(self):
        evil = "\u001b[2Jx\nhost  elsewhere " + CREDENTIAL
        peer = self.peer(body=token(name=evil, account={"id": "ACC-1", "name": 7, "type": {"x": 1}}))
        done = self.run_moonkey("whoami", env=peer.env)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.rows(done)["host"], f"127.0.0.1:{peer.port}")
        self.assertNotIn("\x1b", done.out)
        self.assertEqual(self.rows(done)["account"], "ACC-1")


if __name__ == "__main__":
    main()
