"""What the tests of projects share: a project in an empty directory, and a place where nothing may arrive."""
import os
import socket
import threading

from harness import MOONKEY, Case

FILES = [".busted", ".gitignore", ".luacheckrc", ".luarc.json", "README.md", "lua/teams.lua", "scripts/assign_team.lua", "scripts/teams.csv",
         "scripts/without_team.lua", "spec/teams_spec.lua"]


class Project(Case):
    def setUp(self):
        super().setUp()
        self.home = self.dir
        os.mkdir(self.path("tmp"))
        os.mkdir(self.path("project"))

    def environment(self, **more):
        path = os.path.dirname(MOONKEY) + os.pathsep + os.environ["PATH"]
        return super().environment(**{"HOME": self.home, "TMPDIR": os.path.join(self.home, "tmp"), "PATH": path, **more})

    def make(self, *args):
        """A new project, in which everything is run from here on."""
        self.dir = os.path.join(self.home, "project")
        done = self.run_moonkey("init", *args)
        self.assertEqual(done.code, 0, done.err)
        return done

    def files(self, directory=None):
        directory = directory or self.dir
        return sorted(os.path.relpath(os.path.join(at, name), directory) for at, _, names in os.walk(directory) for name in names)

    def run_and_expect(self, code, *args, **more):
        done = self.run_moonkey(*args, **more)
        self.assertEqual(done.code, code, f"moonkey {' '.join(args)}: {done.out}\n{done.err}")
        return done

    def tearDown(self):
        self.assertEqual(os.listdir(os.path.join(self.home, "tmp")), [])  # nothing is left behind
        self.dir = self.home
        super().tearDown()


class Nowhere:
    """A server that notes that somebody came, and answers nothing."""

    def __init__(self, case):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        self.came = []
        threading.Thread(target=self.serve, daemon=True).start()
        case.addCleanup(self.socket.close)

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                self.came.append(peer.recv(65536))
