-- moonkey.batch.halt: when a run is stopped because too many rows failed.
local batch = require "moonkey.batch"
local child = require "child"
local halt = require "moonkey.batch.halt"
local task = require "moonkey.task"

local function tally(done, failed, unknown)
  return { done = done, failed = failed, unknown = unknown or 0, skipped = 0 }
end

describe("a halt rule", function()
  local cases = {
    { "fail=3", tally(100, 2), nil },
    { "fail=3", tally(100, 3), "3 of 103 rows failed" },
    { "fail=3", tally(0, 2, 1), "3 of 3 rows failed" }, -- what is unknown is not done
    { "fail=10%", tally(0, 19), nil }, -- too few to tell
    { "fail=10%", tally(18, 2), "2 of 20 rows failed" },
    { "fail=10%", tally(19, 2), nil },
    { "fail=100%", tally(1, 30), nil },
    { "fail=100%", tally(0, 30), "30 of 30 rows failed" },
  }
  for _, case in ipairs(cases) do
    it(("%s with %d done and %d failed"):format(case[1], case[2].done, case[2].failed), function()
      assert.equal(case[3], (halt.parse(case[1])(case[2])))
    end)
  end

  for _, text in ipairs{ "", "fail", "fail=", "fail=0", "fail=0%", "fail=101%", "fail=-1", "fail=1.5", "done=3", "fail=3 ", "fail=99999999999999999999" } do
    it(("'%s' is refused"):format(text), function()
      local rule, message = halt.parse(text)
      assert.is_nil(rule)
      assert.matches("expected fail=N", message, 1, true)
    end)
  end
end)

describe("batch.run with a halt rule", function()
  it("starts no row after it; those under way end", function()
    local ran, rows = 0, {}
    for i = 1, 100 do rows[i] = { id = "T" .. i } end
    local summary = batch.run{ source = rows, jobs = 1, halt = "fail=5", job = function() ran = ran + 1; return nil, "no" end }
    assert.same({ 5, 5, 5, "halt", "5 of 5 rows failed" }, { ran, summary.rows, summary.failed, summary.stopped, summary.halted })
  end)

  it("refuses a rule that is none, before anything is started", function()
    assert.same({ nil, "halt x: expected fail=N (rows) or fail=N% (of the rows tried, 1 to 100)" },
      { batch.run{ source = {}, halt = "x" } })
  end)

  it("sends calls again after it, and those of another run meanwhile", function()
    local function names(n)
      local list = {}
      for i = 1, n do list[i] = { id = ("TKN-0000-%04d"):format(i + 10), name = "halted " .. i } end
      return list
    end
    local function fail() return nil, "no" end
    assert.equal("halt", batch.run{ source = names(3), jobs = 1, halt = "fail=1", job = fail }.stopped)
    assert.equal(3, batch.run{ source = names(3) }.done)
    local other = task.spawn(function() return batch.run{ source = names(40), jobs = 4 } end)
    assert.equal("halt", batch.run{ source = names(3), jobs = 1, halt = "fail=1", job = fail }.stopped)
    assert.equal(40, other:join().done)
  end)

  it("needs no API", function()
    local code, out, err = child.eval([[
      local s = require("moonkey.batch").run{ source = { {}, {} }, jobs = 1, halt = "fail=1", journal = false,
        job = function() return nil, "no" end }
      print(s.stopped)]], { env = "MPT_API_TOKEN=" })
    assert.same({ 0, "halt\n", "" }, { code, out, err })
  end)
end)
