-- Tasks: where a call may wait, how errors travel, and how a run ends. Waiting is task.sleep or a call to the emulator.
local child = require "child"
local sys = require "moonkey.sys"
local task = require "moonkey.task"

local ID = "TKN-0000-0002"

-- A value that takes a wait to get.
local function slow(value)
  task.sleep(0.001)
  return value
end

describe("a call that waits", function()
  it("may stand in pcall and xpcall, and its error is caught there", function()
    assert.same({ true, 1, 2 }, { pcall(function() return slow(1), slow(2) end) })
    local ok, err = pcall(function() slow() error("after", 0) end)
    assert.same({ false, "after" }, { ok, err })
    assert.same({ false, "handled inner" }, { xpcall(function() slow() error("inner", 0) end, function(e) return "handled " .. e end) })
    local _, message = pcall(function() pcall(slow) return pcall(function() slow() local x = nil; return x.y end) end)
    assert.is_false(message)
  end)

  it("may stand in an error handler's own pcall, and leave a traceback with its lines", function()
    local _, trace = xpcall(function() slow() error("deep") end, debug.traceback)
    assert.matches("task_spec%.lua:%d+: deep", trace)
    assert.matches("stack traceback", trace)
  end)

  it("may be an iterator", function()
    local seen = {}
    for i in function(_, i) i = slow((i or 0) + 1) return i <= 3 and i or nil end do seen[#seen + 1] = i end
    assert.same({ 1, 2, 3 }, seen)
    for _, v in (function() return ipairs{ slow "a", slow "b" } end)() do seen[#seen + 1] = v end
    assert.same({ 1, 2, 3, "a", "b" }, seen)
  end)

  it("may stand in metamethods", function()
    local t = setmetatable({}, {
      __index = function(_, k) return slow(k .. "!") end,
      __newindex = function(self, k, v) rawset(self, k, slow(v)) end,
      __call = function(_, a) return slow(a) end,
      __add = function(_, n) return slow(n + 1) end,
      __concat = function(_, s) return slow("t" .. s) end,
      __eq = function() return slow(true) end,
      __lt = function() return slow(true) end,
      __len = function() return slow(9) end,
      __unm = function() return slow("neg") end,
    })
    t.x = 5
    local other = setmetatable({}, getmetatable(t))
    assert.same({ "y!", 5, "c", 2, "ts", true, true, 9, "neg" },
      { t.y, t.x, t("c"), t + 1, t .. "s", t == other, t < other, #t, -t })
  end)

  it("may stand in __close, on the normal way and on that of an error", function()
    local log = {}
    local function guard(name)
      return setmetatable({}, { __close = function(_, err) slow() log[#log + 1] = name .. (err and " " .. tostring(err) or "") end })
    end
    do
      local _a <close> = guard "a"
      local _b <close> = guard "b"
      slow()
    end
    pcall(function()
      local _c <close> = guard "c"
      slow()
      error("oops", 0)
    end)
    local handle = task.spawn(function()
      local _d <close> = guard "d"
      error("in a task", 0)
    end)
    assert.same({ false, "in a task" }, { pcall(handle.join, handle) })
    assert.same({ "b", "a", "c oops", "d in a task" }, log)
  end)

  it("may stand in a module that is being loaded, in load, dofile and require", function()
    assert.equal(3, load("require('moonkey.task').sleep(0.001) return 3")())
    local dir = child.directory(finally)
    child.write(dir .. "/slow_module.lua", "require('moonkey.task').sleep(0.01) return { loaded = true }")
    local saved = package.path
    package.path = dir .. "/?.lua;" .. saved
    local results = task.map({ 1, 2, 3 }, function() return require "slow_module" end)
    package.path = saved
    assert.is_true(results[1].loaded)
    assert.is_true(results[1] == results[2] and results[2] == results[3])
  end)

  it("says in plain words where it cannot stand", function()
    for _, call in ipairs{
      function() table.sort({ 3, 1, 2 }, function(a, b) slow() return a < b end) end,
      function() return (("abc"):gsub(".", function() return token.get(ID).name end)) end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.matches("^.*task_spec%.lua:%d+: [%w.]+ has to wait, which Lua does not allow inside table%.sort, string%.gsub", err)
    end
    assert.equal("ok", slow "ok") -- and nothing is broken afterwards
  end)
end)

describe("a coroutine of the script", function()
  it("yields to the script, while its waits pass through", function()
    local co = coroutine.create(function(a)
      local b = coroutine.yield(slow(a) .. token.get(ID).id)
      slow()
      local c, d = coroutine.yield(b)
      return c, slow(d)
    end)
    assert.same({ true, "1" .. ID }, { coroutine.resume(co, "1") })
    assert.equal("suspended", coroutine.status(co))
    assert.same({ true, "2" }, { coroutine.resume(co, "2") })
    assert.same({ true, "3", "4" }, { coroutine.resume(co, "3", "4") })
    assert.equal("dead", coroutine.status(co))
  end)

  it("works wrapped, as a generator, around token.update", function()
    local function renamed()
      return coroutine.wrap(function()
        for n = 2, 4 do
          local id = ("TKN-0000-%04d"):format(n)
          coroutine.yield(assert(token.update(id, { name = "Wrapped " .. n })).name)
        end
      end)
    end
    local names = {}
    for name in renamed() do names[#names + 1] = name end
    assert.same({ "Wrapped 2", "Wrapped 3", "Wrapped 4" }, names)
  end)

  it("nests", function()
    local outer = coroutine.wrap(function()
      local inner = coroutine.wrap(function()
        slow()
        coroutine.yield(slow "inner 1")
        coroutine.yield(slow "inner 2")
      end)
      coroutine.yield(inner())
      slow()
      coroutine.yield(inner())
    end)
    assert.same({ "inner 1", "inner 2" }, { outer(), outer() })
  end)

  it("passes its errors on", function()
    local co = coroutine.create(function() slow() error("boom", 0) end)
    assert.same({ false, "boom" }, { coroutine.resume(co) })
    local ok, err = pcall(coroutine.wrap(function() slow() error("bang") end))
    assert.is_false(ok)
    assert.matches("bang", err)
  end)

  it("cannot be resumed by another task while it waits for a reply", function()
    local co = coroutine.create(function() task.sleep(0.02) return "done" end)
    local handle = task.spawn(function() return coroutine.resume(co) end)
    task.sleep(0.005)
    local ok, err = coroutine.resume(co)
    assert.is_false(ok)
    assert.matches("cannot resume", err)
    assert.same({ true, "done" }, { handle:join() })
  end)
end)

describe("task.spawn", function()
  it("gives arguments, and join the results", function()
    local handle = task.spawn(function(...) return select("#", ...), ... end, 1, nil, 3)
    assert.same({ 3, 1, nil, 3 }, { handle:join() })
    assert.same({ 3, 1, nil, 3 }, { handle:join() })
  end)

  it("runs side by side", function()
    local started, order = sys.now(), {}
    local handles = {}
    for i, wait in ipairs{ 0.06, 0.02, 0.04 } do
      handles[i] = task.spawn(function() task.sleep(wait) order[#order + 1] = i end)
    end
    for _, handle in ipairs(handles) do handle:join() end
    assert.same({ 2, 3, 1 }, order)
    assert.is_true(sys.now() - started < 0.5)
  end)

  it("raises in join what was raised in the task, whatever it is", function()
    for _, value in ipairs{ "text", { 1 }, 7, false } do
      local handle = task.spawn(function() slow() error(value, 0) end)
      assert.same({ false, value }, { pcall(handle.join, handle) })
    end
  end)

  it("refuses what is not a function", function()
    assert.has_error(function() task.spawn(3) end)
  end)
end)

describe("task.map", function()
  it("keeps the order, and to the number of jobs", function()
    local running, most = 0, 0
    local results = task.map({ 5, 4, 3, 2, 1 }, function(n)
      running = running + 1
      most = math.max(most, running)
      task.sleep(n / 1000)
      running = running - 1
      return n * 10
    end, { jobs = 2 })
    assert.same({ 50, 40, 30, 20, 10 }, results)
    assert.equal(2, most)
  end)

  it("takes an iterator, read only as fast as there are jobs", function()
    local read = 0
    local function source()
      read = read + 1
      return read <= 10 and read or nil
    end
    local ahead = 0
    local done = 0
    task.map(source, function(n) ahead = math.max(ahead, read - done) slow() done = done + 1 return n end, { jobs = 3 })
    assert.equal(10, done)
    assert.is_true(ahead <= 4, ahead)
  end)

  it("collects nil, err", function()
    local results, errors = task.map({ 1, 2 }, function(n) if n == 2 then return nil, "bad " .. n end return n end)
    assert.same({ 1 }, results)
    assert.same({ [2] = "bad 2" }, errors)
  end)

  it("raises the first error after what was under way has ended", function()
    local ended = 0
    local ok, err = pcall(task.map, { 1, 2, 3, 4 }, function(n)
      if n == 1 then error("first", 0) end
      task.sleep(0.01)
      ended = ended + 1
    end, { jobs = 2 })
    assert.same({ false, "first" }, { ok, err })
    assert.is_true(ended <= 1, ended)
  end)

  it("is fine with nothing", function()
    assert.same({}, (task.map({}, error)))
  end)
end)

describe("task.all", function()
  it("returns the first result of each", function()
    assert.same({ 1, "b", nil, 4 }, { task.all{ function() return slow(1), 2 end, function() return "b" end, slow, function() return 4 end } })
  end)
end)

describe("the end of a run", function()
  it("waits for tasks that are in flight", function()
    local code, out = child.eval [[local task = require "moonkey.task"
      task.spawn(function() task.sleep(0.02) task.spawn(function() task.sleep(0.02) print "grandchild" end) print "child" end)
      print "end"]]
    assert.same({ 0, "end\nchild\ngrandchild\n" }, { code, out })
  end)

  it("fails with a traceback for a failed task that nobody joined", function()
    local dir = child.directory(finally)
    child.write(dir .. "/s.lua", [[
local task = require "moonkey.task"
local function inner() error("nobody sees me") end
task.spawn(function() task.sleep(0.001) inner() end)
print "end"]])
    local code, out, err = child.run({ "run", "s.lua" }, { dir = dir })
    assert.equal(1, code)
    assert.equal("end\n", out)
    assert.matches("s%.lua:2: nobody sees me", err)
    assert.matches("stack traceback", err)
    assert.matches("s%.lua:3: in function", err)
  end)

  it("fails for each of them, but not for one that was joined", function()
    local code, _, err = child.eval [[local task = require "moonkey.task"
      local a = task.spawn(error, "one", 0) task.spawn(error, "two", 0) task.spawn(error, "three", 0)
      pcall(a.join, a)]]
    assert.equal(1, code)
    assert.is_nil(err:find("one"))
    assert.matches("two.*three", err)
  end)

  it("says so when tasks wait for each other", function()
    local code, _, err = child.eval [[local task = require "moonkey.task"
      local a, b
      a = task.spawn(function() b:join() end)
      b = task.spawn(function() a:join() end)]]
    assert.equal(1, code)
    assert.matches("wait for each other", err)
  end)

  it("passes os.exit through, from anywhere", function()
    assert.equal(7, (child.eval "os.exit(7)"))
    assert.equal(0, (child.eval "os.exit(true)"))
    assert.equal(9, (child.eval "require('moonkey.task').spawn(function() require('moonkey.task').sleep(0.01) os.exit(9, true) end)"))
  end)
end)

describe("a gate", function()
  it("that is opened when the time of whoever waits is up already, is open", function()
    local core = require "moonkey.task.core"
    local gate, passed = core.gate(), nil
    local opener = task.spawn(function() task.sleep(0.01) gate:open() end)
    local waiter = task.spawn(function()
      for _ = 1, 3 do
        passed = gate:wait(0.05)
        if passed then return end
      end
    end)
    task.sleep(0.001)
    local late = sys.now() + 0.1
    repeat until sys.now() > late -- both are due by then, and the opener comes first
    opener:join()
    waiter:join()
    assert.is_true(passed)
  end)
end)
