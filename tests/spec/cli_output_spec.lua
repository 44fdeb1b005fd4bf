-- What the commands write: cells that CSV and spreadsheets carry, widths of a terminal, columns, and --select.
local cells = require "moonkey.batch.csv_cells"
local columns = require "moonkey.cli.output.columns"
local json = require "moonkey.json"
local json_output = require "moonkey.cli.output.json"
local result = require "moonkey.batch.result"
local rows = require "moonkey.batch.source"
local selection = require "moonkey.cli.selection"
local stop = require "moonkey.cli.stop"
local temporary = require "temporary"
local width = require "moonkey.cli.output.width"

describe("CSV cells from values", function()
  local cases = {
    { "plain", "plain" }, { "", "'" }, { nil, "" }, { json.null, "\\N" }, { true, "true" }, { 5, "5" },
    { { "MOD-1", { id = "MOD-2" } }, "MOD-1;MOD-2" }, { {}, "\\N" },
    { "\\N", "'\\N" }, { "'\\N", "''\\N" }, { "\\n", "\\n" }, { "=1", "'=1" }, { "+1", "'+1" }, { "-1", "'-1" }, { "-bot", "'-bot" },
    { "@x", "'@x" }, { "＝1", "'＝1" }, { " x", "' x" }, { "\tx", "'\tx" }, { "a=b", "a=b" }, { "a-1", "a-1" },
    { "7", "7" }, { "007", "'007" }, { "123456789012345", "123456789012345" }, { "1234567890123456", "'1234567890123456" },
    { "1.10", "'1.10" }, { "1e5", "'1e5" }, { "5%", "'5%" }, { "10:30", "'10:30" }, { "10 pm", "'10 pm" }, { "1/2", "'1/2" },
    { "2024-01-02", "'2024-01-02" }, { "3 Mar", "'3 Mar" }, { "March 3", "'March 3" }, { "may", "may" }, { "TRUE", "'TRUE" },
    { "False", "'False" }, { "true story", "true story" }, { "'", "''" }, { "'a", "'a" }, { "'=", "''=" }, { "''007", "'''007" },
    { "CRM 5", "CRM 5" }, { "e", "e" }, { "TKN-0000-0001", "TKN-0000-0001" },
  }
  for _, case in ipairs(cases) do
    local value, cell = case[1], case[2]
    it(("%s is %q"):format(type(value) == "string" and ("%q"):format(value) or tostring(value), cell), function()
      assert.equal(cell, cells.cell(value))
      if type(value) ~= "string" then return end
      assert.equal(value, cells.row({ "x" }, { cell }).x)
    end)
  end

  -- Texts of pieces that mean something to somebody.
  local PIECES = { "'", "\\N", "=", "+", "-", "@", "0", "7", "12345678", ".", ":", "/", "%", " ", "e", "am", "may", "true", "a", ",", ";",
    "\t", "\n", '"', "é", "日", "＝" }

  local function random_text()
    local parts = {}
    for i = 1, math.random(0, 6) do parts[i] = PIECES[math.random(#PIECES)] end
    return table.concat(parts)
  end

  it("come back as they were, through a file too", function()
    local path = temporary.name()
    finally(function() os.remove(path) end)
    local texts, lines = {}, { "id,x\n" }
    for i = 1, 5000 do
      texts[i] = random_text()
      lines[#lines + 1] = result.csv_line{ "T" .. i, cells.cell(texts[i]) }
    end
    local file <close> = assert(io.open(path, "wb"))
    assert(file:write(table.concat(lines)))
    assert(file:flush())
    local source = assert(rows.open(path, "csv"))
    for i, text in ipairs(texts) do
      local row = assert(source:next())
      assert.equal("T" .. i, row.id)
      assert.equal(text, row.x)
    end
    source:close()
  end)

  it("never begin with what a spreadsheet takes for a formula", function()
    for _ = 1, 5000 do
      local cell = cells.cell(random_text())
      assert.is_nil(cell:find("^[=+@%s-]"), cell)
    end
  end)

  it("take no time that grows with the square of their length", function()
    local before = os.clock()
    cells.row({ "x" }, { ("'"):rep(1 << 20) })
    assert.is_true(os.clock() - before < 2)
  end)
end)

describe("widths", function()
  it("are those of a terminal", function()
    for text, expected in pairs{ [""] = 0, abc = 3, ["é"] = 1, ["e\u{301}"] = 1, ["日本"] = 4, ["한"] = 2, ["🌙"] = 2, ["Ａ"] = 2, ["…"] = 1, ["→"] = 1 } do
      assert.equal(expected, width.of(text), text)
    end
  end)

  it("are what texts are cut and padded to", function()
    assert.equal("abc", width.cut("abc", 3))
    assert.equal("ab…", width.cut("abcd", 3))
    assert.equal("日…", width.cut("日本語", 4))
    assert.equal("日本語", width.cut("日本語", 6))
    assert.equal("日本  ", width.pad("日本", 6))
    assert.equal("日本", width.pad("日本", 3))
  end)
end)

describe("columns", function()
  it("find values by a path, in lists, too", function()
    local tok = { id = "T", account = { id = "A" }, modules = json.array{ { id = "M1" }, { id = "M2" } }, lastAccessAt = "2024-01-02T03:04:05.678Z",
      paid = false }
    for path, expected in pairs{ id = "T", ["account.id"] = "A", account = "A", modules = "M1, M2", ["modules.id"] = "M1, M2", nosuch = "",
      ["id.x"] = "", ["account.x.y"] = "", lastAccessAt = "2024-01-02T03:04:05Z", paid = "no" } do
      assert.equal(expected, columns.new(path).text(tok), path)
    end
    assert.equal("never", columns.new("nosuch", { none = "never" }).text(tok))
  end)
end)

describe("--select", function()
  local function choose(select, optional)
    local chosen, wire = selection.choose{ select = select, known = { "id", "name", "account", "modules", "lastAccessAt" }, special = {},
      columns = { "id", "name", "account.id", "modules" }, optional = optional or {} }
    local names = {}
    for i, column in ipairs(chosen) do names[i] = column.name end
    return table.concat(names, " "), table.concat(wire, ",")
  end

  for _, case in ipairs{
    { nil, "id name account.id modules", "" },
    { nil, "id name account.id modules", "modules", { modules = true } },
    { "LASTACCESSAT", "id name account.id modules lastAccessAt", "lastAccessAt" },
    { "-account,-name", "id modules", "-account,-name" },
    { "-*,+id, name", "id name", "-*,+id,name", { modules = true } },
    { "+modules", "id name account.id modules", "+modules", { modules = true } },
    { "-modules", "id name account.id", "-modules", { modules = true } },
    { "modules.id", "id name account.id modules modules.id", "modules.id,modules", { modules = true } },
    { "brandNew", "id name account.id modules brandNew", "brandNew" },
  } do
    it(("%s is columns and what is sent"):format(case[1]), function()
      local names, wire = choose(case[1], case[4])
      assert.same({ case[2], case[3] }, { names, wire })
    end)
  end

  for select, message in pairs{ [""] = "expected names", ["a,,b"] = "expected names", ["modulse"] = "did you mean 'modules'", ["a b"] = "not the name",
    ["a..b"] = "not the name", ["-*"] = "leaves no column" } do
    it(("%q is refused"):format(select), function()
      local ok, err = pcall(choose, select)
      assert.is_false(ok)
      assert.is_true(stop.is(err))
      assert.matches(message, err.message, 1, true)
    end)
  end
end)

describe("indented JSON", function()
  it("is JSON, with what a person looks for first", function()
    local text = '{"zebra":1,"id":"T","list":[],"object":{},"nested":{"b":[1,{"c":"\\u001b"}],"a":true}}'
    local value = json.decode(text)
    local shown = json_output.indented(value)
    assert.same(value, json.decode(shown))
    assert.matches('^{\n  "id": "T",\n  "list": %[%],\n  "nested": {\n    "a": true,\n    "b": %[\n      1,\n      {\n', shown)
    assert.equal("5", json_output.indented(5))
    assert.equal("[]", json_output.indented(json.array()))
  end)
end)
