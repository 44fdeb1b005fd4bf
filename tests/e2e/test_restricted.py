"""--restricted: what a script or job may touch, and how it is told what would permit more."""
import json
import os
import unittest

from harness import Case, main

GET, PUT = "GET /accounts/api-tokens/*", "PUT /accounts/api-tokens/*"


class Permissions(Case):
    def restricted(self, code, *flags, env=None):
        self.write("s.lua", code)
        return self.run_moonkey("--emulator", "--restricted", *flags, "run", "s.lua", env=env)

    def check(self, code, *flags, out=None, err=None, env=None):
        done = self.restricted(code, *flags, env=env)
        if err:
            self.assertEqual((done.code, done.out), (1, ""), done.err)
            self.assertRegex(done.err, err)
        else:
            self.assertEqual((done.code, done.err), (0, ""))
            self.assertEqual(done.out, out)

    def test_requests(self):
        get = "local t, e = token.get('TKN-0000-0002') print(t and t.id or e.kind, e and e.detail)"
        denied = "refused\tnot sent: this run is restricted, and nothing permits it; --allow-api '%s' would\n"
        self.check(get, out=denied % GET)
        self.check(get, "--allow-api", GET, out="TKN-0000-0002\tnil\n")
        self.check(get, "--allow-api", "GET /accounts/api-tokens/TKN-0000-0003", out=denied % GET)
        self.check(get, "--allow-api", "GET /accounts/api-tokens", out=denied % GET)
        self.check(get, "--allow-api", PUT, "--allow-api", GET, out="TKN-0000-0002\tnil\n")
        self.check("print(token.update('TKN-0000-0002', { name = 'n' }))", "--allow-api", GET,
                   out=f"nil\tPUT /public/v1/accounts/api-tokens/TKN-0000-0002: {(denied % PUT)[8:]}")
        self.check("for t in token.list{ limit = 2 } do print(t.id) end", err="--allow-api 'GET /accounts/api-tokens' would")
        self.check("for t in token.list{ limit = 2 } do print(t.id) end", "--allow-api", "GET /accounts/api-tokens",
                   out="TKN-0000-0001\nTKN-0000-0002\n")

    def test_ways_round_the_rules(self):
        """Each is refused, and the token is what it was."""
        self.write("s.lua", """
            local api = require "moonkey.api"
            for _, path in ipairs{ "/accounts/api-tokens/TKN-0000-0003/../TKN-0000-0002", "/accounts/api-tokens/%2e%2e/api-tokens/TKN-0000-0002",
              "/accounts//api-tokens/TKN-0000-0002", "/accounts/api-tokens/TKN-0000-0002/", "/accounts/api-tokens/tkn-0000-0002",
              "/accounts/api-tokens/TKN-0000-0003%2f..%2fTKN-0000-0002", "/public/v1/accounts/api-tokens/TKN-0000-0002",
              "/accounts/api-tokens/TKN-0000-0003;/TKN-0000-0002", "/accounts/API-tokens/TKN-0000-0002",
              "/accounts/api-tokens/%54KN-0000-0002", "/accounts/api-tokens/TKN-0000-0003?/../TKN-0000-0002" } do
              for _, method in ipairs{ "PUT", "PATCH", "POST", "DELETE" } do
                local ok, done, err = pcall(api.request, method, path, { json = { name = "changed" } })
                print(ok and done and "SENT" or "no", path, ok and err and err.kind)
              end
            end
            print(api.request("GET", "/accounts/api-tokens/TKN-0000-0002").name)""")
        done = self.run_moonkey("--emulator", "--restricted", "--allow-api", "PUT /accounts/api-tokens/TKN-0000-0003", "--allow-api", GET,
                                "run", "s.lua")
        self.assertEqual(done.code, 0, done.err)
        lines = done.out.splitlines()
        self.assertEqual(len(lines), 45)
        self.assertNotIn("SENT", done.out)
        self.assertNotIn("changed", lines[-1])

    def test_reading_files(self):
        self.write("data/in.txt", "one\ntwo\n")
        self.write("data/deep/er.txt", "deep\n")
        self.write("out.txt", "outside\n")
        os.symlink(self.path("out.txt"), self.path("data/link"))
        os.symlink(self.dir, self.path("data/up"))
        os.mkfifo(self.path("data/pipe"))
        read = "--allow-read", "data"
        for path in ("data/in.txt", "./data/../data//in.txt", self.path("data/in.txt"), os.path.realpath(self.path("data/in.txt"))):
            self.check(f"print(io.open('{path}'):read('a'))", *read, out="one\ntwo\n\n")
            self.check(f"for line in io.lines('{path}') do print(line) end", *read, out="one\ntwo\n")
        self.check("print(io.open('data/deep/er.txt'):read())", *read, out="deep\n")
        self.check("print(io.open('data/none'))", *read, out="nil\tnone: No such file or directory\t2\n")
        for path in ("data/link", "data/up/out.txt", "data/up/data/in.txt"):
            self.check(f"print(io.open('{path}'))", *read, out=f"nil\t{path[5:]}: a symbolic link is on the way, which a restricted "
                       "script may not follow\n")
        self.check("print(io.open('data/pipe'))", *read, out="nil\tpipe: it is not a regular file\n")
        self.check("print(io.open('data/deep'))", *read, out="nil\tdeep: it is not a regular file\n")
        for path in ("out.txt", "data/../out.txt", "datax", "/etc/passwd", "data", "data/", "data/."):
            self.check(f"io.open('{path}')", *read, err=r"s\.lua:1: io\.open: reading .* is not permitted .*; --allow-read /.* would")
        for mode in ("w", "a", "r+", "w+"):
            self.check(f"io.open('data/in.txt', '{mode}')", *read, err="writing data/in.txt is not permitted .*; --allow-write /.*data would")
        self.assertEqual(self.read("data/in.txt"), "one\ntwo\n")

    def test_writing_files(self):
        self.write("out/old.txt", "old\n")
        self.write("safe.txt", "safe\n")
        os.symlink(self.path("safe.txt"), self.path("out/link"))
        os.symlink(self.path("new.txt"), self.path("out/dangling"))
        write = "--allow-write", "out"
        self.check("local f = io.open('out/new.txt', 'w') f:write('new') f:close() print(io.type(f))", *write, out="closed file\n")
        self.assertEqual(self.read("out/new.txt"), "new")
        self.check("io.open('out/old.txt', 'a'):write('more\\n')", *write, out="")
        self.assertEqual(self.read("out/old.txt"), "old\nmore\n")
        for link in ("link", "dangling"):
            self.check(f"print(io.open('out/{link}', 'w'))", *write, out=f"nil\t{link}: a symbolic link is on the way, which a restricted "
                       "script may not follow\n")
        self.check("io.open('out/old.txt')", *write, err="--allow-read /.*/out would")
        self.check("io.open('safe.txt', 'w')", *write, err="--allow-write /.* would")
        self.check("print(io.open('out/old.txt', 'r+'):read())", *write, "--allow-read", ".", out="old\n")
        self.assertEqual(self.read("safe.txt"), "safe\n")
        self.assertFalse(os.path.exists(self.path("new.txt")))

    def test_standard_files(self):
        self.write("s.lua", "io.write(io.read(), '\\n') for line in io.lines() do io.stdout:write(line, '.') end io.stderr:write('e')")
        done = self.run_moonkey("--emulator", "--restricted", "run", "s.lua", stdin="a\nb\nc\n")
        self.assertEqual((done.code, done.out, done.err), (0, "a\nb.c.", "e"))

    def test_environment(self):
        self.check("print(os.getenv('COLOUR'))", "--allow-env", "COLOUR", out="red\n", env={"COLOUR": "red"})
        self.check("print(os.getenv('COLOUR'))", "--allow-env", "COLOUR", out="nil\n")
        self.check("os.getenv('HOME')", "--allow-env", "COLOUR", err="--allow-env HOME would permit it")

    def test_secrets(self):
        code = "local s = require('moonkey.secret') local made = s.new('made up') print(made, s.reveal(made))"
        self.check(code, err=r"s\.lua:1: secret\.reveal is not permitted .*; --allow-secret would permit it")
        self.check(code, "--allow-secret", out="[redacted]\tmade up\n")

    def test_modules(self):
        self.write("lua/near.lua", "local far = require 'far' return { far = far, denied = not pcall(os.execute), env = _ENV }")
        self.write("far.lua", "shared = (rawget(_G, 'shared') or 0) + 1 return 'far'")
        self.check("local near = require 'near' print(near.far, near.denied, shared, require 'near' == near, near.env == _ENV)",
                   out="far\ttrue\t1\ttrue\ttrue\n")
        self.check("print(select('#', require 'far'))", out="2\n")
        self.write("wrong.lua", "return +")
        self.check("require 'wrong'", err=r"error loading module 'wrong' from file '.*wrong\.lua':\n.*unexpected symbol")
        self.check("require 'waits'", err=r"module 'waits' not found:\n\tno file '")
        self.write("waits.lua", "return token.get('TKN-0000-0002').id")
        self.check("print((require 'waits'))", "--allow-api", GET, out="TKN-0000-0002\n")

    def test_batch_of_a_script(self):
        self.write("data/rows.csv", "id,name\nTKN-0000-0002,a\nTKN-0000-0003,b\n")
        code = """local done = require("moonkey.batch").run{ source = "data/rows.csv", journal = "data/j", results = "data/r.jsonl",
          job = function(row, ctx) ctx.row = 99 ctx.id = "x" ctx.log.info("hello") return token.update(row.id, { name = row.name }) end }
          print(done.done, done.failed)"""
        done = self.restricted(code, "--allow-api", PUT, "--allow-read", "data", "--allow-write", "data")
        self.assertEqual((done.code, done.out), (0, "2\t0\n"), done.err)
        self.assertRegex(done.err, r"row 1 \(TKN-0000-0002\): hello")
        results = [json.loads(line) for line in self.read("data/r.jsonl").splitlines()]
        self.assertEqual(sorted((r["row"], r["id"]) for r in results), [(1, "TKN-0000-0002"), (2, "TKN-0000-0003")])

    def test_mistakes(self):
        for flags, said in ((["--allow-api", "FETCH /x"], "expected a method"), (["--allow-api", "GET x"], "begins with '/'"),
                            (["--allow-read", "nowhere"], "--allow-read nowhere: .*No such file"),
                            (["--allow-env", "A B"], "the name of a variable")):
            done = self.restricted("print(1)", *flags)
            self.assertEqual((done.code, done.out), (2, ""), done.err)
            self.assertRegex(done.err, said)
        for flags in (["--allow-api", GET], ["--allow-read", "."], ["--allow-write", "."], ["--allow-env", "X"], ["--allow-secret"]):
            done = self.run_moonkey("--emulator", *flags, "run", "-e", "print(1)")
            self.assertEqual((done.code, done.out), (2, ""), done.err)
            self.assertRegex(done.err, f"{flags[0]} is of no use without --restricted")


class Profiles(Case):
    def setUp(self):
        super().setUp()
        self.api = self.emulator("--seed", "5")
        self.write("cred", self.api.credential + "\n", 0o600)

    def profile(self, fields):
        self.write(".config/moonkey/config.lua",
                   f'return {{ p = {{ base_url = "{self.api.url}", credential_file = "{self.path("cred")}", {fields} }} }}')

    def run_code(self, code, *flags):
        return self.run_moonkey("-p", "p", *flags, "run", "-e", code)

    def test_restriction_by_profile(self):
        self.profile(f'restricted = true, allow_api = {{ "{GET}" }}, allow_env = {{ "COLOUR" }}, allow_read = {{ "." }}, max_cpu = "300ms",'
                     ' max_memory = "32M"')
        done = self.run_code("print(token.get('TKN-0000-0002').id, os.getenv('COLOUR'), pcall(os.execute))")
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.out, "^TKN-0000-0002\tnil\tfalse\t")
        self.assertEqual(self.run_code(f"print(io.open('{self.path('.config/moonkey/config.lua')}'):read(6))").out, "return\n")
        self.assertRegex(self.run_code("io.open('cred')").err, "is not permitted")
        self.assertRegex(self.run_code("while true do end").err, "0.3 s of processor time")
        self.assertRegex(self.run_code("return ('x'):rep(1e8)").err, "32 MiB")
        self.assertIn("refused", self.run_code("print(select(2, token.update('TKN-0000-0002', { name = 'n' })).kind)").out)
        self.assertIn("\tn", self.run_code("print(1, token.update('TKN-0000-0002', { name = 'n' }).name)", "--allow-api", PUT).out)

    def test_lists_for_when_it_is_asked_for(self):
        self.profile(f'allow_api = {{ "{GET}" }}')
        self.assertEqual(self.run_code("print(token.get('TKN-0000-0002').id, os.getenv('HOME') ~= nil)").out, "TKN-0000-0002\ttrue\n")
        self.assertEqual(self.run_code("print(token.get('TKN-0000-0002').id, pcall(os.getenv, 'HOME'))", "--restricted").out[:20],
                         "TKN-0000-0002\tfalse\t")

    def test_mistakes(self):
        for fields, said in (("restricted = 1", "restricted: expected true or false"), ("allow_api = 'x'", "expected a list of texts"),
                             ("allow_api = { 5 }", "expected a list of texts"), ("max_cpu = {}", "max_cpu: expected seconds"),
                             ("max_memory = true", 'max_memory: expected bytes, or text such as "64M"'),
                             ("restricted = true, allow_api = { 'x' }", "expected a method"), ("max_memory = '1x'", "max_memory 1x: expected a size"),
                             ("restricted = true, allow_read = { 'nowhere' }", "No such file")):
            self.profile(fields)
            done = self.run_code("print(1)")
            self.assertEqual((done.code, done.out), (2, ""), (fields, done.err))
            self.assertRegex(done.err, said)


class Jobs(Case):
    JOB = """return { setup = function() return { tries = 0 } end, job = function(row, ctx)
      ctx.state.tries = ctx.state.tries + 1
      if row.name == "steal" then return nil, tostring(select(2, pcall(io.open, "/etc/passwd"))) end
      if row.name == "forge" then ctx.row, ctx.hash, ctx.id = 1, "x", "TKN-0000-0001" return ctx.intend or ctx.record or "forged nothing" end
      return token.update(row.id, { name = row.name })
    end }"""

    def test_a_job(self):
        self.write("job.lua", self.JOB)
        self.write("rows.csv", "id,name\nTKN-0000-0002,a\nTKN-0000-0003,steal\nTKN-0000-0004,forge\n")
        done = self.run_moonkey("--emulator=t.db", "--restricted", "batch", "rows.csv", "--job", "job.lua", "--journal", "j", "-o", "jsonl")
        self.assertEqual(done.code, 3, done.err)
        rows = {r["row"]: r for r in done.results()}
        self.assertEqual({n: (r["id"], r["outcome"]) for n, r in rows.items()},
                         {1: ("TKN-0000-0002", "failed"), 2: ("TKN-0000-0003", "failed"), 3: ("TKN-0000-0004", "done")})
        self.assertEqual((rows[1]["kind"], rows[3]["value"]), ("refused", "forged nothing"))
        self.assertRegex(rows[1]["title"] + rows[1].get("detail", ""), f"--allow-api '{PUT}'".replace("*", r"\*"))
        self.assertRegex(rows[2]["title"], "--allow-read /etc")

    def test_the_restriction_is_kept(self):
        self.write("job.lua", self.JOB)
        self.write("rows.csv", "id,name\nTKN-0000-0002,a\nTKN-0000-0003,steal\n")
        self.run_moonkey("--emulator=t.db", "--restricted", "--max-cpu", "2s", "--allow-read", ".", "batch", "rows.csv", "--job", "job.lua",
                         "--journal", "j")
        done = self.run_moonkey("retry", "j", "-o", "jsonl")
        self.assertEqual({(r["row"], r["outcome"]) for r in done.results()}, {(1, "failed"), (2, "failed")})
        shown = json.loads(self.run_moonkey("runs", "show", "j", "-o", "json").out)["options"]
        self.assertEqual((shown["restricted"], shown["max_cpu"], shown["allow_read"]), (True, "2s", [os.path.realpath(self.dir)]))
        done = self.run_moonkey("--allow-api", PUT, "retry", "j", "-o", "jsonl")
        self.assertEqual({(r["row"], r["outcome"]) for r in done.results()}, {(1, "done"), (2, "failed")}, done.err)

    def test_without_a_job_there_is_nothing_to_restrict(self):
        self.write("rows.csv", "id,name\nTKN-0000-0002,a\n")
        done = self.run_moonkey("--emulator", "--restricted", "batch", "rows.csv")
        self.assertEqual(done.code, 0, done.err)


if __name__ == "__main__":
    main()
