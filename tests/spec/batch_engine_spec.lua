-- batch.run over lists, iterators and files, with jobs that need no network.
local batch = require "moonkey.batch"
local child = require "child"
local json = require "moonkey.json"
local task = require "moonkey.task"
local temporary = require "temporary"

local function list_of(n)
  local list = {}
  for i = 1, n do list[i] = { id = "T" .. i, n = i } end
  return list
end

-- batch.run with the results as a second value.
local function run(options)
  local results = {}
  options.on_result = function(r) results[#results + 1] = r end
  local summary = assert(batch.run(options))
  return summary, results
end

describe("batch.run", function()
  it("runs the job for each row, and says what came out", function()
    local seen = {}
    local summary, results = run{ source = list_of(3), job = function(row, ctx)
      seen[ctx.row] = { row.id, ctx.id }
      return row.n * 2
    end }
    assert.same({ { "T1", "T1" }, { "T2", "T2" }, { "T3", "T3" } }, seen)
    assert.same({ 3, 3, 0, 0 }, { summary.rows, summary.done, summary.failed, summary.pending })
    results[1].ms = 0
    assert.same({ row = 1, id = "T1", outcome = "done", attempts = 0, ms = 0, value = 2 }, results[1])
  end)

  local outcomes = {
    { "nothing", function() end, "done" },
    { "false", function() return false end, "done" },
    { "nil, text", function() return nil, "no" end, "failed", "job", "no" },
    { "false, text", function() return false, "no" end, "failed", "job", "no" },
    { "nil, an error", function() return nil, { kind = "api", status = 404, title = "Not Found", attempts = 2 } end,
      "failed", "api", "Not Found", 404, 2 },
    { "an error raised", function() error("oh", 0) end, "failed", "job", "oh" },
    { "a table raised", function() error({ kind = "api", status = 400, title = "Bad Request" }) end,
      "failed", "api", "Bad Request", 400 },
    { "an error after waiting", function() task.sleep(0.001) error("late", 0) end, "failed", "job", "late" },
  }
  for _, case in ipairs(outcomes) do
    it("takes a job that returns " .. case[1], function()
      local _, results = run{ source = list_of(1), job = case[2] }
      local r = results[1]
      assert.same({ case[3], case[4], case[5], case[6], case[7] or 0 }, { r.outcome, r.kind, r.title, r.status, r.attempts })
    end)
  end

  it("runs no more than `jobs` at a time, and as many when it can", function()
    for _, source in ipairs{ "list", "waiting" } do
      local running, most, i = 0, 0, 0
      local function iterate()
        i = i + 1
        if source == "waiting" and i % 7 == 0 then task.sleep(0.001) end
        if i <= 50 then return { id = "T" .. i } end
      end
      local summary = run{ source = source == "list" and list_of(50) or iterate, jobs = 4, job = function()
        running = running + 1
        most = math.max(most, running)
        task.sleep(0.002)
        running = running - 1
      end }
      assert.same({ 4, 50 }, { most, summary.done })
    end
  end)

  it("keeps the order of rows with one id, without holding up others", function()
    local rows = {}
    for i = 1, 40 do rows[i] = { id = i % 4 == 0 and "other" .. i or "same", n = i } end
    local order, others_before_last, busy = {}, 0, false
    local summary = run{ source = rows, jobs = 5, job = function(row)
      if row.id ~= "same" then
        if #order < 30 then others_before_last = others_before_last + 1 end
        return
      end
      assert(not busy)
      busy = true
      task.sleep(row.n % 3 * 0.001)
      busy = false
      order[#order + 1] = row.n
    end }
    assert.equal(40, summary.done)
    assert.equal(10, others_before_last)
    for i = 2, #order do assert.is_true(order[i - 1] < order[i]) end
  end)

  it("keeps back a limited number of rows", function()
    local read, done, ahead = 0, 0, 0
    local function iterate()
      read = read + 1
      ahead = math.max(ahead, read - done)
      if read <= 5000 then return { id = "same" } end
    end
    local summary = run{ source = iterate, jobs = 3, job = function()
      task.sleep(0)
      done = done + 1
    end }
    assert.equal(5000, summary.done)
    assert.is_true(ahead <= 1010, ahead)
  end)

  it("goes on after bad rows", function()
    local path = temporary.name()
    local file = io.open(path, "w")
    file:write('{"id":"T1"}\n{broken\n[]\n{"id":"T2"}\n')
    file:close()
    local summary, results = run{ source = path, format = "jsonl", job = function() end }
    os.remove(path)
    assert.same({ 4, 2, 2 }, { summary.rows, summary.done, summary.failed })
    table.sort(results, function(a, b) return a.row < b.row end)
    assert.same({ "done", "failed", "failed", "done" },
      { results[1].outcome, results[2].outcome, results[3].outcome, results[4].outcome })
    assert.same({ 2, "unreadable row", "row" }, { results[2].line, results[2].title, results[2].kind })
    assert.same({ 1, 2, 3, 4 }, { results[1].line, results[2].line, results[3].line, results[4].line })
  end)

  it("tells where the input becomes unusable", function()
    local path = temporary.name()
    local file = io.open(path, "w")
    file:write('[{"id":"T1"},\n{"id":"T2"}] x')
    file:close()
    local summary = run{ source = path, format = "json", job = function() end }
    os.remove(path)
    assert.equal(2, summary.done)
    assert.equal(2, summary.unusable.line)
  end)

  it("calls setup before and teardown after, and hands on the state", function()
    local log = {}
    run{ source = list_of(1), job = {
      setup = function() log[#log + 1] = "setup" return "state" end,
      job = function(_, ctx) log[#log + 1] = "job " .. ctx.state end,
      teardown = function(state) log[#log + 1] = "teardown " .. state end,
    } }
    assert.same({ "setup", "job state", "teardown state" }, log)
  end)

  describe("writes its results", function()
    local function count(path)
      local n = 0
      for _ in io.lines(path) do n = n + 1 end
      return n
    end

    it("before teardown, which may go wrong", function()
      local path = child.directory(finally) .. "/out.jsonl"
      local job = { job = function() end, teardown = function() error("teardown: " .. count(path), 0) end }
      assert.same({ false, "teardown: 5" }, { pcall(batch.run, { source = list_of(5), job = job, results = path }) })
    end)

    it("when the run breaks off", function()
      local path = child.directory(finally) .. "/out.jsonl"
      local i = 0
      assert.is_false(pcall(batch.run, { jobs = 1, results = path, job = function() end, source = function()
        i = i + 1
        return i < 5 and { id = "T" .. i } or error("source broke", 0)
      end }))
      assert.equal(4, count(path))
    end)

    it("while a row takes long", function()
      local path = child.directory(finally) .. "/out.jsonl"
      local seen
      run{ source = list_of(5), results = path, jobs = 2, job = function(row)
        if row.n == 1 then task.sleep(1.5) seen = count(path) end
      end }
      assert.same({ 4, 5 }, { seen, count(path) })
    end)

    it("before a job leaves the process", function()
      local dir = child.directory(finally)
      child.write(dir .. "/a.jsonl", '{"id":"T1"}\n{"id":"T2"}\n{"id":"T3"}\n')
      child.write(dir .. "/job.lua", 'return function(row) if row.id == "T3" then os.exit(7) end end')
      local code, out = child.run({ "batch", "a.jsonl", "--job", "job.lua", "-j", "1", "--results", "out.jsonl", "-o", "jsonl" },
        { dir = dir })
      assert.equal(7, code)
      assert.equal(2, count(dir .. "/out.jsonl"))
      assert.equal(2, select(2, out:gsub("\n", "")))
    end)
  end)

  it("stops when the results cannot be written", function()
    local ran = 0
    local summary = run{ source = list_of(100000), results = "/dev/full", jobs = 2, job = function() ran = ran + 1 end }
    assert.equal("output", summary.stopped)
    assert.truthy(summary.output_error:find("No space left", 1, true))
    assert.is_true(ran < 5000)
  end)

  it("ends with an error in the source or in on_result, and starts nothing after it", function()
    local i, ran = 0, 0
    local function job() ran = ran + 1 task.sleep(0.001) end
    local ok, message = pcall(batch.run, { jobs = 3, job = job, source = function()
      i = i + 1
      if i == 10 then error("source broke", 0) end
      return { id = "T" .. i }
    end })
    assert.same({ false, "source broke", 9 }, { ok, message, ran })
    ran = 0
    local function on_result() error("oh no", 0) end
    ok, message = pcall(batch.run, { jobs = 3, job = job, source = list_of(1000), on_result = on_result })
    assert.same({ false, "oh no" }, { ok, message })
    assert.is_true(ran < 1000) -- it is told once a group of results is in the journal
    ran = 0
    ok, message = pcall(batch.run, { jobs = 3, job = job, source = list_of(1000), on_result = on_result, journal = false })
    assert.same({ false, "oh no" }, { ok, message })
    assert.is_true(ran < 10)
  end)

  it("does not grow with the number of rows", function()
    local i = 0
    local function iterate()
      i = i + 1
      if i <= 100000 then return { id = "T" .. i } end
    end
    collectgarbage()
    local before = collectgarbage("count")
    local function job(row)
      if row.id:find("7") then return nil, "seven " .. row.id end
    end
    local summary = batch.run{ source = iterate, job = job }
    collectgarbage()
    assert.equal(100000, summary.done + summary.failed)
    assert.equal(101, #summary.causes)
    assert.is_true(collectgarbage("count") - before < 300)
  end)

  it("refuses misuse at the caller's line", function()
    for _, case in ipairs{
      { nil, "needs a table" },
      { {}, "source must be" },
      { { source = "x.csv", jobs = 0 }, "jobs must be" },
      { { source = "x.csv", jobs = 1.5 }, "jobs must be" },
      { { source = "x.csv", job_count = 1 }, "unknown option 'job_count'" },
    } do
      local ok, message = pcall(batch.run, case[1])
      assert.is_false(ok)
      assert.truthy(message:find(case[2], 1, true), message)
    end
    local nothing, message = batch.run{ source = "missing.csv" }
    assert.is_nil(nothing)
    assert.truthy(message:find("No such file", 1, true))
    nothing, message = batch.run{ source = {}, job = 5 }
    assert.is_nil(nothing)
    assert.truthy(message:find("not a number", 1, true))
  end)

  it("leaves the rows of a script as they are", function()
    local rows = { { id = "TKN-0000-0002", name = "a", error = "of an earlier run" }, { id = "TKN-0000-0003", name = "b" } }
    for _, options in ipairs{ {}, { undoable = true }, { skip_unchanged = true } } do
      options.source, options.journal = rows, false
      local summary = assert(batch.run(options))
      assert.same({ 2, 0 }, { summary.done + summary.skipped, summary.failed })
    end
    assert.same({ { id = "TKN-0000-0002", name = "a", error = "of an earlier run" }, { id = "TKN-0000-0003", name = "b" } }, rows)
  end)

  it("writes results as JSONL and as CSV", function()
    local expected = {
      [".jsonl"] = '{"row":1,"id":"T1","outcome":"done","attempts":0,"ms":0,"value":{"a":1}}\n'
        .. '{"row":2,"id":"T2","outcome":"failed","kind":"job","title":"no, \\"not\\" this","attempts":0,"ms":0}\n',
      [".csv"] = "row,line,id,outcome,status,kind,title,detail,errors,trace_id,traceparent,changes,attempts,ms,value\r\n"
        .. '1,,T1,done,,,,,,,,,0,0,"{""a"":1}"\r\n2,,T2,failed,,job,"no, ""not"" this",,,,,,0,0,\r\n',
    }
    for extension, text in pairs(expected) do
      local path = temporary.name()
      os.remove(path)
      path = path .. extension
      assert(batch.run{ source = list_of(2), results = path, jobs = 1, job = function(row)
        if row.n == 1 then return { a = 1 } end
        return nil, 'no, "not" this'
      end })
      local file = io.open(path)
      assert.equal(text, (file:read("a"):gsub('"ms":%d+', '"ms":0'):gsub(",0,%d+,", ",0,0,")))
      file:close()
      os.remove(path)
    end
  end)
end)

describe("a result", function()
  local result = require "moonkey.batch.result"

  it("is one line in one order, whatever it holds", function()
    local full = { row = 1, line = 2, id = "T", outcome = "failed", status = 400, kind = "api", title = "t", detail = "d",
      errors = json.array{ { field = "name", message = "m" } }, trace_id = "x", attempts = 2, ms = 3 }
    assert.equal('{"row":1,"line":2,"id":"T","outcome":"failed","status":400,"kind":"api","title":"t","detail":"d",'
      .. '"errors":[{"field":"name","message":"m"}],"trace_id":"x","attempts":2,"ms":3}\n', result.to_jsonl(full))
    assert.equal('{"row":1,"line":2,"id":"T-1","outcome":"done","status":200,"attempts":1,"ms":3}\n',
      result.to_jsonl{ row = 1, line = 2, id = "T-1", outcome = "done", status = 200, attempts = 1, ms = 3 })
    assert.equal('{"row":1,"line":2,"id":"T\\"1","outcome":"done","status":200,"attempts":1,"ms":3}\n',
      result.to_jsonl{ row = 1, line = 2, id = 'T"1', outcome = "done", status = 200, attempts = 1, ms = 3 })
  end)

  it("may be done though no reply came to its last request, which a job need not mind", function()
    assert.equal('{"row":1,"line":2,"id":"TKN-0000-0002","outcome":"done","traceparent":"00-1-2-01","attempts":1,"ms":3}\n',
      result.to_jsonl{ row = 1, line = 2, id = "TKN-0000-0002", outcome = "done", traceparent = "00-1-2-01", attempts = 1, ms = 3 })
  end)

  it("shows no secret that a job returned or raised", function()
    local secret = "idt:TKN-0000-0009:" .. ("Zz9"):rep(16)
    local r = { row = 1, outcome = "done", title = "a " .. secret, value = { [secret] = { 'say "' .. secret .. '"', 5 } }, attempts = 0,
      ms = 0 }
    for _, line in ipairs{ result.to_jsonl(r), result.to_csv(r), result.to_jsonl{ row = 1, title = secret, value = print } } do
      assert.falsy(line:find("Zz9", 1, true))
      assert.truthy(line:find("idt:TKN-0000-0009:[redacted]", 1, true))
    end
    local value = json.decode(result.to_jsonl(r)).value
    assert.same({ ["idt:TKN-0000-0009:[redacted]"] = { 'say "idt:TKN-0000-0009:[redacted]"', 5 } }, value)
    assert.equal(secret, next(r.value))
  end)

  it("counts all attempts of its row, not only those of the call that failed", function()
    assert.equal(3, result.set_error({ attempts = 3 }, { kind = "api", title = "t", attempts = 1 }).attempts)
    assert.equal(4, result.set_error({ attempts = 0 }, { kind = "api", title = "t", attempts = 4 }).attempts)
  end)

  it("survives values that JSON has no form for", function()
    local line = result.to_jsonl{ row = 1, outcome = "done", title = "\xFF", value = print, attempts = 0, ms = 0 }
    local decoded = json.decode(line)
    assert.same({ 1, "done", "(not UTF-8)" }, { decoded.row, decoded.outcome, decoded.title })
    assert.truthy(decoded.value:find("function", 1, true))
    assert.truthy(result.to_csv{ row = 1, outcome = "done", value = { print }, attempts = 0, ms = 0 }:find("table: ", 1, true))
  end)
end)
