-- Rows and results as they go through Redis, where others may write, too.
local chunks = require "moonkey.queue.chunk"
local json = require "moonkey.json"

local ALL = {}
for n = 0, 255 do ALL[n + 1] = string.char(n) end
local BYTES = table.concat(ALL)

local function report_with(hash)
  local r = { row = 1, outcome = "done", hash = hash }
  return chunks.decode_report(json.encode{ results = json.array{ r } })
end

describe("chunks of a queue", function()
  it("give back rows as they were, with hashes of any bytes", function()
    local text = assert(chunks.encode_row{ row = 7, line = 8, hash = BYTES, data = { id = "TKN-0000-0001", name = "Räume" } })
    local items = assert(chunks.decode_rows(chunks.encode_rows{ text }))
    assert.same({ { row = 7, line = 8, hash = BYTES, id = "TKN-0000-0001", data = { id = "TKN-0000-0001", name = "Räume" } } },
      items)
  end)

  it("take no row that is nested so deep that nobody could read the chunk", function()
    local function nested(levels) return { row = 1, data = { x = json.decode(("["):rep(levels) .. ("]"):rep(levels)) } } end
    assert(chunks.decode_rows(chunks.encode_rows{ assert(chunks.encode_row(nested(125))) }))
    local text, title, detail = chunks.encode_row(nested(126))
    assert.same({ nil, "not queued" }, { text, title })
    assert.matches("nested deeper than 128 levels", detail)
  end)

  it("give back results with the hash of their row", function()
    local r = { row = 7, line = 8, id = "TKN-0000-0001", outcome = "done", status = 200, attempts = 1, ms = 5, hash = BYTES }
    local report = assert(chunks.decode_report(chunks.encode_report{ results = { r }, changes = 1, retries = 2 }))
    assert.equal(BYTES, report.results[1].hash)
    assert.same({ 1, 2 }, { report.changes, report.retries })
  end)

  it("take no hash from what is not hexadecimal as moonkey writes it", function()
    for _, hash in ipairs{ "0g", "abc", "AB", "0x", "a\0", "ä", "12 3" } do
      assert.is_nil(assert(report_with(hash)).results[1].hash)
    end
    assert.is_nil(assert(report_with(12)).results[1].hash)
    assert.equal("\18\171", report_with("12ab").results[1].hash)
  end)
end)
