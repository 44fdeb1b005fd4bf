-- The journal of a run, and batch.run with one.
local batch = require "moonkey.batch"
local child = require "child"
local journals = require "journals"
local place = require "moonkey.batch.journal.place"
local reader = require "moonkey.batch.journal.reader"
local recorder = require "moonkey.batch.journal.recorder"
local row_hash = require "moonkey.batch.row_hash"
local sources = require "moonkey.batch.source"
local sqlite = require "moonkey.sqlite"
local sys = require "moonkey.sys"
local task = require "moonkey.task"
local writer = require "moonkey.batch.journal.writer"

local path_of, list_of, read = journals.path, journals.rows, journals.read

local SECRET = "idt:TKN-0000-0009:NoJournalMayHoldThis0123456789"

-- The file and its write-ahead log.
local function bytes_of(path)
  local text = ""
  for _, name in ipairs{ path, path .. "-wal" } do
    local file = io.open(name, "rb")
    if file then
      text = text .. file:read("a")
      file:close()
    end
  end
  return text
end

describe("a row's hash", function()
  it("is that of its contents, whatever their order", function()
    assert.equal(16, #row_hash{ id = "T1", name = "a" })
    local row = { name = "a" }
    row.id = "T1"
    assert.equal(row_hash{ id = "T1", name = "a" }, row_hash(row))
    assert.not_equal(row_hash{ id = "T1", name = "b" }, row_hash(row))
  end)

  it("is nothing for what has no form in JSON", function()
    assert.is_nil(row_hash{ id = "T1", run = print })
  end)
end)

describe("a journal", function()
  it("gives back what was put in", function()
    local path = path_of(finally)
    local w <close> = assert(writer.create(path, "R1"))
    assert(w:begin("batch", { source = "a.csv", options = { jobs = 3 } }))
    local told = {}
    function w.on_commit(results) for _, r in ipairs(results) do told[#told + 1] = r.row end end
    local trace = "00-0123456789abcdeffedcba9876543210-f00dbeefcafe4321-01"
    w:add{ row = 1, line = 2, id = "TKN-0000-0001", hash = ("h"):rep(16), outcome = "done", status = 200, attempts = 1, ms = 7,
      traceparent = trace }
    w:add{ row = 2, line = 3, outcome = "failed", kind = "api", title = "Bad Request", detail = "No.", attempts = 1, ms = 1,
      errors = { { field = "name", message = "too long" } }, trace_id = "t" }
    w:add{ row = 3, line = 4, id = "x", outcome = "skipped", attempts = 1, ms = 0 }
    assert.same({}, told) -- nothing counts before it is committed
    assert.is_true(w:close("done", 4))
    assert.same({ 1, 2, 3 }, told)
    local results, meta, sessions, counts = read(path)
    assert.same({ 1, "TKN-0000-0001", ("h"):rep(16), "done", 200, 1, 7, trace }, { results[1].row, results[1].id,
      results[1].hash, results[1].outcome, results[1].status, results[1].attempts, results[1].ms, results[1].traceparent })
    assert.same({ "failed", "api", "Bad Request", "No.", "t" }, { results[2].outcome, results[2].kind, results[2].title,
      results[2].detail, results[2].trace_id })
    assert.same({ { field = "name", message = "too long" } }, results[2].errors)
    assert.same({ "R1", "a.csv", { jobs = 3 } }, { meta.id, meta.source, meta.options })
    assert.same({ "batch", "done", 4 }, { sessions[1].kind, sessions[1].outcome, sessions[1].retries })
    assert.same({ new = 0, done = 1, failed = 1, unknown = 0, skipped = 1 }, counts)
  end)

  it("can be read by its owner only", function()
    local path = path_of(finally)
    local w <close> = assert(writer.create(path, "R1"))
    assert(w:begin("batch"))
    for _, name in ipairs{ path, path .. "-wal", path .. "-shm" } do assert.equal(384, sys.file_mode(name)) end -- 0600
    w:close("done", 0)
  end)

  it("has no secret in it, wherever one is put", function()
    local path = path_of(finally)
    local w <close> = assert(writer.create(path, "R1"))
    assert(w:begin("batch"))
    w:add{ row = 1, id = SECRET, outcome = "failed", kind = "job", title = "because " .. SECRET, detail = SECRET, attempts = 0,
      ms = 0, errors = { { field = "token", message = SECRET } }, trace_id = SECRET }
    w:add{ row = 2, id = "T", outcome = "done", attempts = 1, ms = 0,
      changes = { { field = "name", from = SECRET, to = "a" } } }
    assert(w:commit())
    assert.is_nil(bytes_of(path):find("NoJournalMayHoldThis", 1, true))
    w:close("done", 0)
    assert.is_nil(bytes_of(path):find("NoJournalMayHoldThis", 1, true))
  end)

  it("belongs to one writer, and can be read meanwhile", function()
    local path = path_of(finally)
    local w <close> = assert(writer.create(path, "R1"))
    assert(w:begin("batch"))
    local code, _, err = child.run({ "retry", path }, { dir = path:match("^(.*)/") })
    assert.equal(2, code)
    assert.matches("is under way: another moonkey is working on it", err, 1, true)
    code = child.run({ "runs", "show", path }, { dir = path:match("^(.*)/") })
    assert.equal(0, code)
    w:close("done", 0)
  end)

  it("commits in groups, and what is left after a moment", function()
    local w <close> = assert(writer.create(path_of(finally), "R1"))
    assert(w:begin("batch"))
    local groups = {}
    function w.on_commit(results) groups[#groups + 1] = #results end
    for i = 1, 300 do w:add{ row = i, id = "T", outcome = "done", attempts = 1, ms = 0 } end
    assert.same({ 256 }, groups)
    task.sleep(0.3)
    assert.same({ 256, 44 }, groups)
    w:close("done", 0)
  end)

  it("has a note on the disk before whoever makes it goes on", function()
    local path = path_of(finally)
    local w <close> = assert(writer.create(path, "R1"))
    assert(w:begin("batch"))
    local seen = {}
    for i = 1, 3 do
      seen[i] = task.spawn(function()
        assert(w:record{ row = i, line = i, id = "T" .. i, changes = { { field = "name", from = "a", to = "b" } } })
        local journal <close> = assert(reader.open(path))
        local count = 0
        for row in journal:changes() do count = count + (row == i and 1 or 0) end
        return count
      end)
    end
    for i = 1, 3 do assert.equal(1, seen[i]:join()) end
    w:close("done", 0)
  end)

  it("makes what was about to be sent unknown, and not new", function()
    local path = path_of(finally)
    local w <close> = assert(writer.create(path, "R1"))
    assert(w:begin("batch"))
    assert(w:record{ row = 7, line = 8, id = "T7", hash = ("h"):rep(16), intent = "POST /x" })
    w:close("done", 0)
    local again = assert(writer.reopen(path))
    assert(again:begin("resume"))
    again:close("done", 0)
    local results, _, sessions = read(path)
    assert.same({ 7, "unknown", "ended during POST /x: whether it was carried out is not known" },
      { results[1].row, results[1].outcome, results[1].title })
    assert.same({ "batch", "resume" }, { sessions[1].kind, sessions[2].kind })
  end)

  it("says what is wrong with a file that is none", function()
    local directory = child.directory(finally)
    local function write(name, text) child.write(directory .. "/" .. name, text) return directory .. "/" .. name end
    local other = assert(sqlite.open(directory .. "/other.db"))
    assert(other:exec "CREATE TABLE a(b)")
    other:close()
    local whole = directory .. "/whole"
    local w = assert(writer.create(whole, "R1"))
    assert(w:begin("batch"))
    for i = 1, 200 do w:add{ row = i, id = "T", outcome = "done", attempts = 1, ms = 0 } end
    w:close("done", 0)
    local newer = write("newer", bytes_of(whole))
    local db = assert(sqlite.open(newer))
    assert(db:exec "PRAGMA user_version = 99")
    db:close()
    local cases = {
      { write("text", ("not a database\n"):rep(100)), "no journal of moonkey" },
      { write("empty", ""), "there is no run in it" },
      { write("cut", bytes_of(whole):sub(1, 5000)), "damaged" },
      { directory .. "/other.db", "no journal of moonkey" },
      { newer, "a newer moonkey has written it (its version is 99, this program knows 1)" },
      { directory .. "/none", "there is no" },
      { directory, "there is no" },
    }
    for _, case in ipairs(cases) do
      local journal, message = reader.open(case[1])
      assert.is_nil(journal)
      assert.matches(case[2], message, 1, true)
      journal, message = writer.reopen(case[1])
      assert.is_nil(journal)
      assert.truthy(message)
    end
  end)
end)

describe("a run", function()
  it("is found by its id, the beginning of one, or its path", function()
    local state = assert(place.directory())
    local path, id = place.new()
    local w = assert(writer.create(path, id))
    finally(function() os.remove(path) end)
    w:close("done", 0)
    assert.equal(state .. "/" .. id .. ".journal", path)
    assert.matches("^%d%d%d%d%d%d%d%d%-%d%d%d%d%d%d%-[a-z2-7][a-z2-7][a-z2-7][a-z2-7]$", id)
    assert.equal(path, place.find(id))
    assert.equal(path, place.find(id:sub(1, -2)))
    assert.equal(path, place.find(path))
    local _, message = place.find("nosuchrun")
    assert.matches("there is no run nosuchrun", message, 1, true)
  end)
end)

describe("batch.run with a journal", function()
  it("records each row once, and tells of it then", function()
    local path, told = path_of(finally), 0
    local summary = assert(batch.run{ source = list_of(600), journal = path, job = function(row, ctx)
      assert(ctx.run and ctx.log)
      if row.n % 10 == 0 then return nil, "no" end
    end, on_result = function(r)
      told = told + 1
      assert.is_nil(r.hash)
    end })
    assert.same({ 600, 540, 60, path }, { told, summary.done, summary.failed, summary.journal })
    local results, meta = read(path)
    assert.same({ 600, 600, summary.run }, { #results, meta.rows, meta.id })
    for i, r in ipairs(results) do assert.same({ i, "T" .. i }, { r.row, r.id }) end
  end)

  it("goes on where it ended, and not over rows that are other ones", function()
    local path, ran = path_of(finally), {}
    local function go(source, halt)
      return batch.run{ source = source, journal = path, resume = true, jobs = 1, halt = halt, job = function(row)
        ran[#ran + 1] = row.n
        if row.n == 5 then return nil, "no" end
      end }
    end
    assert.equal("halt", assert(go(list_of(10), "fail=1")).stopped)
    assert.equal(5, #ran)
    local summary = assert(go(list_of(10)))
    assert.same({ 9, 1, 5, 10 }, { summary.done, summary.failed, summary.before, #ran })
    local others = list_of(12)
    others[3].n = 33
    summary = assert(go(others))
    assert.matches("row 3 is not the one (T3) that it was", summary.unusable.message, 1, true)
    assert.equal(10, #ran)
  end)

  it("is refused a file that is there already", function()
    local path = path_of(finally)
    child.write(path, "mine")
    local summary, message = batch.run{ source = list_of(1), journal = path, job = function() end }
    assert.is_nil(summary)
    assert.matches("it is there already, with contents", message, 1, true)
    assert.equal("mine", bytes_of(path))
  end)

  it("does not try a failed row again when a later one of its token is done", function()
    local directory = child.directory(finally)
    local path, rows = directory .. "/a.journal", { { id = "A", n = 1 }, { id = "A", n = 2 }, { id = "B", n = 3 } }
    local fail = { [1] = true, [3] = true }
    assert(batch.run{ source = rows, journal = path, jobs = 1, job = function(row)
      if fail[row.n] then return nil, "no" end
    end })
    local ran = {}
    local again = assert(recorder.again(assert(sources.open(rows)), path, "retry", false))
    for row in function() return again.source:next() end do ran[#ran + 1] = row.n end
    assert.same({ 3 }, ran)
    again.writer:close("done", 0)
  end)

  it("needs no place where it is not wanted", function()
    local summary = assert(batch.run{ source = list_of(2), journal = false, job = function() end })
    assert.same({ 2 }, { summary.done, summary.run, summary.journal })
  end)

  for _, case in ipairs{ { journal = 7 }, { journal = "" }, { resume = true }, { resume = true, journal = false },
    { skip_unchanged = true, job = print } } do
    it("refuses " .. table.concat((function() local t = {} for k, v in pairs(case) do t[#t + 1] = k .. "=" .. tostring(v) end
      table.sort(t) return t end)(), ", "):gsub("builtin.*", "…"):gsub("function.*", "…"), function()
      case.source = list_of(1)
      assert.is_false((pcall(batch.run, case)))
    end)
  end
end)
