"""Credentials from a module of the user's, and checks that a plan has to pass."""
import os
import re

from extension_case import ExtensionCase
from harness import main

BARE = "VaultSecretThatNobodyShallSee0123456789abcdefghijklmnop"


class Credentials(ExtensionCase):
    def setUp(self):
        super().setUp()
        self.api = self.emulator("--seed", "5")
        self.write("store", self.api.credential, 0o600)

    def tearDown(self):
        for text in self.said:
            self.assertNotIn(self.api.credential.encode(), text)
            self.assertNotIn(BARE.encode(), text)
        super().tearDown()

    def profile(self, *fields):
        self.write(".config/moonkey/config.lua", f'return {{ p = {{ base_url = "{self.api.url}", {", ".join(fields)} }} }}')

    def source(self, text, directory=".config/moonkey/lua"):
        self.write(f"{directory}/moonkey/credential/own.lua", text)
        self.profile('credential_source = "own"')

    def test_the_example(self):
        self.example("credential", "vault", ".config/moonkey/lua")
        self.write("vault", '#!/bin/sh\n[ "$1 $2 $3 $4 $VAULT_ADDR" = "kv get -field=key a/b http://v" ] || { echo no such path >&2; exit 2; }\n'
                   "cat store\n", 0o755)
        options = 'program = "./vault", field = "key", address = "http://v"'
        self.profile('credential_source = "vault"', f'credential_options = {{ path = "a/b", {options} }}')
        done = self.run_moonkey("-p", "p", "whoami")
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertIn("token       TKN-0000-0001", done.out)
        self.assertIn("credential  from the credential source 'vault'\n", done.out)
        self.assertIn("module moonkey.credential.vault", self.run_moonkey("profile", "list").out)
        self.assertIn("from the credential source 'vault'", self.run_moonkey("-p", "p", "doctor").out)
        self.profile('credential_source = "vault"', f'credential_options = {{ path = "other", {options} }}')
        done = self.run_moonkey("-p", "p", "whoami")
        self.assertEqual(done.code, 2)
        self.assertRegex(done.err, r"no such path\n.*profile 'p': the credential source 'vault' \(\S+/vault\.lua\): vault gave nothing for the "
                         r"field key of other \(exit status 2\)[^\n]*\n.*the credential source 'vault' failed \(exit status 1\); its message stands above")
        done = self.run_moonkey("-p", "p", "doctor")
        self.assertRegex(done.out, r"PROBLEM +credential +the credential source 'vault' failed[^\n]*\n +-> mend the module")

    def test_what_can_go_wrong_names_the_module(self):
        for text, problem in (("return function() return nil, 'sealed' end", r"own\.lua\): sealed"), ("return function() end", "it returned nothing"),
                              ("return function() error 'oops' end", r"it failed: \S+own\.lua:1: oops"), ("x = = 1", r"cannot be loaded: \S+own\.lua:1: "),
                              ("return function() return {} end", "must return the credential as text, not a table"), ("return {}", "has no function `read`"),
                              ("return function() return '' end", "the credential from the credential source 'own' is empty"),
                              (f"return function() return '{BARE} {BARE}' end", "has white space"),
                              ("return function() return tokn.x end", "undefined global 'tokn'")):
            self.source(text)
            done = self.run_moonkey("-p", "p", "whoami")
            self.assertEqual(done.code, 2, text)
            self.assertRegex(done.err, problem)
        self.profile('credential_source = "nosuch"')
        self.assertIn("there is no credential source 'nosuch'", self.run_moonkey("-p", "p", "whoami").err)

    def test_it_is_in_no_lua_that_scripts_run_in(self):
        self.source("leak = io.open('store'):read('a') return function() return leak end")
        code = "print(rawget(_G, 'leak'), package.loaded['moonkey.credential.own'], token.get('TKN-0000-0002').id)"
        done = self.run_moonkey("-p", "p", "run", "-e", code)
        self.assertEqual((done.code, done.out, done.err), (0, "nil\tnil\tTKN-0000-0002\n", ""))

    def test_a_secret_object_will_do(self):
        self.source("return { read = function() return require('moonkey.secret').new(io.open('store'):read('a')) end }")
        self.assertEqual(self.run_moonkey("-p", "p", "whoami").code, 0)

    def test_a_project_cannot_stand_in_for_it(self):
        self.source("return function() return io.open('store'):read('a') end")
        self.module("credential", "own", "io.stderr:write('stolen\\n') return function() return 'x' end")
        done = self.run_moonkey("-p", "p", "whoami")
        self.assertEqual((done.code, done.err), (0, ""))
        os.remove(self.path(".config/moonkey/lua/moonkey/credential/own.lua"))
        self.assertIn("stolen", self.run_moonkey("-p", "p", "whoami").err)  # it is found there, where there is no other

    def test_a_profile_says_one_source_and_no_secret(self):
        for fields, problem in ((['credential_source = "a"', 'credential_command = "x"'], "credential_command and credential_source exclude each other"),
                                (['credential_options = { path = "x" }'], "credential_options are for credential_source"),
                                (['credential_source = "../x"'], "expected the name of a module"),
                                (['credential_source = "a"', f'credential_options = {{ key = "{BARE}" }}'], "holds no secrets"),
                                (['credential_source = "a"', 'credential_options = { deep = { password = "x" } }'], "holds no secrets"),
                                (['checks = "naming"'], "expected a list of texts"), (['checks = { "a/b" }'], "expected a list of names")):
            self.profile(*fields)
            done = self.run_moonkey("-p", "p", "whoami")
            self.assertEqual(done.code, 2, fields)
            self.assertIn(problem, done.err)

    def test_it_is_printed_to_no_terminal(self):
        self.source("return function() return io.open('store'):read('a') end")
        done = self.run_moonkey("-p", "p", "--help")
        self.assertNotIn("credential-source", done.out)
        done = self.run_moonkey("credential-source")
        self.assertEqual((done.code, done.out), (2, ""))


class Checks(ExtensionCase):
    def setUp(self):
        super().setUp()
        self.write("rows.csv", "id,name,modules\nTKN-0000-0002,CRM,MOD-1756\nTKN-0000-0003,Robot - X,\nTKN-0000-0004,Robot - X,\nTKN-0000-0005,,\n")
        self.example("check", "naming", ".config/moonkey/lua")
        self.example("check", "forbidden_modules")

    def moonkey(self, *args, env=None):
        return self.run_moonkey("--emulator=e.db", *args, env=env)

    def names(self):
        done = self.moonkey("run", "-e", "for i = 2, 5 do io.write(token.get('TKN-0000-000' .. i).name, ';') end")
        return done.out

    def test_the_examples(self):
        before = self.names()
        self.moonkey("run", "-e", "token.update('TKN-0000-0002', { modules = {} })")
        done = self.moonkey("plan", "rows.csv", "--check", "naming", "--check", "forbidden_modules", "-o", "p.plan")
        self.assertEqual(done.code, 5, done.err)
        self.assertIn("3 to change, 1 invalid row", done.out)
        told = [line for line in done.err.splitlines() if "check '" in line]
        self.assertEqual(told, [
            'moonkey: check \'naming\': TKN-0000-0002 (line 2): the name "CRM" is not of the form "what - for whom"',
            "moonkey: check 'forbidden_modules': TKN-0000-0002 (line 2): MOD-1756 is not to be granted "
            "(Access Management: whoever has it can make tokens)",
            "moonkey: check 'naming': TKN-0000-0003, TKN-0000-0004 would all be called \"Robot - X\""])
        self.assertIn("3 violations stand in the way: the plan does not pass its checks", done.err)
        self.assertNotIn("batch p.plan applies it", done.err)
        done = self.moonkey("batch", "p.plan")  # it knows its checks
        self.assertEqual(done.code, 5)
        self.assertEqual(len(re.findall("check '", done.err)), 3)
        self.assertEqual(self.names(), before)

    def test_what_passes_is_applied_and_taken_back(self):
        self.write("rows.csv", "id,name\nTKN-0000-0002,Robot - Y\n")
        done = self.moonkey("plan", "rows.csv", "-o", "p.plan")
        done = self.moonkey("batch", "p.plan", "--check", "naming")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("Robot - Y", self.names())
        self.assertEqual(self.moonkey("undo", "last", "--yes").code, 0)  # though "Catalog import 0002" would not pass
        self.assertNotIn("Robot - Y", self.names())

    def test_a_profile_has_them(self):
        api = self.emulator("--seed", "5")
        self.write("cred", api.credential, 0o600)
        self.write(".config/moonkey/config.lua",
                   f'return {{ p = {{ base_url = "{api.url}", credential_file = "~/cred", checks = {{ "naming" }} }} }}')
        done = self.run_moonkey("-p", "p", "batch", "rows.csv")
        self.assertEqual(done.code, 5)
        self.assertIn("profile 'p' has checks (naming), which a plan has to pass: moonkey plan FILE -o PLAN", done.err)
        self.run_moonkey("plan", "rows.csv", "-o", "p.plan", env=api.env)
        done = self.run_moonkey("-p", "p", "batch", "p.plan")
        self.assertEqual(done.code, 5)
        self.assertIn("check 'naming': TKN-0000-0002 (line 2)", done.err)
        self.assertEqual(self.run_moonkey("-p", "p", "plan", "rows.csv").code, 5)
        self.module("check", "naming", "return function() end")  # a project's does not come before the user's
        self.assertEqual(self.run_moonkey("-p", "p", "batch", "p.plan").code, 5)
        os.remove(self.path(".config/moonkey/lua/moonkey/check/naming.lua"))
        os.remove(self.path("lua/moonkey/check/naming.lua"))
        done = self.run_moonkey("-p", "p", "batch", "p.plan")
        self.assertEqual(done.code, 2)
        self.assertIn("there is no check 'naming'", done.err)
        self.assertEqual(self.token(api.env, "TKN-0000-0002")["name"], "Catalog import 0002")

    def test_one_that_fails_lets_nothing_pass(self):
        self.moonkey("plan", "rows.csv", "-o", "p.plan")
        before = self.names()
        for text, problem in (("return function(c) c.changes[1].to, c.after.name = 'x', 'x' error('oops') end", "the check 'own' (./lua/moonkey/check/own.lua) "
                               "failed: TKN-0000-0002 (line 2): ./lua/moonkey/check/own.lua:1: oops; nothing was applied"),
                              ("return { check = print, finish = function() error('late', 0) end }", "failed: late; nothing was applied")):
            self.module("check", "own", text)
            done = self.moonkey("batch", "p.plan", "--check", "own")
            self.assertEqual(done.code, 1, done.err)
            self.assertIn(problem, done.err)
        self.module("check", "own", "return {}")
        self.assertEqual(self.moonkey("batch", "p.plan", "--check", "own").code, 2)
        self.assertEqual(self.names(), before)

    def test_a_check_sees_a_copy_and_changes_neither_the_plan_nor_what_others_see(self):
        self.module("check", "a", "return function(c, report) c.changes[1].to, c.after.name, c.id = 'changed', 'changed', 'x' "
                    "c.after.modules[1] = 'MOD-9999' report() end")
        self.module("check", "b", "return function(c, report) report(c.before.name .. ' -> ' .. c.changes[1].to .. ', ' .. c.after.name .. ', ' "
                    ".. c.after.modules[1]) end")
        self.write("rows.csv", "id,name,modules\nTKN-0000-0002,New,MOD-9042\n")
        done = self.moonkey("plan", "rows.csv", "--check", "a", "--check", "b", "-o", "p.plan")
        self.assertEqual(done.code, 5)
        self.assertIn("check 'a': TKN-0000-0002 (line 2): it is not permitted\n", done.err)
        self.assertIn("check 'b': TKN-0000-0002 (line 2): Catalog import 0002 -> New, New, MOD-9042\n", done.err)
        self.assertIn('"to":"New"', self.read("p.plan"))

    def test_rows_without_a_plan_cannot_be_checked(self):
        done = self.moonkey("batch", "rows.csv", "--check", "naming")
        self.assertEqual(done.code, 2)
        self.assertIn("--check is for a plan", done.err)
        done = self.moonkey("plan", "rows.csv", "--check", "nosuch")
        self.assertEqual(done.code, 2)
        self.assertIn("there is no check 'nosuch'; there are forbidden_modules, naming; `moonkey modules-path` shows", done.err)
        self.assertIn("did you mean 'naming'?", self.moonkey("plan", "rows.csv", "--check", "namin").err)


if __name__ == "__main__":
    main()
