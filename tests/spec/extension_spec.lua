-- Which modules are extensions, which of two counts, and what is said of one that cannot be used.
local child = require "child"
local kinds = require "moonkey.extension.kinds"

-- What `code` prints in a directory with these files: path → text.
local function eval(code, files, env)
  local dir = child.directory(finally)
  for path, text in pairs(files) do child.write(("%s/%s"):format(dir, path), text) end
  local exit, out, err = child.run({ "run", "-e", 'local extension = require "moonkey.extension" ' .. code },
    { dir = dir, env = ("HOME=%s XDG_CONFIG_HOME=%s/config %s"):format(dir, dir, env or "") })
  assert.equal(0, exit, err)
  return (out:gsub(dir:gsub("%p", "%%%0"), "DIR"))
end

local LIST = 'for _, e in ipairs(extension.%s "%s") do print(e.name, e.module, e.path, e.shadowed_by) end'

describe("extension.list", function()
  it("looks in the project, beside the configuration, and in the trees of LuaRocks", function()
    local out = eval(LIST:format("list", "command"), {
      ["lua/moonkey/command/a.lua"] = "", ["config/moonkey/lua/moonkey/command/b.lua"] = "",
      ["lua_modules/moonkey/command/c.lua"] = "", ["lua_modules/share/lua/5.4/moonkey/command/d/init.lua"] = "",
      [".luarocks/share/lua/5.4/moonkey/command/e-f.lua"] = "",
    })
    assert.equal([[
a	moonkey.command.a	./lua/moonkey/command/a.lua	nil
b	moonkey.command.b	DIR/config/moonkey/lua/moonkey/command/b.lua	nil
c	moonkey.command.c	./lua_modules/moonkey/command/c.lua	nil
d	moonkey.command.d	./lua_modules/share/lua/5.4/moonkey/command/d/init.lua	nil
e-f	moonkey.command.e-f	DIR/.luarocks/share/lua/5.4/moonkey/command/e-f.lua	nil
]], out)
  end)

  it("loads nothing, and leaves out what is no module", function()
    local out = eval(LIST:format("list", "command"), {
      ["lua/moonkey/command/a.lua"] = "os.exit(9)", ["lua/moonkey/command/b.txt"] = "", ["lua/moonkey/command/.c.lua"] = "",
      ["lua/moonkey/command/d e.lua"] = "", ["lua/moonkey/command/f/other.lua"] = "",
    })
    assert.equal("a\tmoonkey.command.a\t./lua/moonkey/command/a.lua\tnil\n", out)
  end)
end)

describe("of two with one name", function()
  local both = function(kind)
    return { [("lua/moonkey/%s/x.lua"):format(kind)] = "", [("config/moonkey/lua/moonkey/%s/x.lua"):format(kind)] = "" }
  end

  it("the project's counts, where the user names it himself", function()
    for _, kind in ipairs{ "command", "format", "output" } do
      local out = eval(LIST:format("all", kind), both(kind))
      assert.matches("%./lua/moonkey/%a+/x%.lua\tnil\n.*DIR/config/%S+\t%./lua/moonkey/%a+/x%.lua\n$", out)
    end
  end)

  it("the user's counts, where a profile names it", function()
    for _, kind in ipairs{ "credential", "check" } do
      local out = eval(LIST:format("all", kind), both(kind))
      assert.matches("DIR/config/%S+\tnil\n.*%./lua/moonkey/%a+/x%.lua\tDIR/config/%S+\n$", out)
    end
  end)

  it("what is built in counts", function()
    for kind, name in pairs{ command = "run", format = "tsv", output = "json" } do
      local file = ("lua/moonkey/%s/%s.lua"):format(kind, name)
      assert.matches("\tmoonkey itself\n$", eval(LIST:format("all", kind), { [file] = "" }))
      assert.equal("nil\n", eval(("print((extension.find(%q, %q)))"):format(kind, name), { [file] = "" }))
    end
  end)
end)

describe("extension.load", function()
  local function message_for(kind, text)
    return eval(('print(select(2, extension.load("%s", "x")))'):format(kind), { [("lua/moonkey/%s/x.lua"):format(kind)] = text })
  end

  it("names the file and the mistake", function()
    local where = "the command 'x' cannot be loaded: %./lua/moonkey/command/x%.lua:"
    assert.matches("^" .. where .. "1: unexpected symbol near '='", message_for("command", "x = = 1"))
    assert.matches("^" .. where .. "2: oops", message_for("command", "\nerror 'oops'"))
    assert.matches("^" .. where .. "1: undefined global 'jsn'", message_for("command", "jsn.encode()"))
    assert.matches("^" .. where .. "1: module 'nosuch' not found", message_for("command", "require 'nosuch'"))
    assert.matches("^" .. where .. " it returns nothing; expected { summary =", message_for("command", ""))
    assert.matches("^" .. where .. " it returns a number; expected", message_for("command", "return 1"))
    assert.matches("^" .. where .. " it has no function `run`", message_for("command", "return {}"))
    assert.matches("^" .. where .. " `run` must be a function, and is a string", message_for("command", "return { run = 'x' }"))
    assert.matches("^" .. where .. " `summary` must be text", message_for("command", "return { run = print, summary = {} }"))
    assert.matches("has no function `report` or `list`", message_for("output", "return { summary = 'x' }"))
    assert.matches("has no function `open`", message_for("format", "return {}"))
    assert.matches("returns a boolean", message_for("check", "return false"))
  end)

  it("takes a function alone where there is only one", function()
    for _, kind in ipairs{ "credential", "check" } do
      local value = assert(kinds[kind]:accept(print))
      assert.equal(print, value[kinds[kind].alone])
    end
    assert.is_nil((kinds.command:accept(print)))
  end)

  it("loads once, whatever comes of it", function()
    local code = 'extension.load("command", "x") extension.load("command", "x") print(rawget(_G, "count"))'
    for _, rest in ipairs{ "return { run = print }", "error 'no'" } do
      assert.equal("1\n", eval(code, { ["lua/moonkey/command/x.lua"] = "count = (rawget(_G, 'count') or 0) + 1 " .. rest }))
    end
  end)

  it("suggests the nearest name", function()
    assert.matches("there is no command 'helo', did you mean 'hello'%?",
      eval('print(select(2, extension.load("command", "helo")))', { ["lua/moonkey/command/hello.lua"] = "return { run = print }" }))
    assert.matches("there is no format 'csb', did you mean 'csv'%?", eval('print(select(2, extension.load("format", "csb")))', {}))
  end)

  it("does not take a file that everyone can change, nor a name that leads elsewhere", function()
    local dir = child.directory(finally)
    child.write(dir .. "/lua/moonkey/command/x.lua", "return { run = print }")
    child.write(dir .. "/lua/moonkey/y.lua", "return { run = print }")
    os.execute(("chmod 666 '%s/lua/moonkey/command/x.lua'"):format(dir))
    local function load(name)
      local _, out = child.run({ "run", "-e", ('print(require("moonkey.extension").load("command", %q))'):format(name) }, { dir = dir })
      return out
    end
    assert.matches("x%.lua: it can be changed by everyone; run: chmod o%-w %./lua/moonkey/command/x%.lua", load "x")
    for _, name in ipairs{ "../y", "a/b", "", ".", "x.lua" } do assert.matches("^nil\tthere is no command", load(name)) end
  end)
end)
