-- The reins by which a worker of a fleet drives the client of its process (host/lib/pace.c), on calls to the emulator.
local http = require "moonkey.http"
local sys = require "moonkey.sys"
local task = require "moonkey.task"

local ID = "TKN-0000-0002"

-- moonkey.control is sealed by the time that a script runs: here it is what one of the host's own modules has kept of it.
local function find_control()
  for _, value in pairs(require "moonkey.batch.engine") do
    for i = 1, type(value) == "function" and 255 or 0 do
      local name, upvalue = debug.getupvalue(value, i)
      if name == "control" then return upvalue end
      if not name then break end
    end
  end
  error("moonkey.batch.engine has no `control` any more")
end
local control = find_control()

local function get(options)
  return token.get(ID, options)
end

-- So many calls at once, as tasks.
local function gets(count)
  local tasks = {}
  for i = 1, count do tasks[i] = task.spawn(get) end
  return tasks
end

local function join(tasks)
  for _, each in ipairs(tasks) do assert(each:join()) end
end

local function seconds(fn, ...)
  local from = sys.now()
  fn(...)
  return sys.now() - from
end

describe("the reins of a worker", function()
  before_each(function() assert(get()) end) -- a connection stands

  after_each(function()
    control.meter(false)
    control.lease(false)
    control.set_rate(0)
  end)

  it("let exchanges start only against permits", function()
    local before = http.stats().permits_used
    control.meter(true)
    local calls = gets(3)
    assert.equal(3, control.wait_demand())
    control.grant(2)
    assert.equal(1, control.wait_demand()) -- the third
    assert.equal(before + 2, http.stats().permits_used)
    control.grant(5)
    join(calls)
    assert.equal(before + 3, http.stats().permits_used)
  end)

  it("wait for demand that is still there when the task goes on", function()
    control.meter(true)
    local demand = task.spawn(control.wait_demand)
    task.sleep(0.01)
    local from = sys.now()
    local calls = gets(1)
    task.spawn(control.pause, 0.2) -- the demand has been told, and is gone again
    assert.equal(1, demand:join())
    assert.is_true(sys.now() - from >= 0.2)
    control.grant(1)
    join(calls)
  end)

  it("let one task wait for demand at a time", function()
    control.meter(true)
    local demand = task.spawn(control.wait_demand)
    task.sleep(0)
    local ok, message = pcall(control.wait_demand)
    assert.same({ false, "wait_demand: another task waits for it" }, { ok, message })
    control.release_demand()
    assert.equal(0, demand:join())
  end)

  it("release whoever waits, or is about to wait again, and nobody else", function()
    control.meter(true)
    control.release_demand() -- nobody gets permits
    local calls = gets(1)
    assert.equal(1, control.wait_demand())
    control.release_demand() -- while permits are being got
    assert.equal(0, control.wait_demand())
    assert.equal(1, control.wait_demand())
    control.grant(1)
    join(calls)
  end)

  it("hold calls back without a lease", function()
    control.lease(0)
    assert.matches("ran out before it could be sent", tostring(select(2, get{ max_time = 0.02 })))
    local calls = gets(2)
    task.sleep(0.02)
    control.lease(10)
    join(calls)
    control.lease(0)
    calls = gets(2)
    control.lease(false)
    join(calls)
  end)

  it("set another pace", function()
    control.set_rate(20)
    assert.is_true(seconds(function() join(gets(3)) end) >= 0.1)
    control.set_rate(0)
    assert.is_true(seconds(function() join(gets(3)) end) < 0.1)
  end)

  it("pause, and tell that from what the server has asked for", function()
    control.pause(0.2)
    control.pause(0.1)
    local stats = http.stats()
    assert.is_nil(stats.paused)
    assert.is_true(stats.paused_elsewhere > 0.1 and stats.paused_elsewhere <= 0.2)
    assert.is_true(seconds(get) >= 0.15)
    assert.is_nil(http.stats().paused_elsewhere)
  end)

  it("say what they take", function()
    for _, try in ipairs{
      { "meter", nil, "boolean expected" }, { "meter", 1, "boolean expected" },
      { "grant", -1, "expected a number of permits, 0 or more" }, { "grant", 0.5, "no integer representation" },
      { "grant", math.maxinteger, "expected a number of permits" },
      { "set_rate", -1, "expected starts a second, 0 %(unlimited%) or more" }, { "set_rate", 0 / 0, "expected starts a second" },
      { "pause", -1, "expected seconds, 0 or more" }, { "pause", 0 / 0, "expected seconds" }, { "pause", "x", "number expected" },
      { "lease", -1, "expected seconds, 0 or more" }, { "lease", true, "number expected" }, { "lease", nil, "number expected" },
      { "lease", math.huge, "expected seconds" },
    } do
      local ok, message = pcall(control[try[1]], try[2])
      assert.is_false(ok)
      assert.matches(try[3], message)
    end
  end)
end)
