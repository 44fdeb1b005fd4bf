-- The command line: what it takes, and how it answers mistakes.
local child = require "child"
local commands = require("moonkey.cli").commands
local globals = require "moonkey.cli.globals"
local sys = require "moonkey.sys"

local root = (arg[0]:match("^(.*)/") or ".") .. "/../.."

local function ends(code, out, err, ...)
  local got, stdout, stderr = child.run(...)
  assert.equal(code, got)
  if out then assert.matches(out, stdout) else assert.equal("", stdout) end
  if err then assert.matches(err, stderr) else assert.equal("", stderr) end
end

describe("moonkey", function()
  it("shows help and version", function()
    ends(0, "^moonkey " .. sys.version():gsub("%.", "%%.") .. "\n  Lua  +5%.4%.%d+\n", nil, { "--version" })
    ends(0, "Usage: moonkey.*run.*batch.*emulator.*Exit: 0 done", nil, { "--help" })
    ends(0, "\n   batch +%l%l.*\n   queue +%l%l", nil, { "--help", "batch" })
    ends(0, "Usage: moonkey.*FILE", nil, { "batch", "--help" })
    ends(0, "SCRIPT", nil, { "run", "--help" })
    ends(0, "%-%-seed", nil, { "emulator", "--help" })
    ends(2, nil, "Usage: moonkey", {})
    for _, args in ipairs{ { "--help" }, { "batch", "--help" }, { "run", "--help" }, { "emulator", "--help" },
        { "token", "--help" }, { "token", "list", "--help" }, { "token", "get", "--help" }, { "token", "create", "--help" },
        { "token", "update", "--help" }, { "token", "disable", "--help" }, { "token", "delete", "--help" },
        { "modules", "--help" }, { "api", "--help" } } do
      local _, text = child.run(args)
      for line in text:gmatch("[^\n]+") do
        assert.is_true(utf8.len(line) <= 100, line)
      end
      assert.falsy(text:find("%f[^\n]%l+\n%l"), text) -- no word alone on its line
    end
  end)

  local mistakes = {
    ["no command 'batsh', did you mean 'batch'"] = { "batsh", "x" },
    ["unknown option '%-%-frobnicate'"] = { "run", "--frobnicate", "x.lua" },
    ["run needs a script"] = { "run" },
    ["cannot run nosuch%.lua: .*No such file"] = { "run", "nosuch.lua" },
    ["it is a directory"] = { "run", "/tmp" },
    ["%-%-retry"] = { "--retry", "many", "run", "-e", "" },
    ["%-%-max%-time"] = { "--max-time", "soon", "run", "-e", "" },
    ["%-%-rate"] = { "--rate", "fast", "run", "-e", "" },
    ["%-j %-1: expected"] = { "run", "-j", "-1", "-e", "" },
    ["%-%-retry %-1: expected"] = { "--retry", "-1", "run", "-e", "" },
    ["%-j"] = { "-j", "0", "run", "-e", "" },
    ["%-%-log%-level"] = { "--log-level", "loud", "run", "-e", "" },
    ["%-%-color"] = { "--color", "blue", "run", "-e", "" },
    ["%-%-proxy: .*belong into HTTPS_PROXY"] = { "-x", "http://u:hunter2#secret@proxy.test:80", "run", "-e", "" },
    ["exclude each other"] = { "--emulator", "--base-url", "http://127.0.0.1:1", "run", "-e", "" },
    ["%-%-cacert: cannot read /nosuch"] = { "--cacert", "/nosuch", "run", "-e", "" },
    ["%-%-cacert: cannot read /tmp: it is a directory"] = { "--cacert", "/tmp", "run", "-e", "" },
    ["%-%-cert: /etc/passwd has nothing in PEM format"] = { "--cert", "/etc/passwd", "run", "-e", "" },
    ["%-%-port 70000"] = { "emulator", "--port", "70000" },
    ["%-%-data needs the name"] = { "emulator", "--data", "" },
    ["%-%-results needs the name"] = { "batch", "x.csv", "--results", "" },
    ["%-%-results %-: standard output takes results with %-o"] = { "batch", "x.csv", "--results", "-" },
    ["/tmp: it is a directory; name a Lua file"] = { "batch", "x.csv", "--job", "/tmp" },
    ["%-%-seed 0"] = { "emulator", "--seed", "0" },
    ["nosuch%.csv"] = { "batch", "nosuch.csv" },
  }
  for message, args in pairs(mistakes) do
    it("answers `" .. table.concat(args, " ") .. "` with exit 2 and " .. message, function()
      ends(2, nil, "^moonkey: .*" .. message, args)
    end)
  end
end)

describe("a file of certificates", function()
  it("has something in PEM format, and a key comes with a certificate", function()
    local dir = child.directory(finally)
    child.write(dir .. "/empty.pem", "")
    child.write(dir .. "/some.pem", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")
    for message, args in pairs{
      ["%-%-key: empty%.pem has nothing in PEM format"] = { "--key", "empty.pem", "--cert", "some.pem" },
      ["%-%-key is of no use without %-%-cert"] = { "--key", "some.pem" },
    } do
      local code, _, err = child.run(table.move({ "run", "-e", "" }, 1, 3, #args + 1, args), { dir = dir })
      assert.equal(2, code)
      assert.matches(message, err)
    end
    assert.equal(0, child.run({ "--cert", "some.pem", "--key", "some.pem", "run", "-e", "" }, { dir = dir }))
  end)
end)

describe("moonkey run", function()
  it("gives arg and ... as lua does", function()
    local dir = child.directory(finally)
    child.write(dir .. "/a b.lua", "print(arg[0], #arg, arg[1], arg[2], arg[3], ...)")
    for _, args in ipairs{ { "run", "a b.lua", "x", "-e", "--flag y" }, { "a b.lua", "x", "-e", "--flag y" } } do
      local code, out, err = child.run(args, { dir = dir })
      assert.same({ 0, "a b.lua\t3\tx\t-e\t--flag y\tx\t-e\t--flag y\n", "" }, { code, out, err })
    end
  end)

  it("runs code", function()
    ends(0, "^3\n$", nil, { "run", "-e", "print(1 + 2)" })
    ends(0, "^3\n$", nil, { "-e", "print(1 + 2)" })
    ends(0, "^3\n$", nil, { "-eprint(1 + 2)" })
    ends(0, "^3\n$", nil, { "--eval=print(1 + 2)" })
    ends(0, "^3\n$", nil, { "run", "-eprint(1 + 2)" })
    ends(0, "^1\n2\n$", nil, { "run", "-e", "x = 1 print(x)", "-e", "print(x + 1)" })
  end)

  it("takes --emulator=FILE wherever a global option may stand", function()
    local dir = child.directory(finally)
    local code = 'print(token.get("TKN-0000-0003").name)'
    child.write(dir .. "/a.csv", "id,name\nTKN-0000-0003,Kept\n")
    child.write(dir .. "/a.lua", code .. " print(...)")
    for _, args in ipairs{ { "batch", "--emulator=em.db", "a.csv" }, { "-j", "5", "--emulator=em.db", "batch", "a.csv" },
        { "batch", "a.csv", "-j", "5", "--emulator=em.db" } } do
      local got, _, err = child.run(args, { dir = dir })
      assert.same({ 0, 1 }, { got, select(2, err:gsub("1 done, 0 failed", "")) })
    end
    local got, out = child.run({ "run", "--emulator=em.db", "-e", code }, { dir = dir })
    assert.same({ 0, "Kept\n" }, { got, out })
    got, out = child.run({ "run", "--emulator=em.db", "a.lua", "--emulator=its own" }, { dir = dir })
    assert.same({ 0, "Kept\n--emulator=its own\n" }, { got, out })
  end)

  it("runs standard input", function()
    local code, out = child.run({ "run", "-", "a" }, { stdin = "#!/usr/bin/env -S moonkey run\nprint(arg[0], ...)" })
    assert.same({ 0, "-\ta\n" }, { code, out })
  end)

  it("ends errors of every kind in a message with file and line, exit 1", function()
    local dir = child.directory(finally)
    for text, message in pairs{
      ["local x = nil\nx.y = 1"] = "s%.lua:2: attempt to index a nil value.*stack traceback:.*s%.lua:2: in main chunk",
      ["\nx = = 1"] = "s%.lua:2: unexpected symbol",
      ["error{ code = 1 }"] = "error object is a table value.*s%.lua:1",
      ["error()"] = "nil",
      ["error(setmetatable({}, { __tostring = function() return 'mine' end }))"] = "moonkey: mine\nstack traceback",
      ["assert(false)"] = "assertion failed",
      ["string.rep('x', -1)\nstring.rep()"] = "s%.lua:2: bad argument #1 to 'rep'",
      ["local function f() return f() + 1 end f()"] = "stack overflow",
      ["coroutine.wrap(function() error('in a coroutine') end)()"] = "in a coroutine",
    } do
      child.write(dir .. "/s.lua", text)
      local code, out, err = child.run({ "run", "s.lua" }, { dir = dir })
      assert.same({ 1, "" }, { code, out })
      assert.matches(message, err)
      assert.is_nil(err:find("moonkey/cli", 1, true), err)
    end
  end)

  it("fails when its output could not be written", function()
    for _, code in ipairs{ "print(1)", "io.write(('x'):rep(100000))", "io.write 'x'" } do
      local status, _, err = child.run({ "run", "-e", code }, { out = "/dev/full" })
      assert.equal(1, status)
      assert.matches("cannot write to standard output", err)
    end
  end)
end)

describe("colour", function()
  it("is as --color, NO_COLOR and CLICOLOR_FORCE say", function()
    local function colored(args, env)
      table.move({ "run", "-e", "require('moonkey.log').error('x')" }, 1, 3, #args + 1, args)
      local _, _, err = child.run(args, { env = env })
      return err:find("\27[", 1, true) ~= nil
    end
    assert.is_false(colored({}))
    assert.is_true(colored({ "--color", "always" }))
    assert.is_true(colored({}, "CLICOLOR_FORCE=1"))
    assert.is_false(colored({}, "CLICOLOR_FORCE=1 NO_COLOR=1"))
    assert.is_false(colored({ "--color", "never" }, "CLICOLOR_FORCE=1"))
  end)
end)

describe("the log", function()
  it("has levels and a JSON form", function()
    local _, _, err = child.run{ "--log-level", "warn", "run", "-e", "local l = require 'moonkey.log' l.info('i') l.warn('%d%%', 5) l.error('100%')" }
    assert.equal("moonkey: warning: 5%\nmoonkey: 100%\n", err)
    _, _, err = child.run{ "--log-format", "json", "run", "-e", "require('moonkey.log').info('a \"b\"\\n')" }
    local line = require("moonkey.json").decode(err)
    assert.same({ "info", 'a "b"\n' }, { line.level, line.message })
    assert.is_truthy(require("moonkey.time").parse(line.time))
  end)
end)

-- Are all the flags and commands there are described, and only those?
local function read_text(name)
  local file <close> = assert(io.open(root .. "/" .. name))
  return file:read("a")
end

-- The manual as it reads: without the comments, font changes and escapes of roff.
local function manual()
  local code, page = child.run{ "help", "--man", "moonkey.1" }
  assert.equal(0, code)
  return (page:gsub('%.\\"[^\n]*', ""):gsub("\\f[BIRP]", ""):gsub("\\%-", "-"))
end

-- The text under a heading such as ".SS batch"; nil where there is none.
local function section(text, heading)
  local _, from = text:find("\n" .. heading .. "\n", 1, true)
  return from and text:sub(from, (text:find("\n%.S[SH] ", from) or #text + 1))
end

-- The flags in a text, as a set.
local function flags_in(text)
  local flags = {}
  for flag in text:gmatch("%f[%w-]%-%-?%a[%w-]*") do flags[flag] = true end
  return flags
end

-- What --help says that a command takes of its own.
local function flags_of(...)
  local words = table.pack(...)
  words[#words + 1] = "--help"
  local code, help = child.run(words)
  assert.equal(0, code)
  local flags = flags_in((help:gsub("^Usage: (.-)\n\n.*\nOptions:\n", "%1\n")))
  flags["-h"], flags["--help"] = nil, nil
  return flags
end

-- The same, with those of its subcommands.
local function all_flags_of(command)
  local flags = flags_of(command)
  for _, name in ipairs(require("moonkey.cli").command(command).subcommands or {}) do
    for flag in pairs(flags_of(command, name)) do flags[flag] = true end
  end
  return flags
end

local function expect_in(described, flags, where)
  for flag in pairs(flags) do assert.is_true(described[flag], ("%s is not in %s"):format(flag, where)) end
end

describe("the manual", function()
  local text = manual()

  local known = flags_in("-h --help -V --version")
  for _, option in ipairs(globals.options) do
    for flag in pairs(flags_in(option[1])) do known[flag] = true end
  end

  it("describes every global option", function()
    expect_in(flags_in(section(text, ".SH GLOBAL OPTIONS")), known, "GLOBAL OPTIONS")
  end)

  local own = {}
  for _, command in ipairs(commands) do
    it("describes " .. command .. " with every option of its own", function()
      own[command] = all_flags_of(command)
      expect_in(flags_in(assert(section(text, ".SS " .. command), "no section")), own[command], "the section of " .. command)
    end)
  end

  it("and README.md name no option that there is not", function()
    for _, flags in pairs(own) do
      for flag in pairs(flags) do known[flag] = true end
    end
    expect_in(known, flags_in((text:gsub("env %-S", ""))), "the options")
    local readme = read_text("README.md"):match("^(.*)\n## Where things are"):gsub("(/[%w_]+%.lua) [^\n]*", "%1") -- a script's own
    known["--apply"], known["--days"] = true, true -- of the scripts, too, and of the example of a command
    for flag in pairs(flags_in(readme)) do
      assert.is_true(known[flag] or not flag:find("^%-%-"), flag)
    end
  end)
end)

describe("README.md", function()
  it("uses every command", function()
    local used = {}
    for words in read_text("README.md"):gmatch("moonkey ([^\n`]+)") do
      local command = words:gsub("^%-%-%S+ ", ""):match("^[%a-]+")
      if command then used[command] = true end
    end
    for _, command in ipairs(commands) do assert.is_true(used[command], command) end
  end)
end)
