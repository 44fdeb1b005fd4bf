"""The connection to Redis over TLS, and the sources of its password: who is trusted, what is said where nobody is, and that the
password stays where it is.

  python3 test_tls.py MOONKEY [unittest's arguments]
"""
import atexit
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import scripts
import server
from test_connection import MOONKEY, OBEY, OPEN, Talk

USER = "coordinator"
PASSWORD = server.password_of(USER)
HERE = os.path.dirname(os.path.abspath(__file__))
TRUST = "cacert={dir}/ca.pem"
CLIENT = TRUST + "&cert={dir}/client.pem&key={dir}/client_key.pem"
# More than what goes on the wire at once, both ways.
LARGE = """
  heard()
  local value = ("0123456789abcdef"):rep(1 << 18)
  say((conn:call("SET", "moonkey:{RUN}:pause", value)))
  say(conn:call("GET", "moonkey:{RUN}:pause") == value)
  local tasks = {}
  for i = 1, 20 do tasks[i] = function() return conn:call("GET", "moonkey:{RUN}:pause") == value end end
  for i = 21, 100 do tasks[i] = function() return conn:call("EXISTS", "moonkey:{RUN}:pause") == 1 end end
  local all = true
  for _, same in ipairs{ task.all(tasks) } do all = all and same end
  say(all)
"""
SLOWLY = """
  require("moonkey.queue.password").read()
  say("read")
  heard()
""" + OPEN + """
  say("open", (conn:call("PING")))
  heard()
"""


def make_certificates():
    base = tempfile.mkdtemp(prefix="moonkey-tls.")
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    made = os.path.join(base, "certificates")
    subprocess.run(["sh", os.path.join(HERE, "..", "fault", "certificates.sh"), made], check=True)
    return made


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = make_certificates()

    def start(self, certificate="good", clients="no", **more):
        """A server that is reached over TLS alone, but for the test's own."""
        self.tls_port = server.free_port()
        files = "".join(f"tls-{what}-file {self.certificates}/{name}.pem\n" for what, name in
                        (("cert", certificate), ("key", certificate), ("ca-cert", "ca")))
        settings = f"tls-port {self.tls_port}\n{files}tls-auth-clients {clients}\n"
        self.redis = server.Redis(users=scripts.users(), more=settings + "".join(f"{k} {v}\n" for k, v in more.items()))
        self.addCleanup(self.redis.stop)

    def url(self, query=TRUST, scheme="rediss", host="127.0.0.1", port=None, user=USER):
        query = query.format(dir=self.certificates)
        return f"{scheme}://{user + '@' if user else ''}{host}:{port or self.tls_port}/0{'?' + query if query else ''}"

    def talk(self, *url, code=OPEN + OBEY, **named):
        talk = Talk(self.redis, url=self.url(*url, **named), code=code)
        self.addCleanup(talk.__exit__)
        return talk

    def refused(self, *url, **named):
        """What is said, by kind and text, where there is to be no connection."""
        code, out, err = self.talk(*url, **named).finish()
        self.assertEqual(code, 1, err)
        self.assertNotIn(PASSWORD, out + err)
        return json.loads(out)


class Trust(Case):
    def test_commands_go_through_it(self):
        self.start()
        for url in ({}, {"host": "localhost"}, {"query": CLIENT}):
            with self.subTest(**url):
                talk = self.talk(**url)
                self.assertEqual(talk.ask("call", "PING"), ["ok", "PONG"])
                self.assertEqual(talk.ask("script", "list", "RUN"), ["ok", {}])
                self.assertEqual(talk.ask("server"), ["ok", self.redis.admin.info("server")["run_id"]])

    def test_large_values_and_many_at_once(self):
        self.start()
        talk = self.talk(code=OPEN.replace("timeout = 1", "timeout = 60") + LARGE)
        talk.tell()
        self.assertEqual([talk.hear() for _ in range(3)], [["OK"], [True], [True]])

    def test_servers_that_cannot_prove_who_they_are(self):
        for certificate, query, said in (
                ("good", "", "SSL certificate problem.*whom you trust is said with --cacert"),
                ("expired", TRUST, "certificate has expired.*to 2021-01-01"),
                ("wrong_host", TRUST, "name.*127.0.0.1.*CN = other.test"),
                ("self_signed", TRUST, "self-signed certificate")):
            with self.subTest(certificate, query=query):
                self.start(certificate)
                kind, text = self.refused(query)
                self.assertEqual(kind, "certificate", text)
                self.assertRegex(text, f"no secure connection to Redis at 127.0.0.1:{self.tls_port}: .*{said}")
                self.assertNotIn(USER, {each["user"] for each in self.redis.admin.client_list()})

    def test_files_that_are_not_there(self):
        self.start()
        for name in ("cacert", "cert", "key"):
            said = ["refused", f"the {name} of the queue: cannot read /nosuch.pem: No such file or directory"]
            self.assertEqual(self.refused(f"{name}=/nosuch.pem"), said)

    def test_servers_that_want_to_know_who_we_are(self):
        self.start(clients="yes")
        self.assertEqual(self.talk(CLIENT).ask("call", "PING"), ["ok", "PONG"])
        for query, said in ((TRUST, "the server demands a client certificate: give it one with --cert and --key"),
                            (TRUST + "&cert={dir}/self_signed.pem&key={dir}/self_signed.pem", "does not accept the client cert")):
            with self.subTest(query):
                kind, text = self.refused(query)
                self.assertEqual(kind, "certificate", text)
                self.assertIn(said, text)

    def test_versions_that_are_not_safe(self):
        self.start(**{"tls-protocols": "TLSv1.1", "tls-ciphers": "DEFAULT:@SECLEVEL=0"})
        kind, text = self.refused()
        self.assertEqual(kind, "certificate", text)
        self.assertIn("it takes 1.2 or later", text)

    def test_one_side_without_it(self):
        self.start()
        kind, text = self.refused(scheme="redis", query="")
        self.assertEqual(kind, "unreachable", text)
        self.assertIn("where TLS is expected, the address begins with rediss://", text)
        kind, text = self.refused(port=self.redis.port)
        self.assertEqual(kind, "unreachable", text)
        self.assertIn("does not seem to speak TLS", text)

    def test_no_proxy_is_asked(self):
        self.start()
        with socket.create_server(("127.0.0.1", 0)) as proxy:
            proxy.settimeout(0.2)
            address = "http://127.0.0.1:%d" % proxy.getsockname()[1]
            names = ("https_proxy", "http_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY")
            with unittest.mock.patch.dict(os.environ, {name: address for name in names}):
                self.assertEqual(self.talk().ask("call", "PING"), ["ok", "PONG"])
            self.assertRaises(TimeoutError, proxy.accept)

    def test_a_server_that_is_gone_is_noticed(self):
        self.start()
        talk = self.talk()
        self.assertEqual(talk.ask("is_up"), ["ok", True])
        self.redis.kill()
        self.assertEqual(talk.ask("is_up"), ["ok", False])
        self.redis.start()
        self.assertEqual(talk.ask_until_ok("call", "PING")[0], ["ok", "PONG"])


def writable_memory(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            begin, end, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            begin, size = int(begin, 16), int(end, 16) - int(begin, 16)
            if rights.startswith("rw") and size < 1 << 30:  # what is larger is a sanitizer's
                with contextlib.suppress(OSError):
                    memory.seek(begin)
                    yield memory.read(size)


class Password(Case):
    def copies(self, talk):
        return sum(part.count(PASSWORD.encode()) for part in writable_memory(talk.process.pid))

    def test_the_login_leaves_no_copy_of_it(self):
        self.start()
        for how in ({"scheme": "redis", "query": "", "port": self.redis.port}, {}):
            with self.subTest(**how):
                talk = self.talk(code=SLOWLY, **how)
                self.assertEqual(talk.hear(), ["read"])
                try:
                    before = self.copies(talk)
                except PermissionError:
                    self.skipTest("reading the memory of a process that protects it takes root")
                self.assertGreater(before, 0)  # so this does find it
                talk.tell()
                self.assertEqual(talk.hear(), ["open", "PONG"])
                self.assertEqual(self.copies(talk), before)

    def test_it_is_not_in_the_environment_that_others_see(self):
        self.start()
        talk = self.talk()
        talk.ask("call", "PING")
        with open(f"/proc/{talk.process.pid}/environ", "rb") as f:
            environment = f.read()
        self.assertIn(b"MOONKEY_QUEUE_PASSWORD=", environment)
        self.assertNotIn(PASSWORD.encode(), environment)

    def status(self, **environment):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MOONKEY_QUEUE")}
        done = subprocess.run([MOONKEY, "queue", "status", "--queue", self.url()], capture_output=True, text=True, timeout=60,
                              env={**clean, **environment}, check=False)
        self.assertNotIn("MustNeverBeShown", done.stdout + done.stderr)
        return done.returncode, done.stderr

    def test_where_it_comes_from(self):
        self.start()
        directory = self.enterDirectory()
        path = os.path.join(directory, "password")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(PASSWORD + "\n")
        command, nothing = f"cat {path}", f"moonkey: there is no run on rediss://{USER}@127.0.0.1:{self.tls_port}/0\n"
        self.assertEqual(self.status(MOONKEY_QUEUE_PASSWORD=PASSWORD), (0, nothing))
        self.assertEqual(self.status(MOONKEY_QUEUE_PASSWORD_FILE=path), (0, nothing))
        self.assertEqual(self.status(MOONKEY_QUEUE_PASSWORD_COMMAND=command), (0, nothing))
        wrong = "AnotherPasswordThatMustNeverBeShown"
        os.chmod(path, 0o640)
        for environment, said in (
                ({}, "there is a user, but no password"),
                ({"MOONKEY_QUEUE_PASSWORD": wrong}, "Check the password from the environment variable MOONKEY_QUEUE_PASSWORD"),
                ({"MOONKEY_QUEUE_PASSWORD": "short"}, "too short"),
                ({"MOONKEY_QUEUE_PASSWORD": PASSWORD + "\nMustNeverBeShown"}, "more than one line"),
                ({"MOONKEY_QUEUE_PASSWORD_FILE": path}, f"chmod 600 {path}"),
                ({"MOONKEY_QUEUE_PASSWORD_FILE": path + "s"}, "No such file"),
                ({"MOONKEY_QUEUE_PASSWORD_FILE": wrong}, "whose name looks like a password"),
                ({"MOONKEY_QUEUE_PASSWORD_COMMAND": f"echo {wrong}; exit 7"}, "the password command failed (exit status 7)"),
                ({"MOONKEY_QUEUE_PASSWORD_COMMAND": f"echo {wrong}"}, "WRONGPASS")):
            with self.subTest(said):
                code, err = self.status(**environment)
                self.assertEqual(code, 2, err)
                self.assertIn(said, err)

    def enterDirectory(self):
        directory = tempfile.TemporaryDirectory(prefix="moonkey-tls.")
        self.addCleanup(directory.cleanup)
        return directory.name


if __name__ == "__main__":
    if not MOONKEY:
        sys.exit("usage: python3 test_tls.py MOONKEY")
    unittest.main()
