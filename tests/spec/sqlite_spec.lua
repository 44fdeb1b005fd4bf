-- The binding of SQLite: what goes in comes out, failures are values, misuse raises, and closing is safe in any order.
local json = require "moonkey.json"
local sqlite = require "moonkey.sqlite"
local sys = require "moonkey.sys"
local temporary = require "temporary"

local function memory()
  return assert(sqlite.open(":memory:"))
end

describe("moonkey.sqlite", function()
  local path

  before_each(function()
    path = temporary.name()
    os.remove(path)
  end)

  after_each(function()
    for _, suffix in ipairs({ "", "-wal", "-shm", "-journal" }) do
      os.remove(path .. suffix)
    end
  end)

  describe("values", function()
    local cases = {
      { "an integer", 42, 42 },
      { "the least integer", math.mininteger, math.mininteger },
      { "the greatest integer", math.maxinteger, math.maxinteger },
      { "a float", 0.1, 0.1 },
      { "a float with an integer's value", 3.0, 3.0 },
      { "a string", "O'Neil", "O'Neil" },
      { "an empty string", "", "" },
      { "a string with a zero byte", "a\0b", "a\0b" },
      { "UTF-8", "żółw", "żółw" },
      { "true", true, 1 },
      { "false", false, 0 },
      { "nil", nil, nil },
      { "json.null", json.null, nil },
    }
    for _, case in ipairs(cases) do
      it("keeps " .. case[1], function()
        local db = memory()
        db:exec("CREATE TABLE t (k INTEGER PRIMARY KEY, v)")
        assert.equal(1, db:prepare("INSERT INTO t VALUES (1, ?)"):run(case[2]))
        local k, v = db:prepare("SELECT k, v FROM t"):row()
        assert.equal(1, k)
        assert.equal(case[3], v)
        assert.equal(math.type(case[3]), math.type(v))
      end)
    end

    it("binds NULL to parameters without a value", function()
      local a, b, c = memory():prepare("SELECT 1, ?, ?"):row("x")
      assert.same({ 1, "x", nil }, { a, b, c })
    end)
  end)

  it("counts the changes of each run", function()
    local db = memory()
    db:exec("CREATE TABLE t (v)")
    local insert = db:prepare("INSERT INTO t VALUES (?)")
    for i = 1, 3 do
      assert.equal(1, insert:run(i))
      assert.equal(i, db:last_rowid())
    end
    assert.equal(3, db:prepare("UPDATE t SET v = 0"):run())
    assert.equal(3, db:changes())
    assert.equal(0, db:prepare("CREATE TABLE u (v)"):run())
    assert.equal(0, db:prepare("DELETE FROM t WHERE v = 9"):run())
  end)

  it("iterates rows, and starts afresh after a loop was left", function()
    local db = memory()
    local numbers = db:prepare("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
      .. " SELECT i, i * i FROM n")
    local sum = 0
    for i, square in numbers:rows(4) do
      assert.equal(i * i, square)
      sum = sum + square
    end
    assert.equal(30, sum)
    for i in numbers:rows(1000) do
      if i == 2 then
        break
      end
    end
    assert.has_error(function()
      for _ in numbers:rows(3) do
        error("stop", 0)
      end
    end, "stop")
    assert.same({ 1, 1 }, { numbers:row(1) })
  end)

  it("has no row where there is none", function()
    assert.equal(0, select("#", memory():prepare("SELECT 1 WHERE 0"):row()))
  end)

  describe("failures", function()
    it("are nil, a message and a kind", function()
      local db = memory()
      db:exec("CREATE TABLE t (v UNIQUE)")
      local insert = db:prepare("INSERT INTO t VALUES (?)")
      insert:run("a")
      assert.same({ nil, "UNIQUE constraint failed: t.v", "constraint", n = 3 }, table.pack(insert:run("a")))
      assert.equal(1, insert:run("b"))
      assert.same({ nil, 'near "SELEKT": syntax error', "error", n = 3 }, table.pack(db:prepare("SELEKT 1")))
      assert.same({ nil, "no such table: u", "error", n = 3 }, table.pack(db:exec("DELETE FROM u")))
    end)

    it("say that a file is no database", function()
      local file = assert(io.open(path, "w"))
      file:write(("not a database\n"):rep(100))
      file:close()
      local db, message, kind = sqlite.open(path)
      assert.same({ nil, "file is not a database", "notadb" }, { db, message, kind })
      for _ = 1, 2 do
        assert.same({ nil, "file is not a database", "notadb" }, { sqlite.open(path, { lock = true }) })
        assert.is_false(sqlite.is_locked(path))
      end
    end)

    it("say that another has it", function()
      local first = assert(sqlite.open(path))
      assert(first:exec("CREATE TABLE t (v); PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"))
      local second, message, kind = sqlite.open(path)
      assert.same({ nil, "the database is in use by another process", "busy" }, { second, message, kind })
      first:close()
      assert(sqlite.open(path)):close()
    end)

    it("say why a file cannot be opened", function()
      local db, message, kind = sqlite.open("/nonexistent/x.db")
      assert.is_nil(db)
      assert.matches("No such file or directory", message)
      assert.equal("cantopen", kind)
      assert.is_nil((sqlite.open(path, { readonly = true })))
    end)

    it("say that a database is read-only", function()
      local db = assert(sqlite.open(path))
      db:exec("CREATE TABLE t (v)")
      db:close()
      db = assert(sqlite.open(path, { readonly = true }))
      local _, message, kind = db:exec("INSERT INTO t VALUES (1)")
      assert.same({ "attempt to write a readonly database", "readonly" }, { message, kind })
    end)
  end)

  it("is removed with what is beside it, but not while somebody holds it", function()
    local db = assert(sqlite.open(path, { lock = true }))
    assert(db:exec("PRAGMA journal_mode = WAL; CREATE TABLE t (v)"))
    assert.same({ nil, "it is in use", "busy" }, { sqlite.remove(path) })
    assert(io.open(path .. "-wal")):close()
    db:close()
    for _, ending in ipairs{ "-wal", "-shm", "-journal" } do assert(io.open(path .. ending, "w")):close() end
    assert.is_true(sqlite.remove(path))
    for _, ending in ipairs{ "", "-wal", "-shm", "-journal" } do assert.is_nil(io.open(path .. ending)) end
    assert.same({ nil, "No such file or directory", "cantopen" }, { sqlite.remove(path) })
    assert.is_nil(io.open(path))
  end)

  it("creates a file that only its owner can read", function()
    local db = assert(sqlite.open(path))
    assert(db:exec("PRAGMA journal_mode = WAL; CREATE TABLE t (v)"))
    assert.equal("600", ("%o"):format(sys.file_mode(path)))
    assert.equal("600", ("%o"):format(sys.file_mode(path .. "-wal")))
    db:close()
  end)

  describe("misuse", function()
    local db
    before_each(function()
      db = memory()
    end)
    local cases = {
      { "too many values", function() db:prepare("SELECT ?"):row(1, 2) end, "takes 1 values, got 2" },
      { "a value that cannot be stored", function() db:prepare("SELECT ?"):row({}) end, "a table cannot be stored" },
      { "two statements in one", function() db:prepare("SELECT 1; SELECT 2") end, "one statement only" },
      { "no statement", function() db:prepare(" -- nothing") end, "no statement" },
      { "an empty path", function() sqlite.open("") end, "the path is empty" },
      { "a closed database", function() db:close() db:exec("SELECT 1") end, "the database is closed" },
      { "a statement of a closed database",
        function() local s = db:prepare("SELECT 1") db:close() s:row() end, "the database of this statement is closed" },
      { "a statement within its own loop",
        function() local s = db:prepare("SELECT 1") for _ in s:rows() do s:row() end end, "still running" },
      { "a loop over NULL",
        function() for _ in db:prepare("SELECT NULL"):rows() do error("?") end end, "first column is NULL" },
    }
    for _, case in ipairs(cases) do
      it("raises for " .. case[1], function()
        local ok, message = pcall(case[2])
        assert.is_false(ok)
        assert.matches(case[3], message, 1, true)
      end)
    end
  end)

  describe("closing", function()
    it("takes the statements along, and may come twice", function()
      local db = memory()
      local statement = db:prepare("SELECT 1")
      assert.is_true(db:close())
      assert.is_true(db:close())
      assert.has_error(function()
        statement:row()
      end)
    end)

    it("in the middle of a loop ends it with an error", function()
      local db = memory()
      assert.has_error(function()
        for _ in db:prepare("SELECT 1 UNION SELECT 2"):rows() do
          db:close()
        end
      end)
    end)

    it("by the collector is safe in any order", function()
      for _ = 1, 50 do
        local db = memory()
        db:exec("CREATE TABLE t (v)")
        local kept = {}
        for i = 1, 5 do
          kept[i] = db:prepare("SELECT * FROM t")
        end
        kept[3] = nil
        collectgarbage()
        assert.equal(0, select("#", kept[1]:row()))
      end
      collectgarbage()
    end)

    it("by <close>", function()
      local kept
      do
        local db <close> = memory()
        kept = db
      end
      assert.has_error(function()
        kept:exec("SELECT 1")
      end)
    end)

    it("rolls an open transaction back", function()
      local db = assert(sqlite.open(path))
      db:exec("CREATE TABLE t (v); BEGIN; INSERT INTO t VALUES (1)")
      db:close()
      db = assert(sqlite.open(path))
      assert.equal(0, (db:prepare("SELECT count(*) FROM t"):row()))
    end)
  end)
end)
