-- moonkey.json: what JSON can say, exactly; what it cannot, refused.
local json = require "moonkey.json"

describe("json.decode", function()
  local good = {
    ['"a\\u00e9\\ud83c\\udf19\\n\\/"'] = "aé🌙\n/", ["true"] = true, ["false"] = false, [" [1 , 2 ]\n"] = { 1, 2 },
    ['{"a":{"b":[]}}'] = { a = { b = {} } }, ["-0.5e1"] = -5, ["1E2"] = 100, ['""'] = "", ['{"1":1}'] = { ["1"] = 1 },
    ['"\\u0000x"'] = "\0x", ['["\\u0000[]"]'] = { "\0[]" }, ['"\\u0000i5"'] = "\0i5",
  }
  for text, value in pairs(good) do
    it("reads " .. text, function() assert.same(value, json.decode(text)) end)
  end

  it("keeps integers of 64 bits, and tells them from floats", function()
    for _, text in ipairs{ "0", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808", "100000000000001" } do
      local n = json.decode(text)
      assert.equal("integer", math.type(n))
      assert.equal(text, ("%d"):format(n))
      assert.equal(text, json.encode(n))
    end
    assert.equal("float", math.type(json.decode "1.5"))
    for _, text in ipairs{ "9223372036854775808", "-9223372036854775809", "[1,18446744073709551616]" } do
      local value, message = json.decode(text)
      assert.is_nil(value)
      assert.matches("an integer of more than 64 bits", message)
    end
  end)

  it("gives null a value of its own", function()
    assert.equal(json.null, json.decode "null")
    assert.same({ a = json.null }, json.decode '{"a":null}')
    assert.equal(json.null, json.decode("[1,null]")[2])
  end)

  it("marks arrays, empty ones too", function()
    assert.is_true(json.is_array(json.decode "[]"))
    assert.is_true(json.is_array(json.decode('{"a":[{}]}').a))
    assert.is_false(json.is_array(json.decode "{}"))
    for _, text in ipairs{ "[]", "{}", '{"a":[]}', "[[],{}]", '{"a":{}}' } do
      assert.equal(text, json.encode(json.decode(text)))
    end
  end)

  it("knows names with zero bytes", function()
    local text = [[{"\u0000":1,"a":2,"a\u0000":3,"a\u0000b":4,"ab":5}]]
    assert.same({ ["\0"] = 1, a = 2, ["a\0"] = 3, ["a\0b"] = 4, ab = 5 }, json.decode(text))
    assert.equal(text, json.encode(json.decode(text)))
  end)

  local bad = {
    "", " ", "nul", "NaN", "-NaN", "Infinity", "-Infinity", "nan", "01", "+1", "1.", ".5", "-", "1e", "0x10", "'a'", "[1,]", "{,}",
    '{"a":1,}', "{a:1}", '{"a" 1}', "[1 2]", "[", "]", "{}{}", "1 2", '"a', '"\t"', '"\\x"', '"\\u12"', '"\\ud800"', '"\xff"',
    '"\xc0\x80"', '"\xed\xa0\x80"', "// x\n1", "[1]\0",
  }
  for _, text in ipairs(bad) do
    it(("refuses %q"):format(text):gsub("\n", "n"), function()
      local value, message = json.decode(text)
      assert.is_nil(value)
      assert.is_string(message)
    end)
  end

  it("accepts 128 levels and refuses 129", function()
    assert.is_table(json.decode(("["):rep(128) .. ("]"):rep(128)))
    assert.is_nil((json.decode(("["):rep(129) .. ("]"):rep(129))))
    assert.is_nil((json.decode(("["):rep(1000000))))
    assert.is_nil((json.decode(('{"a":'):rep(129) .. "1" .. ("}"):rep(129))))
  end)

  it("refuses a document that is too large, before reading it", function()
    local value, message = json.decode('"' .. ("x"):rep(64 << 20) .. '"')
    assert.is_nil(value)
    assert.matches("64 MiB", message)
  end)

  it("says at which byte", function()
    assert.matches("%d", select(2, json.decode('{"a":01}')))
  end)
end)

describe("json.encode", function()
  it("sorts the keys", function()
    assert.equal('{"a":1,"b":{"c":2,"d":3},"e":4}', json.encode{ e = 4, b = { d = 3, c = 2 }, a = 1 })
  end)

  it("puts given keys first", function()
    assert.equal('{"z":1,"y":2,"a":3}', json.encode({ a = 3, y = 2, z = 1 }, { order = { "z", "missing", "y" } }))
  end)

  it("escapes what it must and nothing else", function()
    assert.equal([["\"\\/\u0008\n\r\t\u0000\u001f]] .. '\127é🌙"', json.encode("\"\\/\b\n\r\t\0\31\127é🌙"))
  end)

  it("writes floats so that they come back the same", function()
    for _, n in ipairs{ 0.1, 1 / 3, 1e300, -2.5e-10, 123456789.125, math.pi, 5e-324 } do
      assert.equal(n, json.decode(json.encode(n)))
    end
    assert.equal("1.5", json.encode(1.5))
    assert.equal("0.1", json.encode(0.1))
  end)

  it("knows lists from objects", function()
    assert.equal("[1,2]", json.encode{ 1, 2 })
    assert.equal("{}", json.encode{})
    assert.equal("[]", json.encode(json.array{}))
    assert.equal("[null,1]", json.encode{ json.null, 1 })
    assert.equal('{"a":null}', json.encode{ a = json.null })
  end)

  it("refuses what JSON cannot say", function()
    local loop = {}
    loop[1] = loop
    for _, value in ipairs{ 0 / 0, 1 / 0, -1 / 0, print, coroutine.create(print), "\xff", { a = "\xff" }, { ["\xff"] = 1 }, { 1, x = 2 },
      { [1] = 1, [3] = 3 }, { [true] = 1 }, { [1.5] = 1 }, loop } do
      local ok, message = pcall(json.encode, value)
      assert.is_false(ok)
      assert.matches("cannot encode as JSON", message)
    end
  end)

  it("round-trips a large document", function()
    local list = json.array{}
    for i = 1, 20000 do list[i] = { id = i, name = "n" .. i, tags = json.array{}, none = json.null, x = i / 7 } end
    local text = json.encode(list)
    assert.equal(text, json.encode(json.decode(text)))
  end)
end)

describe("cjson", function()
  it("is there too, with the same null", function()
    local cjson = require "cjson"
    assert.equal(json.null, cjson.null)
    assert.same({ a = { 1 } }, cjson.decode(cjson.encode{ a = { 1 } }))
  end)
end)
