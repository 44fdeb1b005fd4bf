-- Plans: differences, rows, files, comparing, and undoing. What is asked of the server stands in tests/wire, the commands in tests/e2e.
local compare = require "moonkey.batch.plan.compare"
local counts = require "moonkey.batch.plan.counts"
local diff = require "moonkey.batch.plan.diff"
local harmless = require "moonkey.harmless"
local held = require "moonkey.batch.plan.held"
local json = require "moonkey.json"
local plan_file = require "moonkey.batch.plan.file"
local planned = require "moonkey.batch.plan.row"
local show = require "moonkey.batch.plan.show"
local sources = require "moonkey.batch.source"
local sys = require "moonkey.sys"
local temporary = require "temporary"
local undo = require "moonkey.batch.plan.undo"

local null = json.null
local SECRET = "idt:TKN-0000-0008:" .. ("PlanSecretThatMustNotBeKept"):rep(2)

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

-- Tokens in place of the platform's: { [id] = fields or { problem = } }.
local function fake_tokens(known)
  local asked = {}
  local tokens = { held = held.new(), asked = asked }
  function tokens:read(ids)
    for _, id in ipairs(ids) do
      asked[#asked + 1] = id
      local tok = known[id] or { problem = { kind = "api", status = 404, title = "Not Found" } }
      if not self.held:get(id) then self.held:put(id, tok.problem and tok or diff.state(tok)) end
    end
    return true
  end
  return tokens
end

describe("harmless", function()
  local cases = {
    { "plain – Zoë 日本 😀", "plain – Zoë 日本 😀" }, { "a\27[31mb", "a\\u001b[31mb" }, { "a\nb\127\0", "a\\u000ab\\u007f\\u0000" },
    { "\u{9b}x\u{85}", "\\u009bx\\u0085" }, { "a\u{202e}b\u{2066}c\u{200f}", "a\\u202eb\\u2066c\\u200f" },
    { "\u{feff}\u{200b}\u{ad}", "\\ufeff\\u200b\\u00ad" }, { "\u{e0041}", "\\udb40\\udc41" }, { "a\xff\x80b", "a??b" },
  }
  for _, case in ipairs(cases) do
    it(("makes %q text that can be shown"):format(case[2]), function() assert.equal(case[2], harmless(case[1])) end)
  end

  it("leaves JSON what it is", function()
    local text = json.encode("x\u{202e}\u{e0041}\7é")
    assert.equal(json.decode(text), json.decode(harmless(text)))
  end)
end)

describe("a difference", function()
  local tok = { name = "old", description = "", modules = { { id = "MOD-2" }, { id = "MOD-1", name = "x" } } }
  local cases = {
    { { name = "old" } },
    { { name = "new" }, 'name: "old" → "new"' },
    { { description = null }, 'description: "" → null' },
    { { icon = null } },
    { { icon = "" }, 'icon: null → ""' },
    { { modules = { "MOD-1", "MOD-2", "MOD-1" } } },
    { { modules = { { id = "MOD-3" }, "MOD-2" } }, "modules: + MOD-3, - MOD-1" },
    { { modules = {} }, "modules: - MOD-1, - MOD-2" },
    { { icon = "i", name = "n" }, 'name: "old" → "n"', 'icon: null → "i"' },
    { { name = "a\27[2J\u{202e}" }, 'name: "old" → "a\\u001b[2J\\u202e"' },
    { { name = SECRET }, 'name: "old" → "idt:TKN-0000-0008:[redacted]"' },
  }
  for i, case in ipairs(cases) do
    it(("is shown field by field, case %d"):format(i), function()
      local lines = {}
      for n, change in ipairs(diff.changes(tok, case[1])) do lines[n] = diff.describe(change) end
      assert.same({ table.unpack(case, 2) }, lines)
    end)
  end

  it("has the same fields as an update, and no more", function()
    local changes = diff.changes(tok, { name = "new", modules = { "MOD-3" }, description = null })
    assert.same({ name = "new", modules = json.array{ "MOD-3" }, description = null }, diff.fields(changes))
  end)

  it("knows a value with a credential in it", function()
    assert.equal("name", diff.field_with_secret(diff.changes({ name = "x " .. SECRET }, { name = "y" })))
    assert.equal("modules", diff.field_with_secret(diff.changes({ modules = {} }, { modules = { SECRET } })))
    assert.is_nil(diff.field_with_secret(diff.changes(tok, { name = "new", icon = "x" })))
  end)
end)

describe("comparing", function()
  local function plan(rows, known)
    local out, tokens = {}, fake_tokens(known)
    local ended = compare.run(sources.open(rows), tokens, function(row) out[#out + 1] = row end)
    assert.same({}, ended)
    return out, tokens
  end

  it("says of each row what becomes of it", function()
    local rows = plan({
      { id = "TKN-0000-0001", name = "new" }, { id = "TKN-0000-0002", name = "same" }, { id = "TKN-0000-0003", name = "x" },
      { name = "x" }, { id = "TKN-0000-0001", nmae = "x" }, 7, { id = "TKN-0000-0004", name = "x" }, { id = SECRET, name = "x" },
    }, {
      ["TKN-0000-0001"] = { name = "old" }, ["TKN-0000-0002"] = { name = "same" },
      ["TKN-0000-0004"] = { problem = { kind = "timeout", title = "no reply" } },
    })
    local kinds = {}
    for i, row in ipairs(rows) do
      kinds[i] = planned.kind(row)
      assert.equal(i, row.row)
    end
    assert.same({ "changed", "unchanged", "unknown", "invalid", "invalid", "invalid", "failed", "invalid" }, kinds)
    assert.same({ { field = "name", from = "old", to = "new" } }, rows[1].changes)
    assert.equal("idt:TKN-0000-0008:[redacted]", rows[8].id)
  end)

  it("compares a second row with what the first leaves behind", function()
    local rows, tokens = plan({
      { id = "T", name = "b" }, { id = "T", name = "b", icon = "i" }, { id = "T", name = "a", icon = null }, { id = "T", name = "a" },
    }, { T = { name = "a" } })
    assert.same({ { field = "icon", from = null, to = "i" } }, rows[2].changes)
    assert.same({ { field = "name", from = "b", to = "a" }, { field = "icon", from = "i", to = null } }, rows[3].changes)
    assert.equal(0, #rows[4].changes)
    assert.same({ "T" }, tokens.asked)
  end)

  it("remembers that over many rows", function()
    local list, known = {}, {}
    for i = 1, 2500 do
      list[i] = { id = "T" .. i % 2000, name = "name " .. i }
      known["T" .. i % 2000] = { name = "old" }
    end
    local rows = plan(list, known)
    assert.equal(2500, #rows)
    assert.same({ { field = "name", from = "name 100", to = "name 2100" } }, rows[2100].changes)
    assert.same({ { field = "name", from = "old", to = "name 2000" } }, rows[2000].changes)
  end)

  it("stops with the reason of the reads", function()
    local tokens = { read = function() return nil, "auth" end }
    assert.same({ stopped = "auth" }, compare.run(sources.open{ { id = "T", name = "x" } }, tokens, error))
  end)
end)

describe("a plan's file", function()
  local path
  local head = { target = "https://a.example", host = "a.example", own_id = "TKN-0000-0001", account = "ACC-0001-0001 (Acme)", input = "x.csv" }
  local rows = {
    { row = 1, line = 2, id = "TKN-0000-0002", changes = {
      { field = "name", from = "a", to = "b\u{202e}" }, { field = "modules", from = json.array(), to = json.array{ "M" } },
    } },
    { row = 2, line = 3, id = "TKN-0000-0003", changes = {} },
    { row = 3, line = 5, problem = { kind = "row", title = "no id" } },
  }

  local function make(list)
    local writer <close> = assert(plan_file.create(path, head))
    local tally = counts.new()
    for _, fields in ipairs(list) do
      local text, row = planned.encode(planned.new(fields))
      assert(writer:add(text))
      tally:add(row)
    end
    assert(writer:finish(tally))
    return writer.id
  end

  before_each(function() path = temporary.name() end)
  after_each(function() os.remove(path) end)

  it("gives back what was put into it", function()
    local id = make(rows)
    assert.is_true(plan_file.is(path))
    assert.equal(tonumber("600", 8), sys.file_mode(path))
    local plan = assert(plan_file.open(path))
    assert.same({ id, 3, 1, 1, 1 }, { plan.id, plan.counts.rows, plan.counts.changed, plan.counts.unchanged, plan.counts.invalid })
    local source = assert(plan:source())
    for _, expected in ipairs(rows) do
      local row, line = source:next()
      assert.is_true(planned.is(row))
      assert.same(json.encode(expected), json.encode(row))
      assert.equal(expected.line, line)
    end
    assert.is_nil((source:next()))
    assert.same({ 3, 3, 3 }, { source.count, source:progress() })
    source:close()
  end)

  it("can be begun in the middle", function()
    make(rows)
    local source = assert(assert(plan_file.open(path)):source())
    assert.equal(2, source:skip(2))
    assert.equal("no id", source:next().problem.title)
    assert.equal(0, source:skip(5))
    assert.equal(3, source.count)
    source:close()
  end)

  it("takes no row for one of a plan that does not come from one", function()
    assert.is_false(planned.is({ id = "T", changes = {} }))
    assert.is_false(planned.is(json.decode('{"id":"T","changes":[]}')))
  end)

  local function lines_of(text)
    local list = {}
    for line in text:gmatch("[^\n]*\n") do list[#list + 1] = line end
    return list
  end

  local spoilt = {
    { "cut between two lines", function(text) return (text:gsub('{"end".*$', "")) end, "was cut off" },
    { "cut within the last line", function(text) return text:sub(1, -20) end, "was cut off" },
    { "cut by its last newline", function(text) return text:sub(1, -2) end, "was cut off" },
    { "cut within a row", function(text) return text:sub(1, 300) end, "was cut off" },
    { "edited", function(text) return (text:gsub('"b', '"c')) end, "it was changed after it was made" },
    { "with a row more", function(text) return (text:gsub('({"row":2[^\n]*\n)', "%1%1")) end, "it was changed after it was made" },
    { "with a row less", function(text) return (text:gsub('{"row":2[^\n]*\n', "")) end, "it was changed after it was made" },
    { "with two rows exchanged", function(text)
      local l = lines_of(text)
      return l[1] .. l[3] .. l[2] .. l[4] .. l[5]
    end, "it was changed after it was made" },
    { "for another host by its head", function(text) return (text:gsub("a.example", "b.example")) end, "it was changed after it was made" },
    { "of a newer version", function(text) return (text:gsub('"moonkey_plan":1', '"moonkey_plan":2')) end, "a newer moonkey has made it %(its version is 2" },
    { "with a damaged head", function(text) return (text:gsub('"own_id":"[^"]*",', "")) end, "its first line is damaged" },
    { "with a plan id that is a path", function(text) return (text:gsub('"plan":"', '"plan":"../')) end, "its first line is damaged" },
    { "that is none", function() return '{"id":"TKN-0000-0001","name":"x"}\n' end, "it is none" },
    { "that is empty", function() return "" end, "it is none" },
    { "that is only a beginning", function() return '{"moonkey_plan":' end, "its first line is damaged" },
  }
  for _, case in ipairs(spoilt) do
    it("is refused: " .. case[1], function()
      make(rows)
      write(path, case[2](read(path)))
      local plan, message = plan_file.open(path)
      assert.is_nil(plan)
      assert.matches(case[3], message)
      assert.truthy(message:find(path, 1, true))
    end)
  end

  it("is not written over something else, but over an earlier plan", function()
    make(rows)
    make({})
    assert.equal(0, assert(plan_file.open(path)).counts.rows)
    write(path, "id,name\n")
    local _, message = plan_file.create(path, head)
    assert.matches("it will not be overwritten", message)
    assert.equal("id,name\n", read(path))
    _, message = plan_file.create("/tmp", head)
    assert.matches("this is none", message)
    _, message = plan_file.create("/nowhere/x.plan", head)
    assert.matches("/nowhere/x.plan.*No such file", message)
  end)

  it("appears only once it is finished, and leaves nothing behind", function()
    local writer = assert(plan_file.create(path, head))
    assert.equal("", read(path))
    assert.equal("file", sys.file_type(writer.part))
    writer:close()
    assert.is_nil((sys.file_type(writer.part)))
  end)

  it("has no row that is too long, and none with a credential", function()
    local long = { row = 1, id = "T", changes = { { field = "name", from = "a", to = ("x"):rep(1 << 20) } } }
    local text, row = planned.encode(planned.new(long))
    assert.same({ "invalid", "too long" }, { planned.kind(row), row.problem.title })
    assert.is_true(#text < 200)
    text, row = planned.encode(planned.new{ row = 1, id = "T", changes = { { field = "name", from = SECRET, to = "x" } } })
    assert.equal("invalid", planned.kind(row))
    assert.is_nil(text:find("PlanSecret"))
  end)

  it("is for where it was made, and for the same account", function()
    make({})
    local plan = assert(plan_file.open(path))
    local asked = 0
    local function account(id)
      return function()
        asked = asked + 1
        return id
      end
    end
    assert.is_nil(plan:mismatch{ target = "https://a.example", own_id = "TKN-0000-0001", account = account() })
    assert.equal(0, asked)
    assert.is_nil(plan:mismatch{ target = "https://a.example", own_id = "TKN-0000-0009", account = account("ACC-0001-0001 (New name)") })
    assert.matches("made for https://a.example, and this is emulator", plan:mismatch{ target = "emulator", own_id = "TKN-0000-0001" })
    assert.matches("of ACC%-0001%-0001.*of ACC%-0001%-0002",
      plan:mismatch{ target = "https://a.example", own_id = "TKN-0000-0009", account = account("ACC-0001-0002") })
    assert.matches("not known", plan:mismatch{ target = "https://a.example", own_id = "", account = account(nil) })
  end)
end)

describe("what is shown of a plan", function()
  local function shown(format, color, rows)
    local parts, tally = {}, counts.new()
    local out = show.new(format, function(text) parts[#parts + 1] = text end, color, { target = "t", host = "h" })
    for _, fields in ipairs(rows) do
      local text, row = planned.encode(planned.new(fields))
      out:add(row, text)
      tally:add(row)
    end
    out:finish(tally)
    return table.concat(parts)
  end

  local rows = {
    { row = 1, line = 2, id = "T\27[0m", changes = { { field = "name", from = "a", to = null } } },
    { row = 2, line = 3, id = "U", changes = {} },
    { row = 3, problem = { kind = "api", status = 404, title = "Not\7 Found", detail = "d\u{202e}" } },
  }

  it("is what changes, what is wrong, and how much", function()
    assert.equal('T\\u001b[0m (line 2)\n  name: "a" → null\n(no id)\n  ! 404 Not\\u0007 Found: d\\u202e\n'
      .. "1 to change, 1 unchanged, 1 unknown id\n", shown("text", false, { rows[1], rows[2], rows[3] }))
  end)

  it("is in colour on demand", function()
    assert.equal('\27[1mT\\u001b[0m\27[0m (line 2)\n  name: \27[31m"a"\27[0m → \27[32mnull\27[0m\n1 to change\n', shown("text", true, { rows[1] }))
  end)

  it("is one JSON document on demand, also without rows", function()
    local document = json.decode(shown("json", true, rows))
    assert.same({ 3, 3, 1, "h" }, { #document.plan, document.counts.rows, document.counts.changed, document.host })
    assert.equal("T\27[0m", document.plan[1].id)
    assert.equal(0, #json.decode(shown("json", false, {})).plan)
  end)
end)

describe("undoing", function()
  -- { changes of the run in order as { from, to }, the value now, what becomes of it: the value to go back to, "nothing" or "drift" }
  local A, B, C, D, X = "A", "B", "C", "D", "X"
  local cases = {
    { "one change", { { A, B } }, B, A },
    { "one change, undone already", { { A, B } }, A, "nothing" },
    { "one change, changed since", { { A, B } }, C, "drift" },
    { "one that cleared", { { A, null } }, null, A },
    { "one that set", { { null, B } }, B, null },
    { "two changes", { { A, B }, { B, C } }, C, A },
    { "two changes, the second not made", { { A, B }, { B, C } }, B, A },
    { "two changes, none made or both undone", { { A, B }, { B, C } }, A, "nothing" },
    { "two changes, changed since", { { A, B }, { B, C } }, D, "drift" },
    { "there and back", { { A, B }, { B, A } }, A, "nothing" },
    { "somebody else's change between two", { { A, B }, { X, C } }, C, X },
    { "somebody else's change between two, changed since", { { A, B }, { X, C } }, D, "drift" },
    { "back by somebody to what an earlier change wrote", { { A, B }, { X, C } }, B, "drift" },
    { "back by somebody, and there was more before", { { A, D }, { A, B }, { X, C } }, B, "drift" },
    { "empty is not absent", { { "", B } }, null, "drift" },
  }

  local function undo_rows(changes, known)
    local i, rows = #changes + 1, {}
    local journal = { changes = function()
      return function()
        i = i - 1
        if changes[i] then return changes[i].row, changes[i].id, "done", changes[i].changes end
      end
    end }
    assert.is_nil(undo.run(journal, fake_tokens(known), function(row) rows[#rows + 1] = row end))
    return rows
  end

  for _, case in ipairs(cases) do
    it("of " .. case[1], function()
      local changes = {}
      for i, change in ipairs(case[2]) do
        changes[i] = { row = i, id = "T", changes = { { field = "description", from = change[1], to = change[2] } } }
      end
      local rows = undo_rows(changes, { T = { description = case[3] } })
      assert.equal(1, #rows)
      if case[4] == "drift" then
        assert.equal("drift", planned.kind(rows[1]))
        local wrote = case[2][#case[2]][2]
        assert.equal(("description: the run wrote %s, is %s"):format(json.encode(wrote), json.encode(case[3])), rows[1].problem.detail)
      elseif case[4] == "nothing" then
        assert.equal(0, #rows[1].changes)
      else
        assert.same({ { field = "description", from = case[3], to = case[4] } }, rows[1].changes)
      end
    end)
  end

  it("leaves a token alone where one field was changed since", function()
    local changes = { { field = "name", from = "a", to = "b" }, { field = "modules", from = json.array(), to = json.array{ "M" } } }
    local rows = undo_rows({ { row = 1, id = "T", changes = changes } }, { T = { name = "b", modules = { "N" } } })
    assert.equal("drift", planned.kind(rows[1]))
    assert.equal('modules: the run wrote ["M"], is ["N"]', rows[1].problem.detail)
  end)

  it("begins with the last token, has each once, and names those that are gone", function()
    local changes, known = {}, {}
    for i = 1, 2300 do
      changes[i] = { row = i, id = "T" .. i % 1500, changes = { { field = "name", from = "n" .. i - 1500, to = "n" .. i } } }
      known["T" .. i % 1500] = { name = "n" .. i }
    end
    known.T7 = nil
    local rows = undo_rows(changes, known)
    assert.equal(1500, #rows)
    assert.same({ "T800", 1 }, { rows[1].id, rows[1].row })
    assert.same({ { field = "name", from = "n2300", to = "n-700" } }, rows[1].changes)
    local unknown = {}
    for _, row in ipairs(rows) do
      if row.problem then unknown[#unknown + 1] = row.id end
    end
    assert.same({ "T7" }, unknown)
  end)
end)
