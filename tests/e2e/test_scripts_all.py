"""What holds for each of the automation scripts: help, nothing to do, calls that fail, and that nothing is written unasked."""
import json

from harness import main
from peer import Peer
from scripts_case import NAMES, SCRIPTS, SECRET, WRITING, Scripts, ago, token


class AllOfThem(Scripts):
    def test_help(self):
        for name in NAMES:
            done = self.script(name, "--help", env={})
            self.assertEqual((done.code, done.err), (0, ""))
            self.assertIn("Examples:\n  moonkey scripts/" + name, done.out)
            self.assertEqual("--apply" in done.out, name in WRITING)
            for line in done.out.splitlines():
                self.assertLessEqual(len(line), 100)

    def test_nothing_there(self):
        """An account with nothing but the credential's own token."""
        self.serve(token(1, "x"))
        self.write("policy.lua", "return { { name = 'nobody', modules = {} } }")
        self.write("sheet.csv", "id,description\n")
        for name in NAMES:
            done = self.script(name, *WRITING.get(name, []))
            self.assertEqual(done.code, 0, (name, done.err))
            self.assertNotIn("would be done", done.out)

    def failing(self, status, then=None):
        """Reads are answered, writes are not. `then`: what of a token is otherwise when it is read alone."""
        tokens = [token(n, f"token {n}", ["MOD-1756"]) for n in range(1, 4)]
        page = {"$meta": {"pagination": {"offset": 0, "limit": 100, "total": 3}}, "data": tokens}

        def reply(handler):
            if handler.command != "GET":
                return status, "application/json", b'{"title":"Not now"}'
            path, _, _ = handler.path.partition("?")
            found = [t for t in tokens if path.endswith(t["id"])]
            return 200, "application/json", json.dumps({**found[0], **(then or {})} if found else page).encode()
        peer = Peer(self, reply)
        self.env = {"MPT_API_BASE_URL": peer.url, "MPT_API_TOKEN": tokens[0]["token"]}
        return peer

    def test_the_token_in_use(self):
        """Also where the platform has not noted that it is."""
        self.write("policy.lua", "return { { modules = {} } }")
        self.failing(200)
        for name, args in (("disable_unused", []), ("least_privilege", ["policy.lua"])):
            done = self.script(name, *args)
            self.assertIn("the credential in use is its own", self.lines(done, "left alone")[1])
            self.assertEqual(list(self.lines(done, "would be done")), [2, 3])

    def test_writes_that_fail(self):
        self.write("policy.lua", "return { { modules = {} } }")
        self.write("convention.lua", "return { pattern = '^T', rename = function(tok) return 'T' .. tok.name end }")
        self.write("sheet.csv", "id,description\nTKN-0000-0002,a\nTKN-0000-0003,b\n")
        for status, code in ((400, 3), (401, 4)):
            for name, args in {**WRITING, "check_names": ["convention.lua"]}.items():
                peer = self.failing(status)
                done = self.script(name, *args, "--apply", globals_=["--retry", "0"])
                self.assertEqual(done.code, code, (name, status, done.out, done.err))
                self.assertEqual(self.lines(done, "done"), {})
                self.assertRegex(done.err, "0 of [23] changed, [23] failed")
                self.assertTrue([r for r in peer.requests if r[0] != "GET"])
                self.assertFalse([r for r in peer.requests if r[0] != "GET" and "TKN-0000-0001" in r[1] and name != "check_names"])

    def test_what_has_changed_since_the_list(self):
        """Whoever looks again just before writing finds that there is no reason to write any more."""
        self.write("policy.lua", "return { { modules = {} } }")
        self.write("convention.lua", "return { pattern = '^T', rename = function(tok) return 'T' .. tok.name end }")
        self.write("sheet.csv", "name,description\ntoken 2,a\n")
        for name, args, then, said in (
                ("disable_unused", [], {"lastAccessAt": ago(0)}, "it was used just now"),
                ("disable_unused", [], {"status": "Disabled"}, "it is Disabled already"),
                ("least_privilege", ["policy.lua"], {"modules": []}, "it has lost them already"),
                ("check_names", ["convention.lua"], {"name": "mine now"}, "somebody has renamed it"),
                ("copy_descriptions", ["sheet.csv"], {"description": "a"}, "it has that description already")):
            peer = self.failing(200, then)
            done = self.script(name, *args, "--apply")
            self.assertEqual((done.code, self.lines(done, "done")), (0, {}), done.err)
            self.assertEqual(self.lines(done, "nothing to do")[2], said)
            self.assertEqual({request[0] for request in peer.requests}, {"GET"})

    def test_lists_that_fail(self):
        self.write("policy.lua", "return { { modules = {} } }")
        self.write("sheet.csv", "name,description\nx,y\n")
        for status, code in ((500, 1), (401, 4)):
            peer = Peer(self, (status, "application/json", b"{}"))
            for name in NAMES:
                done = self.script(name, *WRITING.get(name, []), globals_=["--retry", "0"],
                                   env={"MPT_API_BASE_URL": peer.url, "MPT_API_TOKEN": f"idt:TKN-0000-0001:{SECRET}"})
                self.assertEqual(done.code, code, (name, done.err))
                self.assertIn(str(status), done.err)

    def test_no_way_to_write_without_apply(self):
        """Not even for a mistake in a script."""
        peer = self.failing(200)
        self.write("careless.lua", """
            package.path = ... .. "/lua/?.lua;" .. package.path
            local api = require "moonkey.api"
            local token_update = token.update -- taken before it is forbidden
            local list = require("changes").new{ apply = false }
            local tries = { function() return token_update("TKN-0000-0002", { name = "x" }) end, function() return token.edit("TKN-0000-0002", function(t) t.name = "x" end) end,
              function() return token.create{ name = "x" } end, function() return api.request("DELETE", "/accounts/api-tokens/TKN-0000-0002") end }
            for _, name in ipairs{ "disable", "enable", "delete" } do tries[#tries + 1] = function() return token[name]("TKN-0000-0002") end end
            for i, try in ipairs(tries) do print(i, select(2, try())) end
            print(api.request("GET", "/accounts/api-tokens/TKN-0000-0002").id)
            list:finish()""")
        done = self.run_moonkey("careless.lua", SCRIPTS, env=self.env)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.out.count("not sent: the script has forbidden all writes"), 7, done.out)
        self.assertEqual({request[0] for request in peer.requests}, {"GET"})


if __name__ == "__main__":
    main()
