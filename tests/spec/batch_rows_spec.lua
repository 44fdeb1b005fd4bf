-- What becomes of a row before anything is sent: the cells of CSV, the checks of the default job, job files, the summary.
local cells = require "moonkey.batch.csv_cells"
local default_job = require "moonkey.batch.default_job"
local errors = require "moonkey.errors"
local jobs = require "moonkey.batch.job"
local json = require "moonkey.json"
local result = require "moonkey.batch.result"
local sources = require "moonkey.batch.source"
local summary = require "moonkey.batch.summary"
local tallies = require "moonkey.batch.tally"
local temporary = require "temporary"

describe("CSV cells", function()
  local header = { "ID", "name", "Description", "modules", "note", "" }

  it("name their columns", function()
    assert.same({ "id", "name", "description", "modules", "note", "" }, cells.columns(header))
    local columns, message = cells.columns{ "id", "name", "ID" }
    assert.is_nil(columns)
    assert.truthy(message:find('columns 1 and 3 are both called "id"', 1, true))
  end)

  local cases = {
    { { "T1", "a", "b", "MOD-1;MOD-2", "x", "" },
      { id = "T1", name = "a", description = "b", modules = { "MOD-1", "MOD-2" }, note = "x" } },
    { { "T1", "", "", "", "", "" }, { id = "T1" } },
    { { "T1", "", "\\N", "", "", "" }, { id = "T1", description = json.null } },
    { { "T1", "", "", "\\N", "", "" }, { id = "T1", modules = {} } },
    { { "T1", "", "", " MOD-1 , MOD-2; ", "", "" }, { id = "T1", modules = { "MOD-1", "MOD-2" } } },
    { { "T1", "\\n", "", "", "", "" }, { id = "T1", name = "\\n" } },
    { { "T1", "a", "b" }, nil, "3 cells, but the header has 6" },
    { { "T1", "a", "b", "", "", "", "" }, nil, "7 cells, but the header has 6" },
    { { "T1", "a", "b", "", "", "lost" }, nil, "cell 6 has a value, but its column has no name" },
  }
  for i, case in ipairs(cases) do
    it("become a row: case " .. i, function()
      local row, message = cells.row(cells.columns(header), case[1])
      assert.same(case[2], row)
      if case[3] then assert.equal(case[3], message:sub(1, #case[3])) end
    end)
  end

  it("keep an empty list of modules a list", function()
    assert.equal('{"modules":[]}', json.encode(cells.row({ "modules" }, { "\\N" })))
  end)
end)

describe("the default job", function()
  local cases = {
    { '{"id":"T","name":"n"}' },
    { '{"id":"T","name":"n","description":null,"icon":null,"modules":[]}' },
    { '{"id":"T","modules":["MOD-1",{"id":"MOD-2"}]}' },
    { '{"name":"n"}', "no id" },
    { '{"id":"","name":"n"}', "no id" },
    { '{"id":5,"name":"n"}', "wrong value", '"id" must be a string' },
    { '{"id":null,"name":"n"}', "wrong value", '"id" must be a string' },
    { '{"id":"T"}', "nothing to change" },
    { '{"id":"T","nmae":"n"}', "unknown column", '"nmae" to write (did you mean "name"?)' },
    { '{"id":"T","status":"Active"}', "unknown column", 'no field "status" to write' },
    { '{"id":"T","name":5}', "wrong value", '"name" must be a string, not a number' },
    { '{"id":"T","name":null}', "wrong value", '"name" cannot be null' },
    { '{"id":"T","description":true}', "wrong value", '"description" must be a string or null, not a boolean' },
    { '{"id":"T","icon":{}}', "wrong value", '"icon" must be a string or null' },
    { '{"id":"T","modules":"MOD-1"}', "wrong value", '"modules" must be a list' },
    { '{"id":"T","modules":null}', "wrong value", '"modules" must be a list' },
    { '{"id":"T","modules":{"id":"MOD-1"}}', "wrong value", '"modules" must hold module ids' },
    { '{"id":"T","modules":[5]}', "wrong value", '"modules" must hold module ids' },
    { '{"id":"T","modules":[""]}', "wrong value", '"modules" must hold module ids' },
    { '{"id":"T","modules":[null]}', "wrong value", '"modules" must hold module ids' },
  }
  for _, case in ipairs(cases) do
    it("judges " .. case[1], function()
      local title, detail = default_job.check(json.decode(case[1]))
      assert.equal(case[2], title)
      if case[3] then assert.truthy(detail:find(case[3], 1, true), detail) end
    end)
  end

  it("judges the columns of a file", function()
    assert.same({}, select(2, default_job.check_columns{ "id", "name", "" }))
    local problem, warnings = default_job.check_columns{ "id", "Nmae", "owner" }
    assert.is_nil(problem)
    assert.equal(2, #warnings)
    assert.truthy(warnings[1]:find('did you mean "name"', 1, true))
    assert.is_nil(warnings[2]:find("did you mean", 1, true))
    assert.truthy(default_job.check_columns{ "ident", "name" }:find('no column is called "id"', 1, true))
  end)
end)

describe("the sample file", function()
  local path = debug.getinfo(1, "S").source:match("^@(.*)tests/spec/[^/]*$") .. "scripts/examples/tokens.csv"

  it("holds 1,000 rows, of which five are bad, each in its own way", function()
    local seen = { nulls = 0, cleared = 0, accents = 0, quotes = 0, breaks = 0, long = 0, unknown_id = 0, unknown_module = 0 }
    local function count(name, found) seen[name] = seen[name] + (found and 1 or 0) end
    local source, titles, rows = sources.open(path), {}, 0
    assert.same({ "id", "name", "description", "icon", "modules" }, source.columns)
    while true do
      local row, line = source:next()
      if row == nil then break end
      rows = rows + 1
      local title = not row and "unreadable row" or default_job.check(row)
      if title then
        titles[#titles + 1] = ("%d %s"):format(line, title)
      else
        local all = (row.name or "") .. tostring(row.description)
        count("nulls", row.description == json.null)
        count("cleared", row.modules and #row.modules == 0)
        count("accents", all:find("[\xC3-\xC5]"))
        count("quotes", all:find('"', 1, true))
        count("breaks", all:find("\n", 1, true))
        count("long", row.name and utf8.len(row.name) > 200)
        count("unknown_id", not row.id:find("^TKN%-000[01]%-%d%d%d%d$"))
        for _, id in ipairs(row.modules or {}) do count("unknown_module", id ~= "MOD-1756" and id ~= "MOD-9042") end
      end
    end
    assert.equal(1000, rows)
    assert.same({ "648 unreadable row", "805 no id" }, titles)
    assert.same({ 1, 1, 1 }, { seen.long, seen.unknown_id, seen.unknown_module })
    for _, name in ipairs{ "nulls", "cleared", "accents", "quotes", "breaks" } do assert.is_true(seen[name] > 2, name) end
  end)

  it("takes nothing away from the token that it is run with", function()
    local row = sources.open(path):next()
    assert.equal("TKN-0000-0001", row.id)
    assert.is_nil(row.modules)
  end)
end)

describe("a job file", function()
  local path
  before_each(function() path = temporary.name() end)
  after_each(function() os.remove(path) end)

  local cases = {
    { "return function() end" },
    { "return { job = function() end, setup = function() end }" },
    { "local x = = 1", ":1: unexpected symbol" },
    { "\nerror('no luck')", ":2: no luck" },
    { "x = 1", "returns nothing" },
    { "return 5", "not a number" },
    { "return {}", "the table needs a function `job`" },
    { "return { job = print, setup = 5 }", "`setup` must be a function" },
    { "\27Lua", "binary chunk" },
  }
  for _, case in ipairs(cases) do
    it("with " .. case[1]:gsub("[%c]", "?"), function()
      local file = io.open(path, "w")
      file:write(case[1])
      file:close()
      local chunk, message, unreadable = jobs.read(path)
      local job
      if chunk then job, message = jobs.make(chunk, path) end
      assert.equal(case[2] == nil, job ~= nil, message)
      assert.is_falsy(unreadable)
      if case[2] then
        assert.truthy(message:find(case[2], 1, true), message)
        assert.truthy(message:find(path, 1, true), message)
      end
    end)
  end

  it("that is missing", function()
    local _, message, unreadable = jobs.read("/no/such/job.lua")
    assert.is_true(unreadable)
    assert.truthy(message:find("/no/such/job.lua: No such file", 1, true))
  end)
end)

describe("the summary", function()
  local function lines_for(results, extra)
    local tally = tallies.new()
    for _, r in ipairs(results) do tally:add(r) end
    for key, value in pairs(extra or {}) do tally[key] = value end
    tally.rows, tally.seconds, tally.source = #results, 2, "x.csv"
    local lines, levels = {}, {}
    for _, message in ipairs(summary.messages(tally)) do
      for line in message.text:gmatch("[^\n]+") do lines[#lines + 1], levels[#levels + 1] = line, message.level end
    end
    return lines, levels
  end

  it("counts", function()
    assert.same({ "3 done, 0 failed in 2.00 s (1 rows/s)" },
      lines_for{ { outcome = "done" }, { outcome = "done" }, { outcome = "done" } })
    assert.same({ "there are no rows in x.csv: nothing to do" }, lines_for{})
  end)

  it("groups failures by their cause, and says what to do", function()
    local results = { { outcome = "failed", kind = "row", title = "no id", detail = "the row has no id", row = 9, line = 12 } }
    for i = 1, 7 do
      results[#results + 1] = {
        outcome = "failed", kind = "api", status = 404, title = "Not Found", row = i, line = i + 1, id = "T" .. i,
      }
    end
    local lines = lines_for(results)
    assert.equal("0 done, 8 failed in 2.00 s (4 rows/s)", lines[1])
    assert.equal("7 × 404 Not Found", lines[2])
    assert.equal("      line 2 (T1), line 3 (T2), line 4 (T3), line 5 (T4), line 6 (T5) and 2 more", lines[3])
    assert.truthy(lines[4]:find("check the ids", 1, true))
    assert.equal("1 × bad row: no id: the row has no id", lines[5])
    assert.equal("      line 12", lines[6])
  end)

  it("takes replies that say nothing for one cause, whatever the row", function()
    local results = {}
    for i = 1, 120 do
      local err = errors.from_result{ kind = "api", status = i % 2 == 0 and 503 or 418, method = "PUT", path = "/tokens/T" .. i,
        body = "", message = "", attempts = 1 }
      results[i] = result.set_error({ outcome = "failed", row = i, attempts = 1 }, err)
      if i % 6 == 0 then results[i] = result.set_error({ outcome = "failed", row = i, attempts = 0 }, {}) end
    end
    local lines = lines_for(results)
    assert.same({ "60 × HTTP 418", "40 × 503 Service Unavailable", "20 × an error without a text" },
      { lines[2], lines[4], lines[7] })
  end)

  it("says why a run stopped", function()
    assert.truthy(lines_for({}, { stopped = "interrupted" })[1]:find("interrupted", 1, true))
    local lines = lines_for({ { outcome = "done" } }, { unusable = { line = 7, message = "odd" } })
    assert.truthy(lines[2]:find("from line 7 on: odd", 1, true))
  end)

  it("is as loud as what it says", function()
    local row = { outcome = "failed", kind = "row", title = "no id", detail = "x", row = 1 }
    local _, levels = lines_for({ row }, { stopped = "interrupted", unusable = { message = "odd" } })
    assert.same({ "warn", "warn", "warn", "warn", "error", "error" }, levels)
    _, levels = lines_for{ { outcome = "done" } }
    assert.same({ "info" }, levels)
  end)

  it("takes rows that were not sent any more for no cause, and gives no advice but one", function()
    local not_sent = { outcome = "pending", kind = "cancelled", title = "not sent: the credential was refused (401)", row = 2 }
    local met = { outcome = "pending", kind = "auth", status = 401, title = "Authentication Failed", row = 1 }
    assert.same({ "0 done, 0 failed, 2 pending in 2.00 s (0 rows/s)", "1 × 401 Authentication Failed", "      row 1",
      "stopped: the platform refused the credential from its source: check that its token is Active and that it is complete;"
        .. " run the pending rows again; rows that were not read yet have no result" },
      (lines_for({ not_sent, met }, { stopped = "auth" })))
    not_sent.title = "not sent: there is no secure connection to the server: it has expired"
    assert.same({ "0 done, 0 failed, 1 pending in 2.00 s (0 rows/s)",
      "stopped: there is no secure connection to the platform: it has expired;"
        .. " run the pending rows again; rows that were not read yet have no result" },
      (lines_for({ not_sent }, { stopped = "certificate" })))
  end)

  it("writes numbers and times", function()
    for n, text in pairs{ [0] = "0", [999] = "999", [1000] = "1,000", [1234567] = "1,234,567", [123456] = "123,456" } do
      assert.equal(text, summary.number(n))
    end
    for s, text in pairs{ [0.25] = "0 s", [59.9] = "59 s", [61] = "1 min 01 s", [3700.5] = "1 h 01 min" } do
      assert.equal(text, summary.duration(s))
    end
  end)
end)
