"""The packages that cpack makes: what is in them, what they need, and whether what comes out of them works.

python3 test_package.py BUILD [unittest's arguments]; BUILD: a build directory of moonkey.
"""
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.abspath(sys.argv.pop(1))
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TIMEOUT = 400

# Beside the examples, the types and the directories.
FILES = """bin/moonkey share/bash-completion/completions/moonkey share/doc/moonkey/changelog.gz share/doc/moonkey/copyright
share/fish/vendor_completions.d/moonkey.fish share/man/man1/moonkey.1.gz share/man/man3/moonkey-lua.3.gz
share/man/man5/moonkey-config.5.gz share/zsh/vendor-completions/_moonkey""".split()
# Complaints that are not ours to mend: whoever gives the package away configures with -DMOONKEY_CONTACT.
ACCEPTED = "bogus-mail-host,bogus-mail-host-in-debian-changelog,debian-changelog-file-is-a-symlink"


def die_with_the_test():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def run(*command, **more):
    more.setdefault("env", {**os.environ, "LC_ALL": "C.UTF-8"})
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False, preexec_fn=die_with_the_test, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def expected_files():
    names = set(FILES)
    for directory, to in (("scripts", "share/doc/moonkey/examples/scripts"),):
        for place, _, files in os.walk(os.path.join(SOURCE, directory)):
            inside = os.path.normpath(os.path.join(to, os.path.relpath(place, os.path.join(SOURCE, directory))))
            names |= {os.path.join(inside, name) for name in files if not name.endswith(".sh")}
    return names


def files_below(root):
    return {os.path.relpath(os.path.join(place, name), root) for place, _, names in os.walk(root) for name in names}


def owner_of(library):
    """The package of a file, which dpkg knows by the name that it had when /lib was no link yet, or by that behind it."""
    path = os.path.realpath(library)
    paths = [path, path.removeprefix("/usr")]
    done = subprocess.run(["dpkg", "-S", *paths], capture_output=True, text=True, check=False)
    return done.stdout.split(":")[0]


class Directory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="moonkey-package.")
        cls.addClassCleanup(directory.cleanup)
        cls.dir = directory.name

    @classmethod
    def pack(cls, config, suffix):
        run("cpack", "--config", os.path.join(BUILD, config), "-B", cls.dir)
        found = [name for name in os.listdir(cls.dir) if name.endswith(suffix)]
        assert len(found) == 1, found
        return os.path.join(cls.dir, found[0])

    def try_out(self, program):
        """As somebody would who has just installed it, and has nothing but the system."""
        said = run(program, "--emulator", "run", "-e", "print(token.get('TKN-0000-0002').id)", cwd=self.dir,
                   env={"PATH": "/usr/bin:/bin", "HOME": self.dir, "LC_ALL": "C.UTF-8"})
        self.assertEqual(said, "TKN-0000-0002\n")


@unittest.skipUnless(shutil.which("dpkg-shlibdeps"), "without dpkg-shlibdeps (package dpkg-dev)")
class Deb(Directory):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.deb = cls.pack("CPackConfig.cmake", ".deb")
        cls.root = os.path.join(cls.dir, "root")
        run("dpkg-deb", "-x", cls.deb, cls.root)
        cls.program = os.path.join(cls.root, "usr/bin/moonkey")

    def field(self, name):
        return run("dpkg-deb", "-f", self.deb, name).strip()

    def test_files(self):
        self.assertEqual(files_below(self.root), {f"usr/{name}" for name in expected_files()})
        for line in run("dpkg-deb", "-c", self.deb).splitlines():
            self.assertRegex(line, r"^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x) root/root ")

    def test_what_it_needs(self):
        """Each library that the program is linked with is of a package that the .deb depends on."""
        self.assertEqual(f"moonkey {self.field('Version')}", run(self.program, "--version").splitlines()[0])
        depends = {entry.split()[0] for entry in self.field("Depends").split(", ")}
        linked = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", self.program))
        paths = dict(re.findall(r"(\S+) => (/\S+)", run("ldd", self.program)))
        needed = {owner_of(paths[name]) for name in linked}
        self.assertEqual(depends, needed)
        self.assertIn("libcurl4", depends)
        self.assertRegex(self.field("Maintainer"), r"^.+ <.+@.+>$")

    def test_it_runs(self):
        self.try_out(self.program)
        with open(self.program, "rb") as f:
            self.assertFalse(SOURCE.encode() + b"/" in f.read(), "the program knows where it was built")

    def test_shells_find_the_completion(self):
        said = run("bash", "-c", 'PATH=usr/bin:$PATH; . usr/share/bash-completion/completions/moonkey; complete -p moonkey; '
                   'COMP_WORDS=(moonkey tok) COMP_CWORD=1; _moonkey; echo "${COMPREPLY[@]}"', cwd=self.root)
        self.assertEqual(said, "complete -F _moonkey moonkey\ntoken\n")

    def test_apt_would_install_it(self):
        self.assertIn("Inst moonkey ", run("apt-get", "install", "--simulate", self.deb))

    @unittest.skipUnless(os.geteuid() == 0, "dpkg --unpack needs root")
    def test_dpkg_unpacks_and_removes_it(self):
        root = os.path.join(self.dir, "system")
        for name in ("info", "updates", "triggers"):
            os.makedirs(os.path.join(root, "var/lib/dpkg", name))
        for name in ("status", "available"):
            with open(os.path.join(root, "var/lib/dpkg", name), "w", encoding="utf-8"):
                pass
        run("dpkg", f"--root={root}", "--force-depends", "--unpack", self.deb)
        self.assertTrue(os.access(os.path.join(root, "usr/bin/moonkey"), os.X_OK))
        run("dpkg", f"--root={root}", "--purge", "moonkey")
        self.assertFalse(os.path.exists(os.path.join(root, "usr")))

    @unittest.skipUnless(shutil.which("lintian"), "without lintian")
    def test_lintian_has_no_complaints(self):
        self.assertEqual(run("lintian", "--allow-root", "--suppress-tags", ACCEPTED, "--fail-on", "error,warning", self.deb), "")

    def test_installing_with_destdir_is_the_same(self):
        staged = os.path.join(self.dir, "staged")
        run("cmake", "--install", BUILD, "--prefix", "/opt/moonkey", env={**os.environ, "DESTDIR": staged})
        self.assertEqual(files_below(staged), {f"opt/moonkey/{name}" for name in expected_files()})


class Tarball(Directory):
    def test_it_builds_without_a_network(self):
        archive = self.pack("CPackSourceConfig.cmake", ".tar.gz")
        run("tar", "-xzf", archive, "-C", self.dir)
        top = archive[:-len(".tar.gz")]
        unwanted = [name for name in files_below(top) if re.search(r"(^|/)(\.git|build[^/]*|__pycache__)/|\.pyc$", name)]
        self.assertEqual(unwanted, [])
        isolated = ["unshare", "--net", "--map-root-user"]
        if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode != 0:
            isolated = []  # not permitted here; it would have to ask the network for something all the same
        built = os.path.join(self.dir, "built")
        run(*isolated, "cmake", "-S", top, "-B", built, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-O0 -g0")
        run(*isolated, "cmake", "--build", built)
        self.try_out(os.path.join(built, "moonkey"))
        version = run(os.path.join(built, "moonkey"), "--version").splitlines()[0].split()[1]
        self.assertEqual(os.path.basename(top), f"moonkey-{version}")


if __name__ == "__main__":
    unittest.main()
