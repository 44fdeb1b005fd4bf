-- moonkey.pages.met: no row that stays is left out, however rows vanish between the pages.
local met = require "moonkey.pages.met"

-- Read a list of `size` rows in pages of `page`; vanish(rows) takes some away before each page but the first. Returns whether
-- every row that has stayed was met, how many pages that took, and the rows that have stayed.
local function read(size, page, vanish)
  local rows, seen = {}, {}
  for n = 1, size do rows[n] = n end
  local m, offset, pages, before = met.new(), 0, 0, size
  while offset do
    pages = pages + 1
    local last = math.min(offset + page, #rows)
    if m:take(offset, math.max(0, last - offset), page, before - #rows) then
      for i = offset + 1, last do seen[rows[i]] = true end
    end
    before = #rows
    offset = m:next(#rows)
    if offset then vanish(rows, pages) end
    assert(pages < 10 * (size // page + 10), "no end")
  end
  for _, row in ipairs(rows) do
    if not seen[row] then return false, pages, #rows end
  end
  return true, pages, #rows
end

-- Takes n rows away, each from among the first `share` of them.
local function take_away(rows, n, share)
  for _ = 1, math.min(n, #rows) do table.remove(rows, math.random(math.max(1, math.ceil(#rows * share)))) end
end

describe("moonkey.pages.met", function()
  before_each(function() math.randomseed(42) end)

  it("reads a list that stays as it is page by page", function()
    for size = 0, 30 do
      for page = 1, 12 do
        local all, pages = read(size, page, function() end)
        assert.same({ true, math.max(1, (size + page - 1) // page) }, { all, pages })
      end
    end
  end)

  it("leaves nothing out when rows vanish now and then, and reads little twice", function()
    for _ = 1, 3000 do
      local size, page = math.random(0, 300), math.random(1, 40)
      local all, pages = read(size, page, function(rows)
        if math.random(4) == 1 then take_away(rows, math.random(0, 2 * page), math.random()) end
      end)
      assert.is_true(all, ("%d rows, %d a page, %d pages"):format(size, page, pages))
    end
    for at = 1, 90 do -- one row that vanishes costs one page, or two
      local _, pages = read(1000, 10, function(rows, n) if n == at then table.remove(rows, 1) end end)
      assert.is_true(pages <= 102, pages)
    end
  end)

  it("leaves nothing out, and ends, when rows vanish all the time", function()
    for _ = 1, 3000 do
      local size, page, most, share = math.random(0, 300), math.random(2, 40), math.random(1, 60), math.random()
      local all, pages = read(size, page, function(rows) take_away(rows, math.random(most), share) end)
      assert.is_true(all, ("%d rows, %d a page, up to %d vanish: %d pages"):format(size, page, most, pages))
    end
  end)

  it("gets on although one row vanishes before each page", function()
    local all, pages, left = read(10000, 100, function(rows) take_away(rows, 1, 1) end)
    assert.is_true(all)
    assert.is_true(pages < 130, pages)
    assert.is_true(left > 9600, left)
  end)

  it("reads on without a total until it is told otherwise", function()
    local m = met.new()
    for n = 0, 9 do
      assert.is_true(m:take(n * 10, 10, 10, 0))
      assert.equal((n + 1) * 10, m:next(nil))
    end
  end)
end)
