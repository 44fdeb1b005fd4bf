-- What a run is worth that is gone on with: resume after retry, what must not be repeated, whose journal it is.
local batch = require "moonkey.batch"
local child = require "child"
local fixture = require "journal_fixture"
local journals = require "journals"
local place = require "moonkey.batch.journal.place"
local reader = require "moonkey.batch.journal.reader"
local recorder = require "moonkey.batch.journal.recorder"
local sqlite = require "moonkey.sqlite"
local task = require "moonkey.task"
local writer = require "moonkey.batch.journal.writer"

local path_of, list_of, read = journals.path, journals.rows, journals.read

-- What batch.run does with a recorder that the command line makes.
local function retry(path, rows, job)
  return batch.run{ source = rows, job = job, jobs = 1,
    journal = function(source) return recorder.again(source, path, "retry", false) end }
end

describe("a run that is retried", function()
  it("keeps the number of its rows, also when the failed ones end before the input does", function()
    local path = path_of(finally)
    assert(batch.run{ source = list_of(10), journal = path, jobs = 1, job = function(row)
      if row.n == 3 then return nil, "no" end
    end })
    assert.equal(1, assert(retry(path, list_of(10), function() return nil, "no" end)).failed)
    assert.equal(10, (select(2, read(path)).rows))
  end)

  it("has not come to its end when only its failed rows were tried again", function()
    local path = path_of(finally)
    assert.equal("halt", assert(batch.run{ source = list_of(10), journal = path, jobs = 1, halt = "fail=1",
      job = function(row) if row.n == 3 then return nil, "no" end end }).stopped)
    assert.equal(3, assert(retry(path, list_of(10), function() end)).done)
    assert.is_nil((select(2, read(path)).rows))
  end)

  it("leaves a row failed whose POST was not sent after all", function()
    local path = path_of(finally)
    local w = assert(writer.create(path, "R1"))
    assert(w:begin("batch"))
    w:add{ row = 1, line = 1, id = "T1", outcome = "failed", kind = "api", title = "Bad Request", status = 400, attempts = 1, ms = 5 }
    w:close("done", 0)
    w = assert(writer.reopen(path))
    assert(w:begin("retry"))
    for row = 1, 2 do -- the second has not failed before
      assert(w:record{ row = row, line = row, id = "T" .. row, intent = "POST /x" })
      w:add{ row = row, outcome = "pending", withdrawn = true }
    end
    w:close("interrupted", 0)
    local results = read(path)
    assert.equal(1, #results)
    assert.same({ 1, "failed", "Bad Request" }, { results[1].row, results[1].outcome, results[1].title })
  end)

  it("makes a row unknown whose POST was under way when it ended", function()
    local path = path_of(finally)
    local w = assert(writer.create(path, "R1"))
    assert(w:begin("batch"))
    w:add{ row = 1, line = 1, id = "T1", outcome = "failed", kind = "api", title = "Bad Request", detail = "No.", status = 400,
      attempts = 1, ms = 5 }
    w:close("done", 0)
    w = assert(writer.reopen(path))
    assert(w:begin("retry"))
    assert(w:record{ row = 1, line = 1, id = "T1", intent = "POST /x" })
    w:close("done", 0) -- as if it had been killed: what came of the row is not known
    local title = "ended during POST /x: whether it was carried out is not known"
    local r = read(path)[1]
    assert.same({ "unknown", title }, { r.outcome, r.title, r.detail, r.status })
    w = assert(writer.reopen(path))
    assert(w:begin("retry"))
    w:close("done", 0)
    r = read(path)[1]
    assert.same({ "unknown", title }, { r.outcome, r.title, r.detail, r.status })
  end)
end)

describe("a run that is gone on with", function()
  local function resume(path, rows, job)
    return batch.run{ source = rows, job = job, jobs = 1, journal = path, resume = true }
  end

  local function with_meta(path, sql)
    local db <close> = assert(sqlite.open(path))
    assert(db:exec(sql))
  end

  it("is not gone on with elsewhere", function()
    local path = path_of(finally)
    assert(resume(path, list_of(1), function() end))
    with_meta(path, "UPDATE run SET value = 'https://api.example.com' WHERE key = 'target'")
    local summary, message = resume(path, list_of(2), error)
    assert.is_nil(summary)
    assert.matches("was against https://api.example.com, and this would go to", message, 1, true)
  end)

  it("has no rows of a dry run among those that were written, nor the other way round", function()
    local path = path_of(finally)
    assert(resume(path, list_of(1), function() end))
    with_meta(path, "UPDATE run SET value = json_set(value, '$.dry_run', json('true')) WHERE key = 'options'")
    local summary, message = resume(path, list_of(2), error)
    assert.is_nil(summary)
    assert.matches("was a dry run, in which nothing was written", message, 1, true)
  end)
end)

describe("a job's own error", function()
  local trace = "00-0123456789abcdeffedcba9876543210-f00dbeefcafe4321-01"
  for what, err in pairs{
    ["a status that is none"] = { title = "t", status = {} }, ["a status with a fraction"] = { title = "t", status = 1.5 },
    ["a traceparent that is none"] = { title = "t", traceparent = "x" }, ["another"] = { title = "t", traceparent = {} },
    ["errors that are none"] = { title = "t", errors = 5 }, ["errors in words"] = { title = "t", errors = "no" },
    ["errors of the wrong kind"] = { title = "t", errors = { print, "no", { field = {}, message = print } } },
    ["attempts in words"] = { title = "t", attempts = "two" }, ["a trace id that is none"] = { title = "t", trace_id = {} },
    ["a kind that is none"] = { title = "t", kind = {} }, ["a title and a detail that are none"] = { title = {}, detail = {} },
  } do
    it("fails its row, and not the run: " .. what, function()
      local path = path_of(finally)
      local summary = assert(batch.run{ source = list_of(3), journal = path, results = path .. ".csv", job = function(row)
        if row.n == 2 then return nil, err end
      end })
      assert.same({ 2, 1 }, { summary.done, summary.failed })
      local r = read(path)[2]
      assert.equal("failed", r.outcome)
      if type(err.title) == "string" then assert.equal("t", r.title) end
    end)
  end

  it("keeps what it says", function()
    local path = path_of(finally)
    assert(batch.run{ source = list_of(1), journal = path, job = function()
      return nil, { kind = "mine", title = "t", detail = "d", status = 409, traceparent = trace, trace_id = "i", attempts = 3,
        errors = { { field = "f", message = "m" }, "plain" } }
    end })
    local r = read(path)[1]
    assert.same({ "mine", "t", "d", 409, trace, "i", 3 }, { r.kind, r.title, r.detail, r.status, r.traceparent, r.trace_id,
      r.attempts })
    assert.same({ { field = "f", message = "m" }, { message = "plain" } }, r.errors)
  end)
end)

describe("on_result", function()
  it("may wait: it gets every result, in the order in which they were recorded, before the run ends", function()
    local path, told, inside, most = path_of(finally), {}, 0, 0
    local summary = assert(batch.run{ source = list_of(20), journal = path, jobs = 15,
      job = function() task.sleep(0.15) end,
      on_result = function(r)
        inside = inside + 1
        most = math.max(most, inside)
        task.sleep(0.05)
        told[#told + 1], inside = r.row, inside - 1
      end })
    assert.same({ 20, 20, 1 }, { summary.done, #told, most })
    for i, row in ipairs(told) do assert.equal(i, row) end
  end)

  it("may leave the process, with all that is recorded by then", function()
    local path = path_of(finally)
    local code, _, err = child.eval(([[
      require("moonkey.batch").run{ source = { {id = "a"}, {id = "b"}, {id = "c"} }, journal = %q, jobs = 1,
        job = function() end, on_result = function() os.exit(7) end }]]):format(path))
    assert.same({ 7, "" }, { code, err })
    assert.equal(3, #read(path))
  end)
end)

describe("the locks of a journal that is written", function()
  -- Those of SQLite (fcntl) on the file, as the kernel lists them.
  local function count_locks(path)
    local pipe <close> = assert(io.popen(("stat -c %%i '%s'"):format(path)))
    local inode, count = pipe:read("l"), 0
    for line in io.lines("/proc/locks") do
      if line:find("POSIX", 1, true) and line:find(":" .. inode .. " ", 1, true) then count = count + 1 end
    end
    return count
  end

  it("stay when the same process reads it, or wants it a second time", function()
    local path = path_of(finally)
    local w = assert(writer.create(path, "R1"))
    assert(w:begin("batch"))
    local count = count_locks(path)
    assert.is_true(count > 0)
    local journal = assert(reader.open(path))
    assert.is_true(journal:running())
    journal:close()
    collectgarbage()
    assert.equal(count, count_locks(path))
    local _, message = writer.reopen(path)
    collectgarbage()
    assert.matches("another moonkey is working on it", message, 1, true)
    assert.equal(count, count_locks(path))
    w:close("done", 0)
    assert.is_false(assert(reader.open(path)):running())
  end)

  it("are there in a run that is gone on with", function()
    local path, count = path_of(finally), nil
    assert(batch.run{ source = list_of(1), journal = path, job = function() end })
    assert(batch.run{ source = list_of(2), journal = path, resume = true, job = function() count = count_locks(path) end })
    assert.is_true(count > 0)
  end)
end)

describe("a journal that is damaged in the middle", function()
  local MESSAGE = "cannot read the journal bad.journal: it is damaged, or no journal of moonkey ("

  -- Its directory: rows beyond the first pages are gone.
  local function damaged(finally)
    local directory = child.directory(finally)
    local path = directory .. "/state/moonkey/runs/bad.journal"
    child.write(directory .. "/rows.jsonl", ('{"id":"a","name":"b"}\n'):rep(3000))
    local whole = fixture.write(directory .. "/whole.journal", { rows = 3000, failed = 3, changes = true,
      run = { command = "batch", input = directory .. "/rows.jsonl", format = "jsonl", target = false, options = {} } })
    local file <close> = assert(io.open(whole, "rb"))
    local bytes = file:read("a")
    child.write(path, bytes:sub(1, 60000) .. ("\xa5"):rep(60000) .. bytes:sub(120001))
    return directory
  end

  for _, args in ipairs{ { "runs", "results", "bad.journal" }, { "runs", "results", "bad.journal", "-o", "jsonl" },
    { "runs", "show", "bad.journal" }, { "report", "bad.journal" },
    { "resume", "bad.journal" }, { "resume", "bad.journal", "--accept-changes" }, { "retry", "bad.journal" } } do
    it("is told by " .. table.concat(args, " "), function()
      local code, _, err = child.run(args, { dir = damaged(finally) .. "/state/moonkey/runs" })
      assert.equal(2, code)
      assert.matches(MESSAGE, err, 1, true)
      assert.is_nil(err:find("traceback", 1, true))
    end)
  end

  it("does not hide the others of a list", function()
    local directory = damaged(finally)
    os.execute(("cp %s/whole.journal %s/state/moonkey/runs/20200101-000000-aaaa.journal"):format(directory, directory))
    local code, out, err = child.run({ "runs" }, { env = "XDG_STATE_HOME=" .. directory .. "/state" })
    assert.equal(0, code)
    assert.matches("20200101-000000-aaaa", out, 1, true)
    assert.matches("bad.journal: it is damaged", err, 1, true)
    assert.is_nil(err:find("traceback", 1, true))
  end)
end)

describe("a run that cannot begin", function()
  it("takes another id where another process has taken that one", function()
    local _, id = place.new()
    local path = place.new():match("^(.*/)") .. id .. ".journal"
    local other, new_id, given = assert(writer.create(path, id)), place.new_id, 0
    assert(other:begin("batch"))
    finally(function() place.new_id = new_id end)
    function place.new_id()
      given = given + 1
      return given == 1 and id or new_id()
    end
    local summary = assert(batch.run{ source = list_of(2), job = function() end })
    assert.same({ 2, 2 }, { summary.done, given })
    assert.not_equal(path, summary.journal)
    other:add{ row = 1, id = "T", outcome = "done", attempts = 1, ms = 0 }
    other:close("done", 0)
    assert.equal(1, #read(path))
    os.remove(path)
    os.remove(summary.journal)
  end)

  it("leaves a file for its results that can be named again", function()
    local directory = child.directory(finally)
    child.write(directory .. "/taken.journal", "mine")
    local function go(journal)
      return batch.run{ source = list_of(1), journal = directory .. journal, results = directory .. "/r.csv", job = function() end }
    end
    local summary, message = go("/taken.journal")
    assert.is_nil(summary)
    assert.matches("it is there already, with contents", message, 1, true)
    assert.equal(1, assert(go("/free.journal")).done)
  end)
end)
