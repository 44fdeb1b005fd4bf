"""Ways out of Lua sandboxes that are known, tried on --restricted: each a line of Lua, and what has to come of it."""
import json
import unittest

from harness import Case, main

DENIED = r"is not available to a restricted script"
ABSENT = r"attempt to (index|call) a nil value"

# (what is tried, its result or error as a pattern)
ESCAPES = [
    # bytecode
    ("string.dump(print)", DENIED),
    ("('').dump(function() end)", DENIED),
    ("load('\\27Lua')", r"^nil\t.*attempt to load a binary chunk"),
    ("load('\\27Lua', 'x', 'b')", r"^nil\tbytecode is not for"),
    ("load('\\27Lua', 'x', 'bt')", r"^nil\t.*attempt to load a binary chunk"),
    ("(function() local sent return load(function() if not sent then sent = true return '\\27Lua' end end) end)()",
     r"^nil\t.*attempt to load a binary chunk"),
    # more code gets the same globals, or those that it is given
    ("load('return _G')() == _G", "^true"),
    ("load('return _ENV')() == _G", "^true"),
    ("load('return io.popen(...)', 'x', 't')('id')", DENIED),
    ("load('return x', 'x', 't', { x = 5 })()", "^5"),
    ("load('return x', 'x', nil, { x = 5 })()", "^5"),
    ("load('return print', 'x', 't', nil)()", "attempt to index a nil value"),
    ("setmetatable({}, { __index = load }).x", "a function or a string expected"),
    # the metatable of strings
    ("getmetatable('')", "^nil$"),
    ("getmetatable('').__index", ABSENT),
    ("setmetatable('', {})", "table expected, got string"),
    # debug
    ("debug.getregistry()", DENIED), ("debug.getupvalue(print, 1)", DENIED), ("debug.setupvalue(print, 1, 1)", DENIED),
    ("debug.getlocal(1, 1)", DENIED), ("debug.sethook(print, 'l')", DENIED), ("debug.getinfo(1, 'f').func", DENIED),
    ("debug.setmetatable('', nil)", DENIED), ("debug.upvaluejoin(print, 1, print, 1)", DENIED),
    ("xpcall(function() error('e') end, debug.traceback)", r"^false\t.*e\nstack traceback"),
    ("debug.traceback({}) ~= nil and type(debug.traceback({}))", "^table$"),
    ("debug.traceback(coroutine.create(print))", "^stack traceback"),
    # packages
    ("package.loadlib('libc.so.6', '*')", DENIED), ("package.searchpath('x', '?')", DENIED),
    ("package.searchers", "^nil$"), ("package.cpath", "^$"),
    ("require 'cjson'", "not for a restricted script: require \"moonkey.json\" instead"),
    ("require 'moonkey.control'", "not for a restricted script"), ("require 'moonkey.process'", "not for a restricted script"),
    ("require 'moonkey.sqlite'", "not for a restricted script"), ("require 'moonkey.files'", "not for a restricted script"),
    ("require 'moonkey.beneath'", "not for a restricted script"), ("require 'moonkey.limits'", "not for a restricted script"),
    ("require 'moonkey.cli.run'", "not for a restricted script"), ("require 'moonkey'", "not for a restricted script"),
    ("require 'moonkey.token.core'", "not for a restricted script"), ("require 'argparse'", "not for a restricted script"),
    ("require 'native'", "a C module, which a restricted script cannot load"),
    ("(function() package.cpath = './?.so' package.path = './?.so' return require 'native' end)()", "a C module"),
    ("require '../outside'", "a name is of letters"), ("require '/etc/x'", "a name is of letters"),
    ("require 'a..outside'", "a name is of letters"), ("require 'a\\0b'", "a name is of letters"),
    ("(function() package.preload['moonkey.control'] = function() return 'fake' end return require 'moonkey.control' end)()",
     "not for a restricted script"),
    ("(function() package.preload.mine = function() return 'mine' end return require 'mine' end)()", "^mine\t:preload:$"),
    ("(function() local n = {} for k in pairs(package.loaded) do n[#n + 1] = k end table.sort(n) return table.concat(n, ' ') end)()",
     r"^_G coroutine debug io math mine (moonkey\.\w+ )+os package string table utf8$"),
    ("package.loaded.io.popen('id')", DENIED), ("package.loaded._G == _G and package.loaded._G.os.execute('id')", DENIED),
    ("package.loaded.debug.getregistry()", DENIED), ("require('beside').env == _G and require('beside').io", DENIED),
    # the system
    ("os.execute('id')", DENIED), ("os.exit(0)", DENIED), ("os.remove('x')", DENIED), ("os.rename('x', 'y')", DENIED),
    ("os.tmpname()", DENIED), ("os.setlocale('C')", DENIED), ("os.getenv('HOME')", "--allow-env HOME would permit it"),
    ("io.open('/etc/passwd')", "--allow-read /etc would permit it"), ("io.open('x', 'w')", "--allow-write .* would permit it"),
    ("io.open('x\\0y')", "zero byte"), ("io.open({})", "expected the name of a file"), ("io.open('x', 'rw')", "invalid mode"),
    ("io.lines('/etc/passwd')()", "--allow-read /etc would permit it"), ("io.popen('id')", DENIED), ("io.tmpfile()", DENIED),
    ("io.input('/etc/passwd')", DENIED), ("io.output('x')", DENIED), ("getmetatable(io.stdout)", "^nil$"),
    ("io.stdout.__index", "^nil$"), ("io.stdout.__gc", "^nil$"), ("dofile('/etc/passwd')", DENIED),
    ("loadfile('/etc/passwd')", DENIED), ("collectgarbage('stop')", DENIED), ("rawget(_G, 'warn')", "^nil$"),
    # metatables
    ("setmetatable({}, { __gc = print })", "__gc is not available"),
    ("setmetatable({}, setmetatable({}, { __index = { __gc = print } })) ~= nil", "^true"),
    ("(function() local t = setmetatable({}, { __metatable = 1 }) return getmetatable(t), pcall(setmetatable, t, {}) end)()",
     "^1\tfalse\tcannot change a protected metatable"),
    ("(function() local m = {} return getmetatable(setmetatable({}, m)) == m end)()", "^true"),
    ("(function() local _, e = token.get('TKN-9999-9999') return getmetatable(e), e.__index, e.__tostring end)()", "^nil\tnil\tnil$"),
    ("(function() local _, e = token.get('TKN-9999-9999') return setmetatable(e, {}) end)()", "cannot change a protected metatable"),
    ("getmetatable(task.spawn(print))", "^nil$"), ("task.spawn(print).__index", "^nil$"),
    ("getmetatable(secret.new('x'))", "^nil$"), ("getmetatable(json.array())", "^nil$"), ("getmetatable(json.null)", "^nil$"),
    ("getmetatable(rql.eq('a', 'b'))", "^nil$"), ("getmetatable(coroutine.running())", "^nil$"), ("getmetatable(print)", "^nil$"),
    # the host's coroutines
    ("(function() local me = coroutine.running() return task.spawn(function() return coroutine.resume(me) end):join() end)()",
     "cannot resume the coroutine of a task|^false$"),
    ("(function() local me = coroutine.running() return task.spawn(function() return pcall(coroutine.close, me) end):join() end)()",
     "cannot close the coroutine of a task|^false$"),
    ("coroutine.wrap(function() return pcall(io.open, '/etc/passwd') end)()", "--allow-read"),
    ("coroutine.close(coroutine.create(print))", "^true"),
    # values that are looked at by the host
    ("token.update('TKN-0000-0002', setmetatable({ name = 'n' }, { __pairs = error, __index = error })).name", "^n$"),
    ("json.encode(setmetatable({ a = 1 }, { __index = io, __pairs = error, __len = error }))", '^{"a":1}'),
    ("(function() local asked = 0 local options = setmetatable({}, { __index = function() asked = asked + 1 end }) "
     "api.request('GET', '/accounts/modules', options) return asked end)()", "^0$"),
    ("token.update('TKN-0000-0002', { modules = { setmetatable({}, { __index = function() return 'MOD-0001' end }) } })",
     r"modules\[1\]: expected an id"),
    ("token.create(setmetatable({ icon = 'i' }, { __index = function() return 'n' end }))", "a new token needs a name"),
    ("tostring(setmetatable({}, { __tostring = function() return os.execute('id') end }))", DENIED),
    ("tostring(setmetatable({}, { __name = 'x' })):sub(1, 2)", "^x:"),
    ("pcall(error, setmetatable({}, { __index = io }))", "^false"),
    ("(function() goto over do return 1 end ::over:: return 2 end)()", "^2$"),
    # sizes
    ("string.rep('x', math.maxinteger)", "resulting string too large"), ("string.rep('x', -1)", "^$"),
    ("('x'):rep(1 << 40, 'y')", "resulting string too large|not enough memory"),
    ("table.unpack({}, 1, 1e8)", "too many results to unpack"), ("table.unpack({}, math.mininteger, math.maxinteger)", "too many"),
    ("table.move({}, 1, math.maxinteger, 2)", "too many elements|wrap around"), ("('x'):rep(100):byte(1, -1) ~= nil", "^true"),
    ("string.format('%99999d', 1)", "invalid conversion"), ("utf8.char(0x7fffffff + 1)", "value out of range"),
    ("select(-1, 1, 2)", "^2$"), ("select(math.mininteger)", "index out of range"),
    ("load('return ' .. ('('):rep(300) .. '1' .. (')'):rep(300))", "^nil\t.*(C stack overflow|too many C levels)"),
    # secrets
    ("secret.reveal(token.get('TKN-0000-0002').token)", "--allow-secret would permit it"),
    ("token.get('TKN-0000-0002').token", r"^\[redacted\]$"), ("('%s'):format(token.get('TKN-0000-0002').token)", r"^\[redacted\]$"),
    ("token.get('TKN-0000-0002').token .. ''", r"^\[redacted\]$"), ("#token.get('TKN-0000-0002').token", "attempt to get length"),
    ("json.encode(token.get('TKN-0000-0002')):match('\"token\":(\"[^\"]*\")')", r'^"\[redacted\]"$'),
    ("api.request('GET', '/accounts/api-tokens/TKN-0000-0002').token", r"^\[redacted\]$"),
    ("api.request('GET', '/accounts/api-tokens', { query = { limit = 1, select = 'token' } }).data[1].token", r"^\[redacted\]$|^nil$"),
    ("api.request('GET', '/accounts/modules', { headers = { Authorization = 'x' } })", "is the host's to set"),
    ("api.request('GET', '/accounts/modules', { headers = { ['X-Y'] = token.get('TKN-0000-0002').token } })", "that are strings"),
    ("table.concat{ token.get('TKN-0000-0002').token }", "invalid value"), ("rawlen(token.get('TKN-0000-0002').token)", "table or string"),
    ("rawequal(token.get('TKN-0000-0002').token, secret.new('x'))", "^false$"),
    ("next(token.get('TKN-0000-0002').token)", "table expected"),
    # the host's files, through the engine
    ("batch.run{ source = '/etc/passwd' }", "--allow-read /etc would permit it"),
    ("batch.run{ source = {}, journal = '/tmp/j' }", "--allow-write /tmp would permit it"),
    ("batch.run{ source = {} }", "journal = false does without one"), ("batch.run{ source = {}, journal = true }", "journal = false"),
    ("batch.run{ source = {}, journal = false, results = '/tmp/r' }", "--allow-write /tmp would permit it"),
    ("batch.run{ source = { next = print }, journal = false }", "source must be"),
    ("batch.run{ source = setmetatable({}, { __index = function(_, k) if k == 'next' then return print end end }), "
     "journal = false }.rows", "^0$"),
    ("batch.run{ source = setmetatable({}, { __len = function() return 2 end, __index = function() return {} end }), "
     "job = function() return true end, journal = false }.done", "^2$"),
    ("batch.run{ source = {}, journal = false, job = { run = print } }", "the table needs a function `job`"),
    ("batch.run(setmetatable({}, { __index = { source = '/etc/passwd', journal = false } }))", "source must be|journal"),
    ("batch.open_source", "^nil$"),
    ("(function() local got batch.run{ source = { {} }, journal = false, job = function(_, ctx) got = ctx return true end } "
     "return got.intend, got.record, got.hash, getmetatable(got), type(got.log.info) end)()", "^nil\tnil\tnil\tnil\tfunction$"),
    ("log.configure", "^nil$"), ("errors.MOST", "^nil$"), ("http.check_base_url", "^nil$"),
]

# What a script changes is its own: the host's code goes on as ever, after each of these, in a process of its own.
CHANGES = [
    ("(function() string.upper = function() return 'mine' end return ('x'):upper() end)()", "^X$"),
    ("rawset(string, 'format', nil) and ('%d'):format(5)", "^5$"),
    ("(function() token.get = nil json.encode = error task.spawn = error return require('moonkey.batch').run{ source = "
     "{ { id = 'TKN-0000-0002', name = 'n' } }, journal = false }.done end)()", "^1$"),
    ("(function() table.concat, table.insert, table.unpack, math.max, ipairs, next, type, error = nil return "
     "tostring(select(2, token.get('TKN-9999-9999'))) end)()", r"^GET \S+: 404 "),
    ("(function() for k in pairs(string) do string[k] = nil end return tostring(select(2, token.get('TKN-9999-9999'))) end)()", r"^GET \S+: 404 "),
    ("(function() json.decode, json.is_array, json.encode = error, error, error return "
     "tostring(select(2, token.get('TKN-9999-9999'))) end)()", r"^GET \S+: 404 "),
    ("(function() rql.eq, rql.null.x, json.null_ = nil, 1, 1 return tostring(select(2, token.get('TKN-9999-9999'))) end)()", r"^GET \S+: 404 "),
]

PRELUDE = """
local task, secret, json, rql = require "moonkey.task", require "moonkey.secret", require "moonkey.json", require "moonkey.rql"
local api, batch, log, http = require "moonkey.api", require "moonkey.batch", require "moonkey.log", require "moonkey.http"
local errors = require "moonkey.errors"
local encode, pack, pcall, tell = json.encode, table.pack, pcall, print
"""

CASE = "show(pack(pcall(function() return %s end)))\n"

SHOW = """
local concat, show_value = table.concat, tostring
local function show(results)
  local texts = {}
  for i = 2, results.n do texts[i - 1] = show_value(results[i]) end
  tell(encode({ ok = results[1], text = concat(texts, "\\t") }, { order = { "ok" } }))
end
"""


class Escapes(Case):
    def show(self, cases, script):
        self.write(script, PRELUDE + SHOW + "".join(CASE % code for code, _ in cases))
        done = self.run_moonkey("--emulator", "--restricted", "--allow-api", "* /**", "run", script)
        shown = [json.loads(line) for line in done.out.splitlines() if line.startswith('{"ok')]
        self.assertEqual((done.code, len(shown)), (0, len(cases)), done.err)
        for (code, expected), result in zip(cases, shown):
            with self.subTest(code):
                self.assertRegex(result["text"], expected)

    def test_changes(self):
        for case in CHANGES:
            self.show([case], "change.lua")

    def test_each(self):
        self.write("a/keep", "")
        self.write("outside.lua", "return 'outside'")
        self.write("scripts/native.so", "no library")
        self.write("scripts/beside.lua", "return { env = _G, io = select(2, pcall(io.popen, 'id')) }")
        self.show(ESCAPES, "scripts/escapes.lua")

    def test_the_same_succeeds_without(self):
        """The table proves something only where the same lines do what they are up to."""
        for code in ("string.dump(print ~= nil and function() end):sub(2, 4)", "getmetatable('').__index == string",
                     "type(debug.getregistry())", "type(require 'moonkey.sqlite')", "type(io.open('/etc/passwd'))", "os.getenv('HOME')",
                     "require('moonkey.secret').reveal(require('moonkey.secret').new('made up'))", "type(package.loadlib)"):
            done = self.run_moonkey("--emulator", "run", "-e", f"print({code})")
            self.assertEqual(done.code, 0, done.err)
            self.assertRegex(done.out, r"^(Lua|true|table|userdata|/.*|made up|function)\n$", code)

    def test_all_of_the_environment(self):
        """Nothing can be reached from the globals that is not meant to be: functions by name, and no table of the host's."""
        walk = """
        local seen, names = {}, {}
        local function walk(value, name)
          if type(value) == "table" and not seen[value] then
            seen[value] = true
            for k, v in next, value do walk(v, name .. "." .. tostring(k)) end
          elseif type(value) == "userdata" then names[#names + 1] = name
          end
        end
        walk(_G, "_G")
        for _, module in ipairs{ "api", "batch", "errors", "http", "json", "log", "modules", "rql", "secret", "task", "time" } do
          walk(require("moonkey." .. module), module)
        end
        table.sort(names)
        print(table.concat(names, " "))
        """
        done = self.run_moonkey("--emulator", "--restricted", "run", "-e", walk)
        self.assertEqual(done.code, 0, done.err)
        found = {name.replace("package.loaded.", "") for name in done.out.split()}
        self.assertEqual(found, {"_G.io.stderr", "_G.io.stdin", "_G.io.stdout", "json.null"})


if __name__ == "__main__":
    main()
