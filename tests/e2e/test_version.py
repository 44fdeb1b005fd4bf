"""moonkey --version: what it says of libraries, against what others say of them."""
import sqlite3
import ssl
import subprocess

from harness import Case, main


def pkg_config(module):
    return subprocess.run(["pkg-config", "--modversion", module], capture_output=True, text=True, check=True).stdout.strip()


class Version(Case):
    def versions(self, flag="--version"):
        done = self.run_moonkey(flag)
        self.assertEqual((done.code, done.err), (0, ""))
        first, *rest = done.out.splitlines()
        self.assertRegex(first, r"^moonkey \d+\.\d+\.\d+$")
        return dict(line.split(None, 1) for line in rest)

    def test_of_libraries(self):
        found = self.versions()
        expected = {"libcurl": "libcurl", "Lua": "lua5.4", "lua-cjson": "lua5.4-cjson", "libmicrohttpd": "libmicrohttpd",
                    "hiredis": "hiredis"}
        for name, module in expected.items():
            with self.subTest(name):
                self.assertEqual(found[name].split()[0], pkg_config(module).partition("+")[0])
        self.assertEqual(found["SQLite"], sqlite3.sqlite_version)
        self.assertEqual(f"OpenSSL {found['OpenSSL']}", " ".join(ssl.OPENSSL_VERSION.split()[:2]))
        self.assertIn(f"with OpenSSL/{found['OpenSSL']}", found["libcurl"])
        for name in ("argparse", "libcsv"):
            self.assertRegex(found[name], r"^\d+\.\d+\.\d+$")

    def test_short(self):
        self.assertEqual(self.versions("-V"), self.versions())


if __name__ == "__main__":
    main()
