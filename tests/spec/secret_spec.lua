-- moonkey.secret: a value that shows only when it is asked to.
local json = require "moonkey.json"
local secret = require "moonkey.secret"

local VALUE = "idt:TKN-0000-0009:" .. ("s3cr3tS3cr3t"):rep(5)

describe("a secret object", function()
  local s = secret.new(VALUE)

  it("prints, formats, joins and encodes redacted", function()
    assert.equal("[redacted]", tostring(s))
    assert.equal("[redacted]", ("%s"):format(s))
    assert.equal('{"a":["[redacted]"]}', json.encode{ a = { s } })
    assert.is_nil((pcall(function() return "x" .. s end) and "x" .. s or ""):find("s3cr3t", 1, true))
  end)

  it("reveals its value", function()
    assert.equal(VALUE, secret.reveal(s))
    assert.is_true(secret.is(s))
    assert.is_false(secret.is(VALUE))
  end)

  it("compares by value", function()
    assert.is_true(s == secret.new(VALUE))
    assert.is_false(s == secret.new(VALUE .. "x"))
  end)

  it("cannot be opened by its metatable", function()
    assert.has_error(function() return s.value end)
    assert.has_error(function() return #s end)
  end)

  it("refuses what is not a string or a secret", function()
    assert.has_error(function() secret.new({}) end)
    assert.has_error(function() secret.reveal({}) end)
  end)

  it("is what a token object holds", function()
    local tok = assert(token.get("TKN-0000-0003"))
    assert.is_true(secret.is(tok.token))
    assert.matches("^idt:TKN%-0000%-0003:%w+$", secret.reveal(tok.token))
    assert.equal(64, #secret.reveal(tok.token):match("%w+$"))
  end)
end)

describe("secret.redact", function()
  for name, text in pairs{
    ["a token secret"] = "x " .. VALUE .. " y", ["percent-encoded"] = "idt%3ATKN-0000-0009%3As3cr3t", ["a header"] = "Authorization: Bearer s3cr3t",
    ["a JSON member"] = '{"token": "s3cr3t"}', ["JSON in a string"] = [["{\"token\":\"s3cr3t\"}"]],
  } do
    it("masks " .. name, function()
      local clean = secret.redact(text)
      assert.is_nil(clean:find("s3cr3t", 1, true))
      assert.matches("%[redacted%]", clean)
    end)
  end

  it("leaves other text alone", function()
    local text = "TKN-0000-0009 idt: token authorization modules\n"
    assert.equal(text, secret.redact(text))
  end)
end)
