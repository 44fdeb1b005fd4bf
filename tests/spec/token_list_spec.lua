-- token.list against servers that page well, badly, and while the list changes.
local json = require "moonkey.json"
local lists = require "list_server"

local count, id, page, tokens = lists.count, lists.id, lists.page, lists.tokens

-- A server of these rows that changes what it says: change(page, offset, limit) may alter the page, or return another.
local function server(rows, change)
  return function(offset, limit)
    local p = page(rows, offset, limit)
    return change and change(p, offset, limit) or p
  end
end

local function paging(p)
  return p["$meta"].pagination
end

-- The paging of requests for the first, with what stands before it cut off.
local function offsets(seen)
  local list = {}
  for i, request in ipairs(seen) do
    local limit, offset = request:match("[?&]limit=(%d+)&offset=(%d+)$")
    list[i] = ("%s+%s"):format(offset, limit)
  end
  return table.concat(list, " ")
end

describe("token.list", function()
  it("reads all pages, each once", function()
    local ids, seen, status, rest = lists.list(server(tokens(1, 250)))
    assert.same({ count(1, 250), "0+100 100+100 200+100", 0, "" }, { ids, offsets(seen), status, rest })
    assert.equal("GET /api-tokens?order=id&limit=100&offset=0", seen[1])
  end)

  it("makes one request for a list without a row, and none before the loop begins", function()
    local ids, seen = lists.list(server(tokens(1, 0)), "{ where = { status = 'Active' } }")
    assert.same({ "", { "GET /api-tokens?eq(status,'Active')&order=id&limit=100&offset=0" } }, { ids, seen })
    local lines, requests = lists.run(server(tokens(1, 9)), "token.list() token.list{ limit = 0 } for _ in token.list{ limit = 0 } do end print 'done'")
    assert.same({ { "done" }, {} }, { lines, requests })
  end)

  it("ends with the page that fills the total, without another request", function()
    local ids, seen = lists.list(server(tokens(1, 200)))
    assert.same({ count(1, 200), "0+100 100+100" }, { ids, offsets(seen) })
  end)

  it("asks for no more than it is to deliver", function()
    local rows = server(tokens(1, 250))
    for options, expected in pairs{
      ["{ limit = 5 }"] = { count(1, 5), "0+5" },
      ["{ limit = 100 }"] = { count(1, 100), "0+100" },
      ["{ limit = 130 }"] = { count(1, 130), "0+100 100+30" },
      ["{ limit = 5, page_size = 2 }"] = { count(1, 5), "0+2 2+2 4+1" },
      ["{ limit = 1000 }"] = { count(1, 250), "0+100 100+100 200+100" },
    } do
      local ids, seen = lists.list(rows, options)
      assert.same(expected, { ids, offsets(seen) }, options)
    end
  end)

  describe("of a server that", function()
    it("caps the page, and says so", function()
      local ids, seen = lists.list(function(offset) return page(tokens(1, 25), offset, 10) end)
      assert.same({ count(1, 25), "0+100 10+100 20+100" }, { ids, offsets(seen) })
    end)

    it("caps the page and does not say so", function()
      local ids, seen = lists.list(function(offset)
        local p = page(tokens(1, 25), offset, 10)
        paging(p).limit = 100
        return p
      end)
      assert.same({ count(1, 25), "0+100 10+100 20+100" }, { ids, offsets(seen) })
    end)

    it("puts more on a page than was asked for", function()
      local ids, seen = lists.list(function(offset) return page(tokens(1, 25), offset, 12) end, "{ page_size = 5 }")
      assert.same({ count(1, 25), "0+5 12+5 24+5" }, { ids, offsets(seen) })
      ids, seen = lists.list(function(offset) return page(tokens(1, 25), offset, 12) end, "{ limit = 5 }")
      assert.same({ count(1, 5), "0+5" }, { ids, offsets(seen) })
    end)

    it("has the same token on two pages", function()
      local shift = 0
      local ids, seen = lists.list(function(offset, limit)
        local p = page(tokens(1, 30), math.max(0, offset - shift), limit)
        shift = 3
        return p
      end, "{ page_size = 10 }")
      assert.equal(count(1, 27), ids) -- the last three are behind what it calls the total
      assert.equal("0+10 10+10 20+10", offsets(seen))
    end)

    it("has an empty page before the total is reached", function()
      local ids, seen = lists.list(server(tokens(1, 40), function(p, offset)
        if offset == 10 then p.data = json.array() end
      end), "{ page_size = 10 }")
      assert.equal(count(1, 10) .. " " .. count(21, 40), ids)
      assert.equal("0+10 10+10 20+10 30+10", offsets(seen))
    end)

    it("leaves rows out of its pages", function()
      local ids, _, _, rest = lists.list(server(tokens(1, 40), function(p)
        for i = #p.data, 1, -2 do table.remove(p.data, i) end
      end), "{ page_size = 10 }")
      for n = 1, 39, 2 do assert.truthy((" " .. ids .. " "):find((" %d "):format(n), 1, true)) end
      assert.matches("tells of 40 rows, but has shown", rest)
    end)

    it("has a total that is too high", function()
      for _, total in ipairs{ 26, 1000000, math.maxinteger } do
        local ids, seen, status, rest = lists.list(server(tokens(1, 25), function(p) paging(p).total = total end), "{ page_size = 10 }")
        assert.same({ count(1, 25), 0 }, { ids, status })
        assert.is_true(#seen <= 6, #seen)
        assert.matches("tells of %d+ rows, but has shown 25", rest)
      end
    end)

    it("has no total, or one that cannot be", function()
      for _, total in ipairs{ json.null, -1, "many", 1.5, json.array(), 0, 3 } do
        local ids, seen, _, rest = lists.list(server(tokens(1, 25), function(p) paging(p).total = total end), "{ page_size = 10 }")
        assert.same({ count(1, 25), "0+10 10+10 20+10 25+10", "" }, { ids, offsets(seen), rest }, json.encode(total))
      end
    end)

    it("has no $meta at all", function()
      for _, meta in ipairs{ json.null, "x", {}, { pagination = json.array() } } do
        local ids = lists.list(server(tokens(1, 25), function(p) p["$meta"] = meta end), "{ page_size = 10 }")
        assert.equal(count(1, 25), ids, json.encode(meta))
      end
    end)

    it("does not know offsets: always the same page", function()
      for _, total in ipairs{ 10, 1000000, json.null } do
        local ids, seen, status = lists.list(function(_, limit)
          local p = page(tokens(1, 10), 0, limit)
          paging(p).total = total
          return p
        end, "{ page_size = 10 }")
        assert.same({ count(1, 10), 0 }, { ids, status })
        assert.is_true(#seen <= 6, #seen)
      end
    end)

    it("has a total that goes up and down for ever", function()
      local n = 0
      local ids, seen, status, rest = lists.list(function(offset, limit)
        n = n + 1
        local p = page(tokens(1, 20), offset, limit)
        paging(p).total = n % 2 == 0 and 1000 or 2000
        return p
      end, "{ page_size = 10 }")
      assert.matches("^" .. count(1, 10), ids) -- each row once, as far as such a list can be read
      assert.is_nil((" " .. ids .. " "):match("( %d+ ).*%1"))
      assert.equal(0, status)
      assert.matches("tells of %d+ rows, but has shown %d+", rest)
      assert.is_true(#seen < 20, #seen)
    end)

    it("has a total that falls by one with each page for ever", function()
      local total = 1000000
      local ids, seen, status = lists.list(function(_, limit)
        total = total - 1
        local p = page(tokens(1, 1), 0, limit)
        paging(p).total = total
        return p
      end, "{ page_size = 1 }")
      assert.same({ "1", 0 }, { ids, status })
      assert.is_true(#seen < 20, #seen)
    end)

    it("says limit 0", function()
      local ids, seen, status = lists.list(server(tokens(1, 0), function(p) p["$meta"].pagination = { limit = 0, total = 5 } end))
      assert.same({ "", 0 }, { ids, status })
      assert.is_true(#seen < 6)
    end)
  end)

  describe("of a list that changes", function()
    it("grows between pages", function()
      local rows = tokens(1, 20)
      local ids, seen = lists.list(function(offset, limit)
        local p = page(rows, offset, limit)
        if #rows < 35 then rows[#rows + 1] = { id = id(#rows + 1) } end
        return p
      end, "{ page_size = 10 }")
      assert.equal("0+10 10+10 20+10", offsets(seen)) -- 23 rows by the time of the third
      assert.equal(count(1, 22), ids)
    end)

    it("grows at its beginning: what moves back is not delivered twice", function()
      local rows = tokens(11, 30)
      local ids, _, _, rest = lists.list(function(offset, limit)
        local p = page(rows, offset, limit)
        table.insert(rows, 1, { id = id(100 - #rows) })
        return p
      end, "{ page_size = 10 }")
      assert.equal(count(11, 30), ids)
      assert.matches("tells of 2%d rows, but has shown 20", rest)
    end)

    it("shrinks at its beginning: steps back, so that no row is left out", function()
      local rows = tokens(1, 40)
      local ids, seen, _, rest = lists.list(function(offset, limit)
        local p = page(rows, offset, limit)
        if #rows > 30 then for _ = 1, 5 do table.remove(rows, 1) end end
        return p
      end, "{ page_size = 10 }")
      assert.same({ count(1, 40), "" }, { ids, rest })
      assert.equal("0+10 10+10 0+10 5+10 13+10 22+10", offsets(seen))
    end)

    it("shrinks at its end", function()
      local rows = tokens(1, 40)
      local ids = lists.list(function(offset, limit)
        local p = page(rows, offset, limit)
        for _ = 1, 5 do table.remove(rows) end
        return p
      end, "{ page_size = 10 }")
      assert.matches("^" .. count(1, 15), ids)
      assert.is_nil((" " .. ids .. " "):match("( %d+ ).*%1"))
    end)

    it("loses what the script disables: it meets all of them, once each", function()
      for _, size in ipairs{ 1, 3, 10, 100 } do
        local rows = tokens(11, 67)
        local lines, seen, status = lists.run(function(offset, limit, request)
          local done = request.path:match("(TKN%-%d+%-%d+)/disable$")
          if not done then return page(rows, offset, limit) end
          for i, row in ipairs(rows) do
            if row.id == done then
              table.remove(rows, i)
              return { id = done, status = "Disabled" }
            end
          end
          return 400, "{}"
        end, ([[
          local n, seen = 0, {}
          for tok in token.list{ where = { status = "Active" }, page_size = %d } do
            n = n + 1
            assert(not seen[tok.id])
            seen[tok.id] = true
            assert(token.disable(tok.id))
          end
          print(n)
        ]]):format(size))
        assert.same({ { "57" }, 0, 0 }, { lines, status, #rows }, ("page_size = %d, %d requests"):format(size, #seen))
        assert.is_true(#seen < 57 + 4 * (57 // size + 2), #seen)
      end
    end)
  end)

  describe("and the script", function()
    local answer = server(tokens(11, 35))

    it("work side by side: the next page is asked for before the script touches the first row of this one", function()
      local _, seen = lists.run(function(offset, limit, request)
        return offset and answer(offset, limit) or { id = request.path:match("TKN%-%d+%-%d+") }
      end, "for tok in token.list{ page_size = 10 } do assert(token.get(tok.id)) end")
      local order = {}
      for _, request in ipairs(seen) do order[#order + 1] = request:match("offset=(%d+)") or request:match("%d+$") end
      local expected = { "0", "10" }
      for n = 11, 20 do expected[#expected + 1] = ("%04d"):format(n) end
      expected[#expected + 1] = "20"
      for n = 21, 35 do expected[#expected + 1] = ("%04d"):format(n) end
      table.sort(order, function(a, b) return a < b end)
      table.sort(expected, function(a, b) return a < b end)
      assert.same(expected, order)
      assert.matches("offset=0$", seen[1])
      assert.matches("offset=10$", seen[2])
    end)

    it("part before the end: what is on its way is cut off, and nobody waits for it", function()
      local function slow(offset, limit, request)
        if offset == 10 then return nil end
        return offset and answer(offset, limit) or { id = request.path:match("TKN%-%d+%-%d+") }
      end
      for _, leave in ipairs{ "break", "error('enough', 0)", "os.exit(0)" } do
        local lines, seen, _, took = lists.run(slow, ([[
          print(pcall(function()
            for tok in token.list{ page_size = 10 } do
              print(tok.id)
              require("moonkey.task").sleep(0.05)
              %s
            end
          end))
        ]]):format(leave))
        assert.equal("TKN-0000-0011", lines[1], leave)
        assert.equal(2, #seen)
        assert.is_true(took < 5, ("%s: %.2f s"):format(leave, took))
      end
      local lines, _, _, took = lists.run(slow, [[ -- more often than there may be requests at a time
        collectgarbage("stop") -- it would cut them off, some time
        for _ = 1, 30 do
          for tok in token.list{ page_size = 10 } do require("moonkey.task").sleep(0.002) break end
        end
        print(token.get("TKN-0000-0009").id)
      ]])
      assert.same({ "TKN-0000-0009" }, lines)
      assert.is_true(took < 5, ("%.2f s"):format(took))
    end)

    it("need no loop: the first value is the iterator, and after the end it stays at the end", function()
      local lines = lists.run(server(tokens(1, 3)), [[
        local nxt = token.list{ page_size = 2 }
        print(nxt().id, nxt().id, nxt().id, nxt(), nxt())
      ]])
      assert.same({ "TKN-0000-0001\tTKN-0000-0002\tTKN-0000-0003\tnil\tnil" }, lines)
    end)

    it("may be many tasks that share one list", function()
      local lines, seen = lists.run(server(tokens(1, 55)), [[
                local task = require "moonkey.task"
        local nxt, n, seen = token.list{ page_size = 10 }, 0, {}
        local workers = {}
        for i = 1, 7 do
          workers[i] = task.spawn(function()
            for tok in nxt do
              assert(not seen[tok.id])
              seen[tok.id], n = true, n + 1
              task.sleep(0.001 * (i % 3))
            end
          end)
        end
        for _, worker in ipairs(workers) do worker:join() end
        print(n)
        print(#task.map(token.list{ limit = 30 }, function(tok) return tok.id end))
      ]])
      assert.same({ { "55", "30" }, 7 }, { lines, #seen })
    end)
  end)

  describe("that fails", function()
    it("raises the error of the page, with its facts, every time", function()
      local lines, seen = lists.run(function(offset, limit)
        if offset == 10 then return 400, '{"title":"Bad Request","status":400,"errors":{"bogus":["Invalid property path."]}}' end
        return page(tokens(1, 25), offset, limit)
      end, [[
        local nxt, errors, n = token.list{ page_size = 10, where = "bogus=1" }, require "moonkey.errors", 0
        local function try() while true do local tok = nxt() if not tok then return end n = n + 1 end end
        for _ = 1, 2 do
          local ok, err = pcall(try)
          print(n, ok, errors.is(err), err.kind, err.status, err)
        end
      ]])
      assert.equal("10\tfalse\ttrue\tapi\t400\tGET /public/v1/accounts/api-tokens?eq(bogus,1)&order=id&limit=10&offset=10: 400 Bad Request"
        .. " — bogus: Invalid property path", lines[1])
      assert.equal(lines[1], lines[2])
      assert.equal(2, #seen)
    end)

    it("is tried again like any read", function()
      local first = true
      local ids = lists.list(function(offset, limit)
        if offset == 10 and first then
          first = false
          return 503
        end
        return page(tokens(1, 25), offset, limit)
      end, "{ page_size = 10 }")
      assert.equal(count(1, 25), ids)
    end)

    it("says what is no page of a list", function()
      for body, expected in pairs{ ["[]"] = "no page of a list", ["{}"] = "no page of a list", ["true"] = "no page of a list",
        ['{"data":{}}'] = "no page of a list", ['{"data":null}'] = "no page of a list", ["7"] = "no page of a list",
        ['{"data":[{"name":"x"}]}'] = "a row of the list has no id", ['{"data":[1]}'] = "a row of the list has no id",
        ["<html>"] = "the body is not JSON", [""] = "the body is not JSON" } do
        local lines, _, status = lists.run(function() return 200, body end, [[
          local ok, err = pcall(function() for _ in token.list() do print "a row" end end)
          print(ok, err.kind, err)
          for _ in token.list() do print "a row" end
        ]])
        assert.matches("^false\tinvalid_response\tGET /public/v1/accounts/api%-tokens.*" .. expected, lines[1])
        assert.matches("the reply cannot be used", lines[2])
        assert.equal(1, status)
      end
    end)
  end)
end)
