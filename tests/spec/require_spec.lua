-- Where require looks, and what it says.
local child = require "child"

local function have(command)
  return os.execute("command -v " .. command .. " >/dev/null 2>&1")
end

describe("require", function()
  local dir, clean
  before_each(function()
    dir = child.directory(function(f) clean = f end)
  end)
  after_each(function() clean() end)

  local function run(script, options)
    options = options or {}
    options.dir = options.dir or dir
    return child.run({ "run", script }, options)
  end

  for _, place in ipairs{ "s/m.lua", "s/m/init.lua", "s/lua/m.lua", "s/lua/m/init.lua", "lua_modules/m.lua", "lua_modules/m/init.lua",
    "lua_modules/share/lua/5.4/m.lua" } do
    it("finds " .. place, function()
      child.write(dir .. "/" .. place, "return ...")
      child.write(dir .. "/s/main.lua", "print(require 'm')")
      local code, out, err = run("s/main.lua")
      assert.same({ 0, "" }, { code, err })
      assert.matches("^m\t", out)
      assert.matches(place, out, 1, true)
    end)
  end

  it("prefers what is beside the script, and finds parts of packages", function()
    child.write(dir .. "/m.lua", "return 'beside'")
    child.write(dir .. "/lua_modules/m.lua", "return 'lua_modules'")
    child.write(dir .. "/lua/p/q.lua", "return 'part'")
    child.write(dir .. "/main.lua", "print(require 'm', require 'p.q', package.loaded['p.q'], require 'm' == require 'm')")
    assert.same({ 0, "beside\tpart\tpart\ttrue\n", "" }, { run("main.lua") })
  end)

  it("lets no file stand in for a part of moonkey", function()
    child.write(dir .. "/moonkey/json.lua", "return 'shadow'")
    child.write(dir .. "/moonkey/time.lua", "return 'shadow'")
    child.write(dir .. "/main.lua", "print(type(require 'moonkey.json'), type(require 'moonkey.time'))")
    assert.same({ 0, "table\ttable\n", "" }, { run("main.lua") })
  end)

  it("finds modules of LuaRocks, in LUA_PATH, and in the home directory", function()
    child.write(dir .. "/home/.luarocks/share/lua/5.4/rock.lua", "return 'rock'")
    child.write(dir .. "/elsewhere/path_module.lua", "return 'path'")
    child.write(dir .. "/main.lua", "print(require 'rock', (require 'path_module'))")
    assert.same({ 0, "rock\tpath\n", "" },
      { run("main.lua", { env = ("HOME=%s/home LUA_PATH_5_4='%s/elsewhere/?.lua;;'"):format(dir, dir) }) })
  end)

  it("loads C modules", function()
    if not have("cc") then return pending("there is no C compiler") end
    child.write(dir .. "/cmod.c", [[
#include <lua.h>
static int answer(lua_State *L) { lua_pushinteger(L, 42); return 1; }
int luaopen_cmod(lua_State *L) { lua_pushcfunction(L, answer); return 1; }
int luaopen_cmod_sub(lua_State *L) { lua_pushliteral(L, "sub"); return 1; }]])
    child.write(dir .. "/lua/unused.lua", "")
    assert(os.execute(("cd %s && cc -shared -fPIC $(pkg-config --cflags lua5.4) -o lua/cmod.so cmod.c"):format(dir)))
    child.write(dir .. "/main.lua", "print(require 'cmod'(), require 'cmod.sub', require 'lfs'.currentdir() ~= nil)")
    assert.same({ 0, "42\tsub\ttrue\n", "" }, { run("main.lua") })
  end)

  it("gives a module token, and lets it wait while it loads", function()
    child.write(dir .. "/lua/names.lua", [[
local first = token.get("TKN-0000-0001").id
return { first = first, rename = function(id, name) return assert(token.update(id, { name = name })).name end }]])
    child.write(dir .. "/main.lua", "local n = require 'names' print(n.first, n.rename('TKN-0000-0002', 'By a module'))")
    local code, out, err = child.run({ "--emulator", "run", "main.lua" }, { dir = dir })
    assert.same({ 0, "TKN-0000-0001\tBy a module\n", "" }, { code, out, err })
  end)

  it("names every place that it has tried", function()
    child.write(dir .. "/s/main.lua", "local ok = 1\nrequire 'no.such'")
    local code, _, err = run("s/main.lua")
    assert.equal(1, code)
    for _, place in ipairs{ "s/no/such.lua", "s/no/such/init.lua", "s/lua/no/such.lua", "./lua_modules/no/such.lua",
      "/usr/share/lua/5.4/no/such.lua", "/usr/local/share/lua/5.4/no/such.lua", ".luarocks/share/lua/5.4/no/such.lua", "s/no/such.so",
      "./lua_modules/no/such.so", "package.preload['no.such']" } do
      assert.is_truthy(err:find(place, 1, true), place)
    end
    assert.matches("main%.lua:2: module 'no%.such' not found:", err)
  end)

  it("says where a module is wrong", function()
    child.write(dir .. "/broken.lua", "local x =\n= 3")
    child.write(dir .. "/raises.lua", "local t = nil\nreturn t.x")
    child.write(dir .. "/a.lua", "return require 'b'")
    child.write(dir .. "/b.lua", "return require 'a'")
    for name, message in pairs{ broken = "broken%.lua:2: unexpected symbol", raises = "raises%.lua:2: attempt to index", a = "loop" } do
      child.write(dir .. "/main.lua", "require '" .. name .. "'")
      local code, _, err = run("main.lua")
      assert.equal(1, code)
      assert.matches(message, err)
    end
  end)

  it("can load a module again after it failed", function()
    child.write(dir .. "/once.lua", "count = (rawget(_G, 'count') or 0) + 1 if count == 1 then error('first time') end return count")
    child.write(dir .. "/main.lua", "print(pcall(require, 'once')) print((require 'once'))")
    local code, out = run("main.lua")
    assert.equal(0, code)
    assert.matches("^false\t.*first time\n2\n", out)
  end)
end)
