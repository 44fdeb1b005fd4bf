"""doctor: what it finds wrong, what it says to do, that it still tells of all the rest, and that it changes nothing."""
import email.utils
import json
import os
import signal
import socket
import time

from harness import Case, main
from peer import PROBLEM, WORLD, Peer, certificates, self_signed

SECRET = "NobodyShallSeeThisSecretOfTheDoctor0123456789"
CREDENTIAL = f"idt:TKN-0000-0001:{SECRET}"
DEFAULT = "api.platform.softwareone.com"
TOKEN = json.dumps({"id": "TKN-0000-0001", "name": "CRM\u001b[2J robot", "status": "Active", "token": CREDENTIAL,
                    "account": {"id": "ACC-0001-0001", "name": "Client one", "type": "Client"}}).encode()


def world(names, clock=1):
    """In a world where names stand for this, and nothing is looked up outside it."""
    return {"LD_PRELOAD": WORLD, "WORLD_DNS": f"{names},{DEFAULT}=none", "WORLD_CLOCK": str(clock),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


def as_the_platform(handler):
    """401 without a credential, the token with one."""
    if handler.headers.get("Authorization") != f"Bearer {CREDENTIAL}":
        return 401, "application/problem+json", PROBLEM
    return 200, "application/json", TOKEN


class Doctor(Case):
    def setUp(self):
        super().setUp()
        self.code = None

    def tearDown(self):
        super().tearDown()
        for text in self.said:
            self.assertNotIn(SECRET.encode(), text)

    def examine(self, *args, env=None, unset=()):
        """The findings, as a list of (check, verdict, message, remedy); self.code is the exit code."""
        env = {**world("nosuch.test=none"), **(env or {})}
        for name in unset:
            env[name] = None
        done = self.run_moonkey(*args, "doctor", "-o", "json", env=env)
        self.code = done.code
        self.assertTrue(done.out, done.err)
        told = json.loads(done.out)
        findings = [(f["check"], f["verdict"], f["message"], f.get("remedy")) for f in told["findings"]]
        for check, verdict, message, remedy in findings:
            self.assertIn(verdict, ("ok", "warning", "problem", "skipped"))
            self.assertEqual(remedy is not None, verdict in ("warning", "problem"), (check, verdict, message, remedy))
        self.assertEqual(told["counts"]["problem"], sum(f[1] == "problem" for f in findings))
        self.assertEqual(self.code, 1 if told["counts"]["problem"] else 0, done.err)
        return findings

    def one(self, findings, check, verdict, message="", remedy=""):
        """There is such a finding."""
        found = [f for f in findings if f[:2] == (check, verdict) and message in f[2] and remedy in (f[3] or "")]
        self.assertTrue(found, f"no {verdict} of {check} with {message!r} and {remedy!r} in\n" + "\n".join(map(str, findings)))

    def skipped(self, findings, *checks):
        self.assertEqual([f[0] for f in findings if f[1] == "skipped"], list(checks))

    def peer(self, *args, **more):
        return Peer(self, *args, **more)

    def problems(self, findings):
        return [f[0] for f in findings if f[1] == "problem"]


class Healthy(Doctor):
    def test_with_a_profile(self):
        peer = self.peer(as_the_platform)
        self.write("cred", CREDENTIAL + "\n", 0o600)
        self.write(".config/moonkey/config.lua", f'return {{ default = "p", p = {{ base_url = "{peer.url}", credential_file = "~/cred" }} }}')
        before = sorted((path, names) for path, _, names in os.walk(self.dir))
        findings = self.examine()
        self.assertEqual({f[1] for f in findings if f[0] not in ("name", "TLS")}, {"ok"}, findings)
        self.one(findings, "configuration", "ok", "config.lua: 1 profile, default 'p'")
        self.one(findings, "profile", "ok", "'p' is in force, by default")
        self.one(findings, "credential", "ok", f"of TKN-0000-0001, from the file {self.dir}/cred")
        self.one(findings, "account", "ok", "of ACC-0001-0001 (Client one), Client")
        self.one(findings, "state", "ok", "MiB free; it will be made")
        self.skipped(findings, "name", "TLS")
        self.assertEqual(sorted((path, names) for path, _, names in os.walk(self.dir)), before)  # nothing is written
        self.assertEqual(peer.requests, [("GET", "/public/v1/accounts/api-tokens?limit=0", None),
                                         ("GET", "/public/v1/accounts/api-tokens/TKN-0000-0001", f"Bearer {CREDENTIAL}")])

    def test_as_a_table(self):
        peer = self.peer(as_the_platform)
        env = {"MPT_API_BASE_URL": peer.url, "MPT_API_TOKEN": CREDENTIAL}
        done = self.run_moonkey("doctor", env=env)
        self.assertEqual((done.code, done.err), (0, ""), done.out)
        self.assertIn("ok        account        TKN-0000-0001 (CRM\\u001b[2J robot)", done.out)
        self.assertIn("\n\n0 problems, 0 warnings\n", done.out)
        self.assertNotIn("\x1b", done.out)
        done = self.run_moonkey("doctor", "--color", "always", env=env)
        self.assertIn("\x1b[32mok      \x1b[0m  account", done.out)
        self.assertNotIn("\x1b[2J", done.out)

    def test_on_the_emulator(self):
        findings = self.examine("--emulator")
        self.assertEqual(self.code, 0)
        self.one(findings, "account", "ok", "TKN-0000-0001")
        self.skipped(findings, "configuration", "name", "TLS")

    def test_usage(self):
        for args in (["doctor", "x"], ["doctor", "-o", "csv"], ["doctor", "--rate", "fast"], ["--emulator", "-p", "x", "doctor"]):
            done = self.run_moonkey(*args)
            self.assertEqual((done.code, done.out), (2, ""), done.err)


class Configuration(Doctor):
    def test_no_home_and_nothing_set(self):
        findings = self.examine(unset=["HOME"])
        self.assertEqual(self.problems(findings), ["credential", "name"])
        self.one(findings, "configuration", "ok", "neither XDG_CONFIG_HOME nor HOME is set")
        self.one(findings, "state", "warning", "every run needs --journal FILE", "set HOME")
        self.one(findings, "credential", "problem", f"there is none for https://{DEFAULT}", "MPT_API_TOKEN_FILE")
        self.one(findings, "name", "problem", f"Could not resolve host: {DEFAULT}", f"getent hosts {DEFAULT}")
        self.skipped(findings, "connection", "TLS", "reply", "clock", "account")

    def test_a_profile_that_is_not_there(self):
        for args, env, by in ((["-p", "x"], {}, "-p"), ([], {"MOONKEY_PROFILE": "x"}, "MOONKEY_PROFILE")):
            for unset in ((), ("HOME",)):
                findings = self.examine(*args, env=env, unset=unset)
                self.one(findings, "configuration", "problem", f"{by} asks for the profile 'x'", f"do without {by}")
                self.assertEqual(self.problems(findings), ["configuration"])
        self.write(".config/moonkey/config.lua", "return { prod = {} }")
        findings = self.examine("-p", "pord")
        self.one(findings, "profile", "problem", "did you mean 'prod'?", "profile list")
        self.skipped(findings, "base URL", "credential", "name", "connection", "TLS", "reply", "clock", "account")

    def test_a_broken_file(self):
        for text, messages in (
                ("return {", ["config.lua:1: unexpected symbol near <eof>"]),
                ("error 'x'", ["the file is data"]),
                ("return 7", ["a table of profiles"]),
                ("return { p = { jbos = 1, rate = 3 }, q = { frob = 1 } }",
                 ["did you mean 'jobs'?", "rate: expected text", "profile 'q': frob: there is no such field"]),
                (f"return {{ p = {{ token = '{SECRET}' }}, default = 'q' }}", ["holds no secrets", "default: expected the name"])):
            self.write(".config/moonkey/config.lua", text)
            findings = self.examine(env={"MPT_API_TOKEN": CREDENTIAL})
            found = [f for f in findings if f[1] == "problem"]
            self.assertEqual([f[0] for f in found], ["configuration"] * len(messages))
            for message in messages:
                self.one(findings, "configuration", "problem", message)
            self.one(findings, "state", "ok")
            self.one(findings, "account", "skipped", "the configuration cannot be used")

    def test_settings_that_cannot_be_used(self):
        self.write(".config/moonkey/config.lua", "return { default = 'p', p = { cacert = '/nosuch.pem' } }")
        findings = self.examine(env={"MPT_API_TOKEN": CREDENTIAL})
        self.one(findings, "settings", "problem", "profile 'p': cacert: cannot read /nosuch.pem", "correct it")
        self.assertEqual(self.problems(findings), ["settings"])
        self.assertEqual(self.run_moonkey("--cacert", "/nosuch.pem", "doctor").code, 2)

    def test_a_base_url_that_cannot_be_used(self):
        for url, message in (("http://api.test", "would travel unencrypted"), (f"https://u:{SECRET}@api.test", "must not have a user name"),
                             ("ftp://api.test", "must be https://")):
            findings = self.examine(env={"MPT_API_BASE_URL": url, "MPT_API_TOKEN": CREDENTIAL})
            self.one(findings, "base URL", "problem", message, "MPT_API_BASE_URL")
            self.assertEqual(self.problems(findings), ["base URL"])

    def test_modes(self):
        self.write("cred", CREDENTIAL, 0o640)
        self.write("other", CREDENTIAL, 0o604)
        self.write(".config/moonkey/config.lua", """return { default = "p", p = { credential_file = "~/cred" },
            q = { credential_file = "~/other" }, r = { credential_file = "~/nosuch" } }""", 0o664)
        findings = self.examine()
        self.one(findings, "file modes", "warning", "config.lua can be changed by others (mode 0664)", "chmod go-w /")
        self.one(findings, "file modes", "warning", "profile 'q': ", f"chmod 600 {self.dir}/other")
        self.one(findings, "file modes", "warning", f"profile 'r': credential_file: {self.dir}/nosuch: No such file", "chmod 600")
        self.one(findings, "credential", "problem", "cred can be read by others (mode 0640)", f"chmod 600 {self.dir}/cred")
        os.chmod(self.path(".config/moonkey/config.lua"), 0o646)
        findings = self.examine()
        self.one(findings, "configuration", "problem", "can be changed by everyone", "chmod o-w")

    def test_the_state_directory(self):
        self.write("state/moonkey/runs/a.journal", "", 0o644)
        self.write("state/moonkey/runs/b.journal", "", 0o600)
        os.chmod(self.path("state/moonkey/runs"), 0o777)
        findings = self.examine(env={"XDG_STATE_HOME": self.path("state")})
        self.one(findings, "journals", "warning", "1 of the 2 journals", "chmod go-rwx")
        self.one(findings, "journals", "warning", "others can write to", "chmod go-w")
        self.write("file", "")
        findings = self.examine(env={"XDG_STATE_HOME": self.path("file")})
        self.one(findings, "state", "problem", f"{self.dir}/file is no directory", "XDG_STATE_HOME")


class Credential(Doctor):
    def test_it_cannot_be_had(self):
        peer = self.peer()
        for env, message, remedy in (
                ({"MPT_API_TOKEN_FILE": "nosuch"}, "nosuch: No such file", "chmod 600"),
                ({"MPT_API_TOKEN_COMMAND": "exit 3"}, "from the credential command is empty", "idt:TKN"),
                ({"MPT_API_TOKEN_COMMAND": f"echo {CREDENTIAL}; exit 3"}, "failed (exit status 3)", "in a shell"),
                ({"MPT_API_TOKEN": "two words of a secret"}, "white space", "on one line"),
                ({"MPT_API_TOKEN": "short"}, "too short", "idt:TKN")):
            findings = self.examine(env={"MPT_API_BASE_URL": peer.url, **env})
            if message.startswith("from the credential command is empty"):
                message = "the credential command"
            self.one(findings, "credential", "problem", message)
            self.assertEqual(self.problems(findings), ["credential"])
            self.one(findings, "reply", "ok")
            self.one(findings, "account", "skipped", "there is no credential to ask with")
        self.assertEqual({request[2] for request in peer.requests}, {None})

    def test_a_command_that_hangs(self):
        peer = self.peer()
        started = time.monotonic()
        findings = self.examine(env={"MPT_API_BASE_URL": peer.url, "MPT_API_TOKEN_COMMAND": "exec sleep 600", **world("x.test=none", 60)})
        self.one(findings, "credential", "problem", "gave no credential within 120 s", "in a shell")
        self.assertLess(time.monotonic() - started, 20)

    def test_the_platform_does_not_take_it(self):
        for status, verdict, message, remedy in (
                (401, "problem", "does not accept the credential from the environment variable MPT_API_TOKEN (401)", "TKN-0000-0001 is Active"),
                (403, "problem", "no permission to read API tokens", "Access Management"),
                (404, "warning", "TKN-0000-0001 cannot be seen", "the host"),
                (503, "problem", "503", "try again")):
            def reply(handler, status=status):
                known = handler.headers.get("Authorization")
                return (status if known else 401), "application/json", PROBLEM
            peer = self.peer(reply)
            findings = self.examine(env={"MPT_API_BASE_URL": peer.url, "MPT_API_TOKEN": CREDENTIAL})
            self.one(findings, "account", verdict, message, remedy)
            self.assertEqual(len(peer.requests), 2)

    def test_a_token_that_is_disabled(self):
        peer = self.peer(lambda h: (200, "application/json", TOKEN.replace(b"Active", b"Disabled"))
                         if h.headers.get("Authorization") else (401, "application/json", PROBLEM))
        findings = self.examine(env={"MPT_API_BASE_URL": peer.url, "MPT_API_TOKEN": CREDENTIAL})
        self.one(findings, "account", "warning", "the token is Disabled", "enable it")

    def test_it_does_not_name_its_token(self):
        peer = self.peer(lambda h: (200, "application/json", b'{"data":[]}') if h.headers.get("Authorization") else (401, "application/json", PROBLEM))
        findings = self.examine(env={"MPT_API_BASE_URL": peer.url, "MPT_API_TOKEN": SECRET})
        self.one(findings, "credential", "warning", "cannot tell whose it is")
        self.one(findings, "account", "ok", "the credential is accepted")


class Network(Doctor):
    def reach(self, peer, *args, names="api.test=127.0.0.1", clock=1, **env):
        return self.examine("--base-url", peer if isinstance(peer, str) else peer.url, *args,
                            env={"MPT_API_TOKEN": CREDENTIAL, **world(names, clock), **env})

    def test_names(self):
        findings = self.reach("https://nosuch.test", names="nosuch.test=none")
        self.one(findings, "name", "problem", "Could not resolve host: nosuch.test", "getent hosts nosuch.test")
        self.skipped(findings, "connection", "TLS", "reply", "clock", "account")
        started = time.monotonic()
        findings = self.reach("https://slow.test", "--connect-timeout", "300ms", names="slow.test=slow:5000:127.0.0.1")
        self.assertLess(time.monotonic() - started, 4)
        self.one(findings, "name", "problem", "slow.test: no answer from the name servers in time")

    def test_nobody_listens(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            findings = self.reach(f"https://api.test:{holder.getsockname()[1]}")
        self.one(findings, "name", "ok", "api.test was found")
        self.one(findings, "connection", "problem", "Failed to connect", "firewall")
        self.skipped(findings, "TLS", "reply", "clock", "account")

    def test_a_server_that_says_nothing(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(5)
            port = silent.getsockname()[1]
            started = time.monotonic()
            findings = self.reach(f"https://api.test:{port}", clock=20)
            self.one(findings, "connection", "ok")
            self.one(findings, "TLS", "problem", "no handshake in time")
            findings = self.reach(f"http://127.0.0.1:{port}", clock=20)
            self.one(findings, "reply", "problem", "none in time", "firewall")
            self.assertLess(time.monotonic() - started, 20)

    def test_interrupted(self):
        peer = self.peer(silent=True)
        process = self.start("doctor", env={"MPT_API_BASE_URL": peer.url, "MPT_API_TOKEN": CREDENTIAL})
        while not peer.requests:
            self.assertIsNone(process.poll())
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        done = self.finish(process)
        self.assertEqual(done.code, 130)
        self.assertLess(time.monotonic() - started, 5)
        self.assertIn("skipped   account        interrupted", done.out)
        self.assertNotIn("traceback", done.err)

    def test_certificates(self):
        made = certificates()
        ca = ["--cacert", os.path.join(made, "ca.pem")]
        for kind, args, message, remedy in (
                ("expired", ca, "certificate has expired; the certificate is of CN = api.test", "UTC), whoever runs the server has to renew it"),
                ("wrong_host", ca, "api.test", "the server is another one than the base URL says"),
                ("self_signed", ca, "self-signed certificate", "lacks the authority"),
                ("good", [], "unable to get local issuer certificate", "name it with --cacert")):
            peer = self.peer(certificate=os.path.join(made, kind + ".pem"), host="api.test")
            findings = self.reach(peer, *args)
            self.one(findings, "connection", "ok")
            self.one(findings, "TLS", "problem", message, remedy)
            self.skipped(findings, "reply", "clock", "account")
            self.assertEqual(self.problems(findings), ["TLS"])
            self.assertEqual(peer.requests, [])

    def test_good_certificates(self):
        made = certificates()
        peer = self.peer(as_the_platform, certificate=os.path.join(made, "good.pem"), host="api.test")
        findings = self.reach(peer, "--cacert", os.path.join(made, "ca.pem"))
        self.assertEqual(self.code, 0)
        self.one(findings, "authorities", "ok", "ca.pem, and no others")
        self.one(findings, "TLS", "ok", "TLSv1.3")
        self.one(findings, "certificate", "ok", "days left: CN = api.test, issued by CN = Test authority")
        self.one(findings, "account", "ok", "ACC-0001-0001")
        own = self_signed(self.dir, 5)
        peer = self.peer(as_the_platform, certificate=own, host="localhost")
        findings = self.reach(peer, "--cacert", own)
        self.one(findings, "certificate", "warning", "4 days left: CN = own.test", "renew it")
        self.assertEqual(self.code, 0)

    def test_client_certificates(self):
        made = certificates()
        ca = ["--cacert", os.path.join(made, "ca.pem")]
        peer = self.peer(as_the_platform, certificate=os.path.join(made, "good.pem"), host="api.test", client_ca=ca[1])
        findings = self.reach(peer, *ca)
        self.assertEqual(len(self.problems(findings)), 1)  # of TLS, or of the reply: TLS 1.3 tells late
        self.one(findings, self.problems(findings)[0], "problem", "client certificate", "--cert and --key")
        findings = self.reach(peer, *ca, "--cert", os.path.join(made, "client.pem"), "--key", os.path.join(made, "client_key.pem"))
        self.one(findings, "account", "ok")

    def test_no_tls_at_all(self):
        peer = self.peer()
        findings = self.reach(f"https://api.test:{peer.port}")
        self.one(findings, "TLS", "problem", "wrong version number", "check the port")

    def test_clocks(self):
        for offset, verdict, message in ((0, "ok", "in step"), (-45, "warning", "ahead of"), (3600, "problem", "60 min behind"),
                                         (-90 * 60, "problem", "90 min ahead of"), (None, "skipped", "does not say")):
            date = None if offset is None else email.utils.formatdate(time.time() + offset, usegmt=True)
            peer = self.peer(as_the_platform, headers={"Date": date})
            findings = self.reach(peer)
            self.one(findings, "clock", verdict, message)
            self.assertEqual(self.code, 1 if verdict == "problem" else 0)
            self.one(findings, "account", "ok")

    def test_something_else_answers(self):
        for reply, headers, verdict, message, remedy in (
                ((302, "text/html", b""), {"Location": "https://login.test/x?token=abc"}, "problem", "redirect to https://login.test", "correct the base URL"),
                ((200, "text/html", b"<html>Welcome"), {}, "warning", "200 without a credential, and not with JSON", "curl -i"),
                ((404, "application/json", b"{}"), {}, "problem", "no token API below", "without /public/v1"),
                ((502, "text/html", b"<html>"), {}, "problem", "the platform is failing", "try again"),
                ((429, "application/json", b"{}"), {}, "warning", "too many requests", "--rate")):
            peer = self.peer(reply, headers=headers)
            findings = self.reach(peer)
            self.one(findings, "reply", verdict, message, remedy)

    def test_proxies(self):
        password = "Pa55wordOfTheProxy"
        peer = self.peer((407, "text/plain", b"who are you?"))
        findings = self.reach("https://api.test", HTTPS_PROXY=f"http://user:{password}@127.0.0.1:{peer.port}", NO_PROXY="intern.test")
        self.one(findings, "proxy", "ok", f"http://127.0.0.1:{peer.port}, by HTTPS_PROXY; none for what NO_PROXY names: intern.test")
        self.one(findings, "connection", "problem", "the proxy says 407", "user name and password into HTTPS_PROXY")
        self.assertEqual([request[0:2] for request in peer.requests], [("CONNECT", "api.test:443")])
        findings = self.reach("https://api.test", "-x", "http://proxy.test:3128", names="proxy.test=none")
        self.one(findings, "name", "problem", "proxy.test", "--proxy")
        findings = self.reach("https://api.test", HTTPS_PROXY=f"nonsense://user:{password}@127.0.0.1:1/")
        self.one(findings, "proxy", "problem", "HTTPS_PROXY cannot be used", "correct HTTPS_PROXY")
        self.assertEqual(self.problems(findings), ["proxy"])
        for text in self.said:
            self.assertNotIn(password.encode(), text)


if __name__ == "__main__":
    main()
