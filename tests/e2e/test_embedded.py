"""The modules in the program are there as text and as what the build has compiled of it: that is what is loaded, but only by the Lua
that has compiled it, and nothing can be seen of the difference.
"""
import shutil
import subprocess
import unittest

from harness import Case, main

# What is loaded of moonkey's own: a line a chunk, with whether it was compiled.
WITNESS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
%s
int luaL_loadbufferx(void *L, const char *chunk, size_t size, const char *name, const char *mode)
{
    int (*next)(void *, const char *, size_t, const char *, const char *) = dlsym(RTLD_NEXT, "luaL_loadbufferx");
    FILE *seen = name[0] == '@' ? fopen(getenv("WITNESS"), "a") : NULL;
    if (seen)
        fprintf(seen, "%%s %%s\\n", size > 4 && memcmp(chunk, "\\33Lua", 4) == 0 ? "compiled" : "text", name + 1), fclose(seen);
    return next(L, chunk, size, name, mode);
}
"""
OTHER_LUA = 'const char lua_ident[] = "$LuaVersion: Lua 5.4.0  another release $";'

# All that Lua can tell of functions, and a traceback through the host's own.
LOOK = r"""
local seen = {}
local function look(fn, name)
  local info = debug.getinfo(fn, "SLu")
  if info.what == "C" or seen[fn] then return end
  seen[fn] = true
  local lines = {}
  for line in pairs(info.activelines) do lines[#lines + 1] = line end
  table.sort(lines)
  local names = {}
  for i = 1, info.nparams do names[#names + 1] = debug.getlocal(fn, i) end
  for i = 1, info.nups do
    local up, value = debug.getupvalue(fn, i)
    names[#names + 1] = up
    if type(value) == "function" then look(value, name .. "." .. up) end
  end
  print(name, info.source, info.linedefined, info.lastlinedefined, table.concat(lines, ","), table.concat(names, " "))
end
local modules = {}
for name, module in pairs(package.loaded) do
  if name:find("^moonkey") and type(module) == "table" then modules[#modules + 1] = name end
end
table.sort(modules)
for _, name in ipairs(modules) do
  local names = {}
  for key, value in pairs(package.loaded[name]) do
    if type(key) == "string" and type(value) == "function" then names[#names + 1] = key end
  end
  table.sort(names)
  for _, key in ipairs(names) do look(package.loaded[name][key], name .. "." .. key) end
end
require("moonkey.batch").run{ source = {}, jobz = 1 }
"""


@unittest.skipUnless(shutil.which("cc"), "there is no C compiler")
class Embedded(Case):
    def loaded(self, *args, other_lua=False):
        """How it went, and of what modules the text was loaded, and of what the compiled form."""
        self.write("witness.c", WITNESS % (OTHER_LUA if other_lua else ""))
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.path("witness.so"), self.path("witness.c"), "-ldl"], check=True)
        self.write("seen", "")
        done = self.run_moonkey(*args, env={"LD_PRELOAD": self.path("witness.so"), "WITNESS": self.path("seen")})
        kinds = {"compiled": [], "text": []}
        for line in self.read("seen").splitlines():
            kind, name = line.split()
            kinds[kind].append(name)
        return done, kinds["compiled"], kinds["text"]

    def test_what_is_loaded_is_compiled(self):
        self.write("empty.lua", "")
        done, compiled, text = self.loaded("run", "empty.lua")
        self.assertEqual((done.code, done.err, text), (0, "", []))
        for name in ("argparse.lua", "moonkey/cli/init.lua", "moonkey/cli/run.lua"):
            self.assertIn(name, compiled)

    def test_text_for_another_lua(self):
        self.write("look.lua", LOOK)
        here, compiled, _ = self.loaded("run", "look.lua")
        there, nothing, text = self.loaded("run", "look.lua", other_lua=True)
        self.assertEqual((nothing, text), ([], compiled))
        self.assertGreater(len(here.out.splitlines()), 100)
        self.assertEqual((there.code, there.out), (here.code, here.out))
        self.assertRegex(here.err, r"unknown option 'jobz'")
        self.assertRegex(here.err, r"\n\tmoonkey/batch/init\.lua:\d+: in upvalue 'check'")
        self.assertEqual(there.err, here.err)


if __name__ == "__main__":
    main()
