"""moonkey run: ways to start a script, and ways to give it a credential."""
import os
import subprocess
import time
import unittest

from harness import MOONKEY, ROOT, Case, main


class Scripts(Case):
    def test_a_script_that_is_a_command(self):
        os.makedirs(self.path("bin"))
        os.symlink(MOONKEY, self.path("bin/moonkey"))
        self.write("hello", "#!/usr/bin/env -S moonkey run\nprint(arg[0]:match('[^/]+$'), ...)\n", 0o755)
        self.write("real", '#!/usr/bin/env -S moonkey --emulator run\nprint(token.get("TKN-0000-0002").id)\n', 0o755)
        env = {"PATH": self.path("bin") + ":" + os.environ["PATH"], "MPT_API_TOKEN": "idt:TKN-0000-0001:knownToNobody"}
        done = self.run_moonkey("a", "b c", program=self.path("hello"), env=env)
        self.assertEqual((done.code, done.out, done.err), (0, "hello\ta\tb c\n", ""))
        done = self.run_moonkey(program=self.path("real"), env=env)
        self.assertEqual((done.code, done.out, done.err), (0, "TKN-0000-0002\n", ""))

    def test_the_tour(self):
        done = self.run_moonkey("--emulator", "run", os.path.join(ROOT, "scripts", "tour.lua"))
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.out, r"TKN-0000-0003 +CRM robot 0003 +-> CRM Robot 0003")
        self.assertRegex(done.out, r"404 Not Found")

    def test_standard_input_code_and_the_short_form(self):
        self.write("s.lua", "print(1, ...)")
        for args, stdin, out in ((["run", "-"], "print(2)", "2\n"), (["run", "-e", "print(3)"], None, "3\n"), (["s.lua", "x"], None, "1\tx\n"),
                                 (["-e", "print(4)"], None, "4\n"), (["run", "s.lua", "--help"], None, "1\t--help\n")):
            done = self.run_moonkey("--emulator", *args, stdin=stdin)
            self.assertEqual((done.code, done.out, done.err), (0, out, ""), args)

    def test_a_module_that_is_missing(self):
        self.write("s.lua", "require 'nosuch'")
        done = self.run_moonkey("--emulator", "run", "s.lua")
        self.assertEqual(done.code, 1)
        self.assertRegex(done.err, r"s\.lua:1: module 'nosuch' not found:")

    def test_a_pipe_that_closes(self):
        """`moonkey … | head -1` ends without a word, as a program that SIGPIPE ends; a full disk is told."""
        process = self.start("--emulator", "run", "-e", "for i = 1, 1e6 do print(i) end")
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        self.assertEqual((process.wait(timeout=60), err), (141, b""))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([MOONKEY, "--emulator", "run", "-e", "print(1)"], env=self.environment(), stdout=full,
                                  stderr=subprocess.PIPE, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (1, b"moonkey: cannot write to standard output\n"))

    def test_no_child_is_left(self):
        """The emulator of a command dies with it, also when the command is killed."""
        process = self.start("--emulator", "run", "-e", "print 'up' io.stdout:flush() require('moonkey.task').sleep(60)")
        process.stdout.readline()
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as f:
            children = f.read().split()
        self.assertEqual(len(children), 1)
        process.kill()
        process.wait()
        deadline = time.monotonic() + 10
        while os.path.exists(f"/proc/{children[0]}/exe") and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertFalse(os.path.exists(f"/proc/{children[0]}/exe"))


class Credentials(Case):
    def setUp(self):
        super().setUp()
        self.api = self.emulator("--seed", "3")

    def get(self, *args, **env):
        env["MPT_API_BASE_URL"] = self.api.url
        return self.run_moonkey(*args, "run", "-e", 'print(assert(token.get("TKN-0000-0002")).id)', env=env)

    def check(self, done):
        self.assertEqual((done.code, done.out, done.err), (0, "TKN-0000-0002\n", ""))

    def test_environment(self):
        self.check(self.get(MPT_API_TOKEN=self.api.credential))

    def test_file(self):
        self.write("cred", self.api.credential + "\n", 0o600)
        self.check(self.get(MPT_API_TOKEN_FILE="cred"))
        os.chmod(self.path("cred"), 0o400)
        self.check(self.get(MPT_API_TOKEN_FILE="cred"))

    def test_file_that_others_can_read(self):
        for mode in (0o644, 0o640, 0o604, 0o660):
            self.write("cred", self.api.credential, mode)
            done = self.get(MPT_API_TOKEN_FILE="cred")
            self.assertEqual((done.code, done.out), (2, ""))
            self.assertIn("chmod 600", done.err)

    def test_command(self):
        self.write("cred", self.api.credential + "\n", 0o600)
        self.check(self.get(MPT_API_TOKEN_COMMAND="cat cred"))
        done = self.get(MPT_API_TOKEN_COMMAND="cat nosuch")
        self.assertEqual(done.code, 2)

    def test_none(self):
        done = self.get()
        self.assertEqual(done.code, 2)
        for word in ("MPT_API_TOKEN", "MPT_API_TOKEN_FILE", "MPT_API_TOKEN_COMMAND", "--emulator"):
            self.assertIn(word, done.err)

    def test_debug_log_shows_none(self):
        done = self.get("--log-level", "debug", MPT_API_TOKEN=self.api.credential)
        self.assertEqual(done.out, "TKN-0000-0002\n")

    def test_wrong_one(self):
        done = self.get(MPT_API_TOKEN=self.api.credential[:-1] + ("a" if self.api.credential[-1] != "a" else "b"))
        self.assertEqual(done.code, 4, done.err)
        self.assertIn("MPT_API_TOKEN", done.err)

    @unittest.skipUnless(os.path.exists("/proc/self/cmdline"), "needs /proc")
    def test_process_list_shows_none(self):
        process = self.start("run", "-e", 'require("moonkey.task").sleep(1)',
                             env={"MPT_API_TOKEN": self.api.credential, "MPT_API_BASE_URL": self.api.url})
        time.sleep(0.5)
        for name in ("cmdline", "environ"):
            with open(f"/proc/{process.pid}/{name}", "rb") as f:
                self.said.append(f.read())
        self.assertEqual(self.finish(process).code, 0)


main()
