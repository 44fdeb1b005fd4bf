-- moonkey.time: RFC 3339 to and from seconds since the epoch.
local time = require "moonkey.time"

describe("moonkey.time", function()
  local pairs_of = {
    ["1970-01-01T00:00:00.000Z"] = 0, ["2025-07-15T17:41:44.029Z"] = 1752601304.029, ["2024-02-29T12:00:00.000Z"] = 1709208000,
    ["2000-02-29T23:59:59.999Z"] = 951868799.999, ["1969-12-31T23:59:59.500Z"] = -0.5, ["9999-12-31T23:59:59.000Z"] = 253402300799,
    ["1900-03-01T00:00:00.000Z"] = -2203891200, ["0001-01-01T00:00:00.000Z"] = -62135596800,
  }
  for text, seconds in pairs(pairs_of) do
    it("reads and writes " .. text, function()
      assert.is_true(math.abs(time.parse(text) - seconds) < 1e-6)
      assert.equal(text, time.format(seconds))
    end)
  end

  it("agrees with the system on every hundredth day of 250 years", function()
    for day = -36500, 54750, 100 do
      local seconds = day * 86400 + 3661
      assert.equal(os.date("!%Y-%m-%dT%H:%M:%S.000Z", seconds), time.format(seconds))
      assert.equal(seconds, time.parse(time.format(seconds)))
    end
  end)

  it("reads other zones and precisions", function()
    assert.equal(0, time.parse "1970-01-01T01:30:00+01:30")
    assert.equal(3600, time.parse "1970-01-01T00:00:00-01:00")
    assert.equal(0.25, time.parse "1970-01-01t00:00:00.25z")
    assert.equal("integer", math.type(time.parse "1970-01-01T00:00:01.000Z"))
  end)

  for _, text in ipairs{ "", "now", "2025-07-15", "2025-07-15T17:41:44", "2025-13-01T00:00:00Z", "2025-02-29T00:00:00Z", "2025-01-01T24:00:00Z",
    "2025-01-01T00:60:00Z", "2025-01-01T00:00:00+25:00", "2025-01-01T00:00:00Zx", "2025-01-01T00:00:00.Z", "25-01-01T00:00:00Z" } do
    it(("refuses %q"):format(text), function()
      local seconds, message = time.parse(text)
      assert.is_nil(seconds)
      assert.is_string(message)
    end)
  end

  it("raises for what is no text, no number", function()
    assert.has_error(function() time.parse(3) end)
    assert.has_error(function() time.format("x") end)
    assert.has_error(function() time.format(0 / 0) end)
    assert.has_error(function() time.format(1e18) end)
  end)

  it("knows the time", function()
    assert.is_true(math.abs(time.now() - os.time()) < 2)
  end)
end)
