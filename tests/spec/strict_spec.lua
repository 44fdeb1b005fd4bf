-- Undefined globals, and deprecations: what authors are told, and what libraries are spared.
local child = require "child"

local function run(code, args)
  local dir = child.directory(finally)
  child.write(dir .. "/s.lua", code)
  local words = { "--emulator", "run", "s.lua" }
  if args then words = table.move(args, 1, #args, 2, { "--emulator" }) end
  local exit, out, err = child.run(words, { dir = dir })
  return { code = exit, out = out, err = err, dir = dir }
end

describe("an undefined global", function()
  it("is an error at the line that reads it, with the nearest name", function()
    local done = run "local x = 1\n\nprint(tokn.get('TKN-0000-0002'))"
    assert.equal(1, done.code)
    assert.matches("s%.lua:3: undefined global 'tokn'; did you mean 'token'%?", done.err)
  end)

  it("of one letter is not taken for any other of one letter", function()
    assert.matches("s%.lua:1: undefined global 'y'; where it may be missing, ask for rawget", run("x = 1 print(y)").err)
  end)

  it("is an error in code of the command line and of standard input, too", function()
    local code, _, err = child.run{ "--emulator", "run", "-e", "return strng" }
    assert.equal(1, code)
    assert.matches("undefined global 'strng'; did you mean 'string'%?", err)
    code, _, err = child.run({ "--emulator", "run", "-" }, { stdin = "return strng" })
    assert.equal(1, code)
    assert.matches("stdin:1: undefined global 'strng'", err)
  end)

  it("that is a module of ours says how it is had", function()
    assert.matches("undefined global 'json': local json = require \"moonkey%.json\" makes it known", run("print(json.null)").err)
  end)

  it("that is near nothing says how to ask for it", function()
    assert.matches("undefined global 'quux_is_far'; where it may be missing, ask for rawget%(_G, \"quux_is_far\"%)",
      run("print(quux_is_far)").err)
  end)

  it("is an error through _G, and can be caught", function()
    local done = run "print(pcall(function() return _G.tokn end))"
    assert.equal(0, done.code)
    assert.matches("^false\t.*s%.lua:1: undefined global 'tokn'", done.out)
  end)

  it("is not one once it was set, also to nil, by whomever", function()
    local done = run [[
      a = nil
      local function set() b, c = 1, nil end
      set()
      local key = "d"
      _G[key] = false
      print(a, b, c, d, rawget(_G, "nothing"), _G[1])]]
    assert.equal(0, done.code, done.err)
    assert.equal("nil\t1\tnil\tfalse\tnil\tnil\n", done.out)
  end)

  it("is nil with --no-strict, before and after the command's name, and not where that is the script's own word", function()
    assert.equal("nil\n", run("print(tokn)", { "--no-strict", "run", "s.lua" }).out)
    assert.equal("nil\n", run("print(tokn)", { "run", "--no-strict", "s.lua" }).out)
    assert.equal(1, run("print(tokn)", { "run", "s.lua", "--no-strict" }).code)
  end)

  it("is an error in modules of the user's, and not in those of LuaRocks", function()
    local dir = child.directory(finally)
    for path, name in pairs{ ["beside.lua"] = "beside", ["lua/own.lua"] = "own", ["lua_modules/flat.lua"] = "flat",
      ["lua_modules/share/lua/5.4/rock.lua"] = "rock" } do
      child.write(("%s/%s"):format(dir, path), ("return { read = function() return undefined_in_%s end }"):format(name))
    end
    child.write(dir .. "/s.lua", "for _, name in ipairs{ 'beside', 'own', 'flat', 'rock' } do print((pcall(require(name).read))) end")
    local code, out, err = child.run({ "--emulator", "run", "s.lua" }, { dir = dir })
    assert.equal(0, code, err)
    assert.equal("false\nfalse\ntrue\ntrue\n", out)
  end)

  it("is an error in a restricted script", function()
    local done = run("print(tokn)", { "--restricted", "run", "s.lua" })
    assert.equal(1, done.code)
    assert.matches("s%.lua:1: undefined global 'tokn'; did you mean 'token'%?", done.err)
    local dir = child.directory(finally)
    child.write(dir .. "/own.lua", "return tokn")
    child.write(dir .. "/s.lua", "require 'own'")
    local code, _, err = child.run({ "--emulator", "--restricted", "run", "s.lua" }, { dir = dir })
    assert.equal(1, code)
    assert.matches("own%.lua:1: undefined global 'tokn'", err)
  end)

  it("fails the rows of a job, not the run", function()
    local dir = child.directory(finally)
    child.write(dir .. "/job.lua", "return function(row) return tokn.get(row.id) end")
    child.write(dir .. "/rows.jsonl", '{"id":"TKN-0000-0002"}\n')
    local words = { "--emulator", "batch", "rows.jsonl", "--job", "job.lua", "--journal", "j" }
    local code, _, err = child.run(words, { dir = dir })
    assert.equal(3, code)
    assert.matches("job%.lua:1: undefined global 'tokn'", err)
    table.insert(words, 1, "--no-strict")
    words[#words] = "k"
    code, _, err = child.run(words, { dir = dir })
    assert.equal(3, code)
    assert.matches("attempt to index a nil value %(global 'tokn'%)", err)
  end)
end)

describe("libraries that look for globals", function()
  it("are left alone, and what they add is there", function()
    local done = run [[
      require "pl"
      print(List{ 1, 2 }:map(function(x) return x * 2 end), stringx.strip "  a ")
      for _, name in ipairs{ "app", "class", "compat", "data", "dir", "func", "lapp", "lexer", "pretty", "sip", "tablex",
        "template", "utils", "xml" } do require("pl." .. name) end
      print(pcall(function() return Lisst end))]]
    assert.equal(0, done.code, done.err)
    assert.equal("{2,4}\ta\nfalse\ts.lua:5: undefined global 'Lisst'; did you mean 'List'?\n", done.out)
  end)

  it("may be written in C", function()
    local done = run [[
      local lpeg, lfs = require "lpeg", require "lfs"
      print(lpeg.match(lpeg.R "09" ^ 1 * lpeg.Cp(), "123"), lfs.attributes(".", "mode"))]]
    assert.equal("4\tdirectory\n", done.out, done.err)
  end)

  it("may have a metatable for globals of their own", function()
    local done = run "setmetatable(_G, { __index = function(_, name) return name end }) print(anything)"
    assert.equal("anything\n", done.out, done.err)
  end)
end)

describe("deprecate.announce", function()
  local LIBRARY = [[
    local deprecate = require "moonkey.deprecate"
    local M = {}
    function M.old(x)
      deprecate.announce("teams.old", { since = "1.4", instead = "teams.new", removed = "2.0" })
      return x
    end
    function M.bare() deprecate.announce "teams.bare" end
    return M]]

  local function use(code)
    local dir = child.directory(finally)
    child.write(dir .. "/teams.lua", LIBRARY)
    child.write(dir .. "/s.lua", code)
    local exit, out, err = child.run({ "--emulator", "run", "s.lua" }, { dir = dir })
    return exit, out, err
  end

  it("warns once for each line that calls", function()
    local code, out, err = use [[
      local teams = require "teams"
      for i = 1, 3 do teams.old(i) end
      print(teams.old(4))
      teams.bare()]]
    assert.equal(0, code)
    assert.equal("4\n", out)
    local _, count = err:gsub("\n", "")
    assert.equal(3, count, err)
    assert.matches("s%.lua:2: teams%.old is deprecated since 1%.4; use teams%.new; it will be gone in 2%.0\n", err)
    assert.matches("s%.lua:3: teams%.old is deprecated", err)
    assert.matches("s%.lua:4: teams%.bare is deprecated\n", err)
  end)

  it("refuses what it cannot say", function()
    local deprecate = require "moonkey.deprecate"
    assert.has_error(function() deprecate.announce() end,
      "deprecate.announce needs the name of what is deprecated, such as \"teams.rename\"")
    assert.error_matches(function() deprecate.announce("x", { sinse = "1" }) end,
      "there is no field 'sinse', did you mean 'since'%?")
    assert.error_matches(function() deprecate.announce("x", { since = 1 }) end, "since: expected text, got number")
    assert.error_matches(function() deprecate.announce("x", "1") end, "expected { since =, instead =, removed = }, got string")
  end)
end)
