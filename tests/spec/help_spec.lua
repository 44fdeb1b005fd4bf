-- moonkey help: the Markdown that its texts are written in, as roff and as plain text; the stubs, read; what a word means.
local commands = require("moonkey.cli").commands
local help = require "moonkey.help"
local lua = require "moonkey.help.lua"
local markdown = require "moonkey.help.markdown"
local plain = require "moonkey.help.plain"
local resource = require "moonkey.resource"
local roff = require "moonkey.help.roff"
local stubs = require "moonkey.help.stubs"
local topics = require "moonkey.help.topics"

local SAMPLE = [[
# TITLE

Words, `code-x` and *thing*, a
second line. Another sentence.

- `--flag` *N*, `-f`: What it does.

  More of it:

  ```sh
  it's --flag
  ```

  ```lua a-b.lua
  x()
  ```
- a point: with a colon
- `--outer`:
  - `inner`: text
]]

describe("Markdown", function()
  it("is a list of blocks", function()
    local blocks = markdown.parse(SAMPLE)
    local kinds = {}
    for i, block in ipairs(blocks) do kinds[i] = block.kind end
    assert.same({ "heading", "paragraph", "item", "item", "item" }, kinds)
    assert.equal("Words, `code-x` and *thing*, a second line. Another sentence.", blocks[2].text)
    assert.equal("`--flag` *N*, `-f`", blocks[3].term)
    assert.same({ kind = "code", language = "sh", lines = { "it's --flag" } }, blocks[3].blocks[3])
    assert.same({ kind = "code", language = "lua", file = "a-b.lua", lines = { "x()" } }, blocks[3].blocks[4])
    assert.is_nil(blocks[4].term)
    assert.equal("inner", markdown.runs(blocks[5].blocks[1].term)[1].text)
  end)

  it("has runs of one style", function()
    assert.same({ { text = "a*b ", style = "plain" }, { text = "c", style = "code" }, { text = "d", style = "variable" },
      { text = " 2 * 3 é", style = "plain" } }, markdown.runs("a\\*b `c`*d* 2 * 3 é"))
  end)

  it("is a manual page", function()
    local page = roff.page({ name = "x", section = 1, date = "2026-01-01", version = "1", title = "T" }, SAMPLE .. "\n.SH é\n")
    assert.matches('\n.TH X 1 2026-01-01 "moonkey 1" "T"\n.SH TITLE\nWords, \\fBcode\\-x\\fR', page, 1, true)
    assert.matches("\n.TP\n\\fB\\-\\-flag\\fR \\fIN\\fR, \\fB\\-f\\fR\nWhat it does.\n.IP\nMore of it:\n.IP\n.EX\nit\\(aqs \\-\\-flag\n.EE",
      page, 1, true)
    assert.matches("\n\\fBa\\-b.lua\\fR:\n.EX\nx()\n.EE", page, 1, true)
    assert.matches("line.\nAnother", page, 1, true) -- a sentence a line
    assert.matches("\n\\&.SH \\[u00E9]\n", page, 1, true) -- nothing in a text is a request
    assert.matches(".RS\n.TP\n\\fBinner\\fR\ntext\n.RE\n", page, 1, true)
  end)

  it("is plain text, as wide as wanted, and on a terminal in bold", function()
    local text = plain.text(SAMPLE, { width = 40 })
    for line in text:gmatch("[^\n]+") do assert.is_true(utf8.len(line) <= 40, line) end
    assert.matches("^TITLE\n    Words, code%-x and thing, a second\n    line%. Another sentence%.\n\n", text)
    assert.matches("\n    - a point: with a colon\n", text, 1, true)
    assert.matches("\n        a-b.lua:\n            x()\n", text, 1, true)
    assert.matches("\27[1mcode-x\27[0m", plain.text(SAMPLE, { width = 40, colored = true }), 1, true)
  end)
end)

describe("a stub", function()
  local module = stubs.parse("box", [[
---@meta moonkey.box
-- Boxes,
-- of all kinds.

---How wide.
---@class moonkey.BoxOptions: moonkey.CallOptions
---@field width? fun(a: integer, b: string): boolean, string? what decides
---@field [string] any

---Fill it.
---
---Twice.
---@param list { [string]: integer }[]|nil what goes in
---@param options? moonkey.BoxOptions
---@return true? full nil when it failed
---@return nil
function M.fill(list, options) end
]])

  it("is read", function()
    assert.equal("Boxes, of all kinds.", module.summary)
    assert.same({ name = "box.fill", list = "(list, options)", text = "Fill it.\n\nTwice.", parameters = {
      { name = "list", type = "{ [string]: integer }[]|nil", optional = false, text = "what goes in" },
      { name = "options", type = "moonkey.BoxOptions", optional = true, text = "" } },
      returns = { { name = "full", type = "true?", text = "nil when it failed" }, { type = "nil", text = "" } } },
      module.functions[1])
    assert.same({ name = "width", type = "fun(a: integer, b: string): boolean, string?", optional = true,
      text = "what decides" }, module.classes[1].fields[1])
    assert.equal("moonkey.CallOptions", module.classes[1].parent)
  end)

  it("has a text for each of its functions, and no tag is left in it", function()
    for _, name in ipairs(lua.functions()) do
      local text = assert(lua.find(name), name)
      assert.matches("## `" .. name .. "`", text, 1, true)
      assert.is_nil(text:find("@%a"), text)
    end
    assert.matches("## `moonkey.ListOptions`", lua.find("token.list"), 1, true)
  end)

  it("has a text for each type that the texts of functions name", function()
    local count = 0
    for _, name in ipairs(lua.functions()) do
      for kind in lua.find(name):gmatch("moonkey%.%u%w+") do
        assert.matches("^## `" .. kind .. "`", lua.find(kind) or "there is none", nil, nil, kind)
        count = count + 1
      end
    end
    assert.is_true(count > 50)
  end)
end)

describe("help", function()
  it("has a text for every topic and command, and no text without a topic or command", function()
    for _, name in ipairs(topics.names()) do assert.matches("^#", (assert(help.text{ name })), name) end
    for _, name in ipairs(commands) do assert.matches("^## " .. name:gsub("%-", "%%-") .. "\n", (assert(help.text{ name }))) end
    local known = { description = true }
    for _, name in ipairs(topics.names()) do known[name] = true end
    for _, path in ipairs(resource.list("moonkey/help/topics/")) do
      assert.is_true(known[path:match("([^/]+)%.md$")], path)
    end
    for _, path in ipairs(resource.list("moonkey/help/commands/")) do
      assert.is_table(require("moonkey.cli." .. path:match("([^/]+)%.md$"):gsub("%-", "_")), path)
    end
  end)

  it("lists all of them", function()
    local text = help.text{}
    for _, name in ipairs(topics.names()) do assert.matches("\n" .. name .. " ", text, 1, true) end
    for _, name in ipairs(commands) do assert.matches("\n" .. name .. " ", text, 1, true) end
  end)

  it("knows functions and modules of Lua, and what was meant", function()
    assert.matches("token.list", help.text{ "token.list" }, 1, true)
    assert.equal(help.text{ "token.list" }, help.text{ "lua", "token.list" })
    assert.matches("^# moonkey.rql\n", help.text{ "lua", "rql" })
    for word, near in pairs{ rwos = "rows", btach = "batch", ["token.lsit"] = "token.list", exitcodes = "exit-codes" } do
      local text, message = help.text{ word }
      assert.is_nil(text)
      assert.matches("did you mean '" .. near .. "'?", message, 1, true)
    end
    assert.matches("^## token\n", (assert(help.text{ "token", "list" })))
    for _, words in ipairs{ { "token", "lsit" }, { "rows", "list" }, { "batch", "list" }, { "token", "list", "x" } } do
      assert.matches("no help on '" .. table.concat(words, " "), select(2, help.text(words)), 1, true)
    end
    assert.matches("did you mean 'list'?", select(2, help.text{ "token", "lsit" }), 1, true)
    assert.matches("`drift`: not sent", (assert(help.text{ "errors" })), 1, true)
    assert.matches("no help on 'xyzzyxyzzy'; moonkey help lists", select(2, help.text{ "xyzzyxyzzy" }), 1, true)
  end)
end)
