-- moonkey.rows: readers of row files, and files for results. What is framed how is in tests/unit/test_rows.c.
local json = require "moonkey.json"
local rows = require "moonkey.rows"
local sys = require "moonkey.sys"
local task = require "moonkey.task"
local temporary = require "temporary"

local directory

local function path(name)
  return directory .. "/" .. name
end

local function write(name, text)
  local file = assert(io.open(path(name), "w"))
  file:write(text)
  file:close()
  return path(name)
end

-- Every row as "LINE ROW", bad ones as "LINE !message", an unusable rest as "LINE !!message".
local function read_all(reader)
  local list = {}
  while true do
    local row, line, message = reader:next()
    if row then
      list[#list + 1] = line .. " " .. json.encode(row)
    elseif message then
      list[#list + 1] = ("%d %s%s"):format(line, row == nil and "!!" or "!", message)
    end
    if row == nil then return list end
  end
end

describe("moonkey.rows", function()
  setup(function()
    directory = temporary.name()
    os.remove(directory)
    assert(os.execute("mkdir " .. directory))
  end)
  teardown(function() os.execute("rm -r " .. directory) end)

  local cases = {
    { "objects", "a.jsonl", '{"id":"T1","n":1}\n{"id":"T2","description":null}\n',
      { '1 {"id":"T1","n":1}', '2 {"description":null,"id":"T2"}' } },
    { "the extension in capitals", "a.NDJSON", "{}", { "1 {}" } },
    { "bad JSON, and on", "a.jsonl", '{"id":}\n{"id":"T2"}', { "1 !", '2 {"id":"T2"}' } },
    { "not an object", "a.jsonl", '5\n[1]\n"x"\nnull\n{}',
      { "1 !a row is a JSON object", "2 !a row is", "3 !a row is", "4 !a row is", "5 {}" } },
    { "invalid UTF-8", "a.jsonl", '{"a":"\xFF"}\n{"a":"é"}', { "1 !", '2 {"a":"é"}' } },
    { "too deep", "a.jsonl", '{"a":' .. ("["):rep(200) .. ("]"):rep(200) .. "}\n{}", { "1 !", "2 {}" } },
    { "a JSON array", "a.json", '[\n{"a":[1,2]},\n{"b":[]}]', { '2 {"a":[1,2]}', '3 {"b":[]}' } },
    { "a bad element", "a.json", '[{"a":1,},{}]', { "1 !", "1 {}" } },
    { "a broken array", "a.json", '[{}\nx', { "1 {}", "2 !!',' or ']' after an element of the array expected, found 'x'" } },
    { "lines in a .json file", "a.json", "{}\n{}", { "1 !!a JSON array begins with '['" } },
    { "CSV", "a.csv", 'id,name\nT1,"a, b"\nT2,\n', { '2 ["T1","a, b"]', '3 ["T2",""]' } },
    { "CSV with invalid UTF-8", "a.csv", "id,name\nT1,\xE9\nT2,é\n", { "2 !cell 2 is not valid UTF-8", '3 ["T2","é"]' } },
    { "CSV with a malformed header", "a.csv", 'id,"na"me\nT1,x\n', { "1 !!the header line cannot be read" } },
    { "CSV with a header only", "a.csv", "id,name\n", {} },
    { "nothing", "a.jsonl", "", {} },
  }
  for _, case in ipairs(cases) do
    it("reads " .. case[1], function()
      local got = read_all(assert(rows.open{ path = write(case[2], case[3]) }))
      assert.equal(#case[4], #got, json.encode(json.array(got)))
      for i, expected in ipairs(case[4]) do
        assert.equal(expected, expected:find("!") and got[i]:sub(1, #expected) or got[i])
      end
    end)
  end

  it("gives the header of CSV before and after rows are read", function()
    local reader = rows.open{ path = write("h.csv", "id;name\nT1;x\n") }
    assert.same({ "id", "name" }, reader:header())
    assert.same({ "T1", "x" }, (reader:next()))
    assert.same({ "id", "name" }, reader:header())
    reader = rows.open{ path = write("h.csv", "id,name\nT1,x\n") }
    assert.same({ "T1", "x" }, (reader:next()))
    assert.same({ "id", "name" }, reader:header())
    assert.is_nil(rows.open{ path = write("h.jsonl", "{}") }:header())
    assert.is_nil(rows.open{ path = write("e.csv", "") }:header())
  end)

  it("says what cannot be opened, and why", function()
    for _, case in ipairs{
      { { path = path("missing.csv") }, "missing.csv: No such file" },
      { { path = directory }, "it is a directory" },
      { { path = write("rows.txt", "{}") }, "add --format csv" },
      { { path = write("rows", "{}") }, "add --format csv" },
    } do
      local reader, message = rows.open(case[1])
      assert.is_nil(reader)
      assert.truthy(message:find(case[2], 1, true), message)
    end
    assert.error_matches(function() rows.open{ path = "x.csv", format = "xml" } end, "format must be")
    assert.error_matches(function() rows.open{} end, "path must be a string")
    assert.error_matches(function()
      local reader = rows.open{ path = write("c.jsonl", "{}") }
      reader:close()
      reader:next()
    end, "the reader is closed")
  end)

  it("tells how far it is", function()
    local reader = rows.open{ path = write("o.jsonl", "{}\n{ }\n") }
    assert.same({ 0, 7 }, { reader:offset() })
    reader:next()
    assert.same({ 3, 7 }, { reader:offset() })
  end)

  it("skips a row of more than 1 MiB", function()
    local reader = rows.open{ path = write("l.jsonl", '{"a":"' .. ("x"):rep(1 << 20) .. '"}\n{}\n') }
    assert.same({ "1 !the row is longer than 1048576 bytes", "2 {}" }, read_all(reader))
  end)

  it("reads a large file in little memory", function()
    local file = assert(io.open(path("large.jsonl"), "w"))
    for i = 1, 200000 do file:write('{"id":"TKN-0000-0001","name":"A name of some length ', i, '"}\n') end
    file:close()
    local reader, count, most = assert(rows.open{ path = path("large.jsonl") }), 0, 0
    collectgarbage()
    local before = collectgarbage("count")
    while reader:next() do
      count = count + 1
      if count % 20000 == 0 then
        collectgarbage()
        most = math.max(most, collectgarbage("count") - before)
      end
    end
    assert.equal(200000, count)
    assert.is_true(most < 500, most) -- KiB; the file has 12 MiB
  end)

  describe("on a pipe", function()
    local reader, writer
    before_each(function()
      os.remove(path("pipe"))
      assert(os.execute("mkfifo " .. path("pipe")))
      reader = assert(rows.open{ path = path("pipe") })
      writer = assert(io.open(path("pipe"), "w"))
      writer:setvbuf("no")
    end)

    it("does not take a row for a header", function()
      writer:write('[{"a":1}]')
      writer:close()
      assert.is_nil(reader:header())
      assert.same({ '1 {"a":1}' }, read_all(reader))
    end)

    it("waits without holding up other tasks, and tells the format by the first character", function()
      local got, ticks = {}, 0
      local reading = task.spawn(function() got = read_all(reader) end)
      local ticking = task.spawn(function()
        for _ = 1, 3 do
          task.sleep(0.005)
          ticks = ticks + 1
          writer:write("{", "}\n")
        end
        writer:close()
      end)
      ticking:join()
      reading:join()
      assert.equal(3, ticks)
      assert.same({ "1 {}", "2 {}", "3 {}" }, got)
    end)

    it("stops waiting when the reader is closed", function()
      local reading = task.spawn(function() return reader:next() end)
      task.sleep(0.005)
      reader:close()
      local row, _, message = reading:join()
      assert.is_nil(row)
      assert.equal("interrupted", message)
      writer:close()
    end)

    it("lets one task wait at a time", function()
      local reading = task.spawn(function() return reader:next() end)
      task.sleep(0.005)
      assert.error_matches(function() reader:next() end, "another task")
      writer:close()
      assert.is_nil(reading:join())
    end)
  end)

  it("creates files that only their owner can read, and overwrites nothing", function()
    local file = assert(rows.create(path("out.jsonl")))
    assert.equal(tonumber("600", 8), sys.file_mode(path("out.jsonl")))
    file:write("x")
    assert.is_true(file:close())
    local again, message = rows.create(path("out.jsonl"))
    assert.is_nil(again)
    assert.truthy(message:find("will not be overwritten", 1, true))
    assert.truthy(rows.create(write("empty.jsonl", "")))
    assert.equal(tonumber("600", 8), sys.file_mode(path("empty.jsonl")))
    assert.truthy(rows.create("/dev/null"))
    assert.is_nil(rows.create(directory))
    again, message = rows.create(path("no/such/place"))
    assert.is_nil(again)
    assert.truthy(message:find("No such file", 1, true))
  end)
end)
