"""moonkey token create: no token without a place for its secret, and the secret nowhere else."""
import json
import os
import shutil
import stat
import subprocess
import unittest

from harness import MOONKEY, SECRET, Case, main

CAN_MOUNT = shutil.which("unshare") and subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True,
                                                       check=False).returncode == 0
ACCOUNT = ["--name", "CRM robot", "--account", "ACC-0000-0001"]


class Create(Case):
    def setUp(self):
        super().setUp()
        self.env = self.emulator("--seed", "5").env

    def create(self, *args, code=0, **options):
        done = self.run_moonkey("token", "create", *args, env=self.env, **options)
        self.assertEqual(done.code, code, done.err)
        return done

    def revealed(self, *args):
        """What a run says that is to show a secret: not looked through for secrets at the end."""
        done = self.create(*args)
        del self.said[-2:]
        self.assertIsNone(SECRET.search(done.err.encode()))
        return done

    def count(self):
        done = self.run_moonkey("api", "GET", "/accounts/api-tokens?limit=0", env=self.env)
        return json.loads(done.out)["$meta"]["pagination"]["total"]

    def works(self, secret):
        path = "/accounts/api-tokens/" + secret.split(":")[1]
        return self.run_moonkey("api", "GET", path, env={**self.env, "MPT_API_TOKEN": secret}).code == 0

    def test_reveal(self):
        done = self.revealed(*ACCOUNT, "--reveal")
        secret = done.out.rstrip("\n")
        self.assertRegex(secret, r"^idt:TKN-\d{4}-\d{4}:\w{64}$")
        self.assertRegex(done.err, r"^moonkey: TKN-\d{4}-\d{4} was made: CRM robot, Active\n$")
        self.assertTrue(self.works(secret))

    def test_reveal_as_json(self):
        for form in ("json", "jsonl"):
            done = self.revealed(*ACCOUNT, "--module", "MOD-1756,MOD-9042", "--reveal", "-o", form)
            tok = json.loads(done.out)
            self.assertEqual(tok["token"].split(":")[1], tok["id"])
            self.assertEqual([m["id"] for m in tok["modules"]], ["MOD-1756", "MOD-9042"])
            self.assertTrue(self.works(tok["token"]))

    def test_on_a_terminal_it_says_that_it_stays_there(self):
        done = self.run_on_terminal("-c", f'exec "{MOONKEY}" token create --name x --account ACC-0000-0001 --reveal >/dev/tty',
                                    env=self.env, program="/bin/sh")
        self.assertEqual(done.code, 0)
        self.assertRegex(done.err, r"idt:TKN-\d{4}-\d{4}:\w{64}")
        self.assertIn("this secret is not shown again", done.err)
        self.said.clear()

    def test_a_secret_that_nobody_takes_is_not_lost_in_silence(self):
        read, closed = os.pipe()
        os.close(read)
        full = os.open("/dev/full", os.O_WRONLY)
        for out, code in ((closed, 141), (full, 1)):
            for form in ([], ["-o", "json"]):
                done = subprocess.run([MOONKEY, "token", "create", *ACCOUNT, "--reveal", *form], env=self.environment(**self.env), cwd=self.dir,
                                      stdout=out, stderr=subprocess.PIPE, timeout=60, check=False)
                self.assertEqual(done.returncode, code)
                self.assertRegex(done.stderr, rb"(TKN-[0-9-]+) was made, but its secret could not be written.*moonkey token delete \1\)")
                self.said.append(done.stderr)
            os.close(out)

    def test_a_closed_standard_output_is_not_the_next_connection(self):
        command = f'exec "{MOONKEY}" token create --name x --account ACC-0000-0001 --reveal >&-'
        done = self.run_moonkey("-c", command, env=self.env, program="/bin/sh")
        self.assertEqual((done.code, done.out), (1, ""))
        self.assertRegex(done.err, r"(TKN-[0-9-]+) was made, but its secret could not be written.*moonkey token delete \1\)")
        self.assertIn("cannot write to standard output: Bad file descriptor", done.err)

    def test_secret_file(self):
        done = self.create(*ACCOUNT, "--secret-file", "robot.secret")
        token_id = done.out.rstrip("\n")
        self.assertRegex(token_id, r"^TKN-\d{4}-\d{4}$")
        self.assertIn("its secret is in robot.secret", done.err)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("robot.secret")).st_mode), 0o600)
        with open(self.path("robot.secret"), encoding="ascii") as f:
            secret = f.read()
        self.assertRegex(secret, rf"^idt:{token_id}:\w{{64}}\n$")
        self.assertTrue(self.works(secret.strip()))
        done = self.run_moonkey("token", "get", token_id, env={**self.env, "MPT_API_TOKEN": None, "MPT_API_TOKEN_FILE": "robot.secret"})
        self.assertEqual(done.code, 0, done.err)

    def test_a_secret_file_that_is_there_already(self):
        before = self.count()
        self.write("robot.secret", "", 0o600)
        os.symlink(self.path("nowhere"), self.path("link"))
        for path, message in (("robot.secret", "it is left as it is"),
                              ("link", "File exists"),
                              ("no/such/directory", "No such file or directory"),
                              (".", "File exists"),
                              ("/dev/null", "it is left as it is"),
                              ("", "needs the name of a file"),
                              ("-", "--reveal prints the secret")):
            with self.subTest(path=path):
                self.assertIn(message, self.create(*ACCOUNT, "--secret-file", path, code=2).err)
        self.assertFalse(os.path.exists(self.path("nowhere")))
        self.assertEqual(self.count(), before)

    @unittest.skipUnless(CAN_MOUNT, "needs unshare and mount")
    def test_no_room_for_the_secret(self):
        """Found out before the token is made."""
        before = self.count()
        os.mkdir(self.path("full"))
        self.write("full.sh", f"""mount -t tmpfs -o size=8k tmpfs full && head -c 8192 /dev/zero >full/zeros || exit 99
            "{MOONKEY}" token create "$@" --secret-file full/robot.secret; code=$?; ls full; exit $code""")
        done = self.run_moonkey("-rm", "sh", "full.sh", *ACCOUNT, program="unshare", env=self.env)
        self.assertEqual((done.code, done.out), (2, "zeros\n"), done.err)
        self.assertIn("cannot create full/robot.secret: No space left on device", done.err)
        self.assertEqual(self.count(), before)

    def test_a_create_that_fails_leaves_no_file(self):
        done = self.create("--name", "a/b", "--account", "ACC-0000-0001", "--secret-file", "robot.secret", code=1)
        self.assertRegex(done.err, "400 Bad Request.*name")
        self.assertFalse(os.path.exists(self.path("robot.secret")))
        done = self.create(*ACCOUNT, "--read-only", "--secret-file", "robot.secret", code=5)
        self.assertFalse(os.path.exists(self.path("robot.secret")))

    def test_what_becomes_of_the_secret_has_to_be_said(self):
        before = self.count()
        done = self.create(*ACCOUNT, code=2)
        for flag in ("--secret-file FILE", "--reveal", "--discard-secret"):
            self.assertIn(flag, done.err)
        self.assertIn("exclude each other", self.create(*ACCOUNT, "--reveal", "--secret-file", "x", code=2).err)
        self.assertIn("exclude each other", self.create(*ACCOUNT, "--reveal", "--discard-secret", code=2).err)
        self.assertEqual(self.count(), before)

    def test_discard(self):
        done = self.create(*ACCOUNT, "--discard-secret")
        self.assertRegex(done.out, r"^TKN-\d{4}-\d{4}\n$")
        self.assertIn("was thrown away", done.err)
        done = self.create(*ACCOUNT, "--discard-secret", "-o", "json")
        self.assertNotIn("token", json.loads(done.out))

    def test_from_standard_input(self):
        body = '{"name": "From stdin", "account": {"id": "ACC-0000-0001"}, "description": null, "modules": ["MOD-9042"], "icon": "x"}'
        tok = json.loads(self.create("--from", "-", "--discard-secret", "-o", "json", stdin=body).out)
        self.assertEqual((tok["name"], tok["account"]["id"], tok["icon"]), ("From stdin", "ACC-0000-0001", "x"))
        self.assertEqual(tok["modules"][0]["id"], "MOD-9042")

    def test_mistakes(self):
        before = self.count()
        for args, stdin, message in (
                (["--account", "ACC-0000-0001"], None, "a token needs a name"),
                (["--name", ""], None, "the name of the token is empty"),
                (["--name", "x", "--account", "nope"], None, '--account: "nope" is not the id of an account'),
                (["--name", "x", "--module", "Billing"], None, "expected the id of a module"),
                (["--name", "x", "--from", "-"], '{"name": "y"}', "--from (standard input) and --name both say what 'name' is to be"),
                (["--from", "-"], '{"nmae": "y"}', "did you mean 'name'?"),
                (["--from", "-"], '{"name": "y", "id": "TKN-1"}', "the platform makes it"),
                (["--from", "-"], '{"name": "y", "status": "Active"}', "a new token is Active"),
                (["--from", "-"], '{"name": "y", "account": 5}', "5 is not the id of an account"),
                (["--nmae", "x"], None, "Did you mean '--name'?"),
                (["x"], None, "too many arguments")):
            with self.subTest(args=args, stdin=stdin):
                done = self.create(*args, "--reveal", code=2, stdin=stdin)
                self.assertIn(message, done.err)
        self.assertEqual(self.count(), before)

    def test_dry_run(self):
        before = self.count()
        done = self.create(*ACCOUNT, "--secret-file", "robot.secret", "--dry-run")
        self.assertRegex(done.err, r'dry run: .*CRM robot')
        self.assertFalse(os.path.exists(self.path("robot.secret")))
        self.assertEqual(self.count(), before)

    def test_values_that_begin_with_a_dash(self):
        tok = json.loads(self.create("--name", "-bot", "--description", "- a list", "--discard-secret", "-o", "json").out)
        self.assertEqual((tok["name"], tok["description"]), ("-bot", "- a list"))


main()
