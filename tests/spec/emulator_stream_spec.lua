-- Section 5 of what is known of the API: a list as one stream, as the platform's Python client reads it.
local fixture = require "emulator_fixture"
local json = require "moonkey.json"
local listing = require "moonkey.emulator.listing"
local routes = require "moonkey.emulator.routes"

local TOKENS, MODULES = fixture.TOKENS, fixture.MODULES
local LINES, ENVELOPE = "application/jsonl", "application/json"

describe("the emulator: a stream", function()
  local peer

  before_each(function() peer = fixture.open(125) end)
  after_each(function() peer:close() end)

  -- The reply, and its records: as lines, each of which is one of them, or as those of an envelope.
  local function stream(query, accept, path, streaming)
    peer.store:begin()
    local reply = routes.handle(peer.store, { method = "GET", path = path or TOKENS, query = query, headers = {
      authorization = "Bearer " .. peer.credential, accept = accept, ["mpt-streaming"] = streaming or "true",
    } })
    peer.store:commit()
    local records = {}
    if reply.headers["Content-Type"] == LINES then
      for line in reply.body:gmatch("[^\n]+") do records[#records + 1] = assert(json.decode(line)) end
      assert.matches(#records == 0 and "^$" or "}\n$", reply.body)
    else
      local body = assert(json.decode(reply.body))
      records = body.data or body
    end
    return reply, records
  end

  describe("of", function()
    -- what it is of, the query, how many records, the first one
    local cases = {
      { "everything", nil, 125, "TKN-0000-0001" }, { "an empty query", "", 125, "TKN-0000-0001" },
      { "everything, said so", "limit=-1", 125, "TKN-0000-0001" },
      { "the first ones", "limit=3", 3, "TKN-0000-0001" }, { "more than a page", "limit=110&order=-id", 110, "TKN-0000-0125" },
      { "more than there are", "limit=1000", 125, "TKN-0000-0001" }, { "none", "limit=0", 0 }, { "nothing", "name=x&limit=5", 0 },
      { "what is filtered and sorted", "like(name,CRM*)&order=-name&LIMIT=2", 2, "TKN-0000-0075" },
      { "what quotes hold", "eq(name,'limit=3')", 0 },
    }
    for _, case in ipairs(cases) do
      for _, accept in ipairs({ LINES, ENVELOPE }) do
        it(case[1] .. ", as " .. accept, function()
          local reply, records = stream(case[2], accept)
          assert.same({ 200, accept, "true", tostring(case[3]) },
            { reply.status, reply.headers["Content-Type"], reply.headers["MPT-Streaming"], reply.headers["MPT-Item-Count"] })
          assert.same({ case[3], case[4] }, { #records, records[1] and records[1].id })
          if accept == ENVELOPE then
            local meta = json.decode(reply.body)["$meta"]
            assert.same({ { offset = 0, limit = case[3], total = case[3] }, { "audit", "modules" } }, { meta.pagination, meta.omitted })
          end
        end)
      end
    end

    it("modules", function()
      local reply, records = stream("like(name,A*)", LINES, MODULES)
      assert.same({ "3", 3, "MOD-1239" }, { reply.headers["MPT-Item-Count"], #records, records[1].id })
    end)
  end)

  it("has the records of a list, with what select adds and leaves out", function()
    local _, records = stream("select=modules,-token&limit=2", LINES)
    local _, page = peer:call("GET", TOKENS .. "?select=modules,-token&limit=2")
    records[1].lastAccessAt, page.data[1].lastAccessAt = nil, nil
    assert.same(page.data, records)
  end)

  describe("has the format that Accept asks for:", function()
    local cases = {
      { nil, ENVELOPE }, { "*/*", ENVELOPE }, { "application/*", ENVELOPE }, { "APPLICATION/JSONL", LINES },
      { "application/jsonl; charset=utf-8", LINES }, { "application/json, application/jsonl;q=0.5", LINES },
      { "text/html, application/json;q=0.9", ENVELOPE }, { "application/x-ndjson" }, { "text/html" }, { "application/json-seq" },
    }
    for _, case in ipairs(cases) do
      it(tostring(case[1]), function()
        local reply, problem = stream("limit=1", case[1])
        if case[2] then
          assert.same({ 200, case[2] }, { reply.status, reply.headers["Content-Type"] })
        else
          assert.same({ 406, "Not Acceptable", nil }, { reply.status, problem.title, reply.headers["MPT-Streaming"] })
        end
      end)
    end
  end)

  describe("is refused for", function()
    local cases = {
      { "an offset", "offset=5", "offset" }, { "an offset of nought", "offset=0&limit=5", "offset" },
      { "a limit that is none", "limit=x", "limit" }, { "a limit below -1", "limit=-2", "limit" },
      { "a filter that is wrong", "bogus=1", "bogus" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local reply, problem = stream(case[2], LINES)
        assert.same({ 400, case[3] }, { reply.status, (next(problem.errors)) })
        assert.is_nil(reply.headers["MPT-Streaming"])
      end)
    end

    it("accounts that do not see modules", function()
      local vendor = fixture.open('{"id":"v","token":"v","account":{"id":"A","type":"Vendor"}}')
      assert.equal(403, (vendor:call("GET", MODULES, nil, { ["mpt-streaming"] = "true", accept = LINES })))
    end)
  end)

  it("is asked for by true alone", function()
    for _, value in ipairs({ "false", "", "1", "yes" }) do
      local reply, records = stream(nil, LINES, nil, value)
      assert.same({ 200, ENVELOPE, 10, nil }, { reply.status, reply.headers["Content-Type"], #records, reply.headers["MPT-Streaming"] })
    end
    assert.equal("125", (stream(nil, LINES, nil, "TRUE")).headers["MPT-Item-Count"])
  end)
end)

describe("the emulator: a stream of too much", function()
  local most = listing.MOST

  before_each(function() listing.MOST = 5 end)
  after_each(function() listing.MOST = most end)

  for query, status in pairs({ [""] = 413, ["?limit=6"] = 413, ["?limit=5"] = 200, ["?limit=-1&in(id,(TKN-0000-0001,TKN-0000-0002))"] = 200 }) do
    it(query .. " gives " .. status, function()
      local peer = fixture.open(6)
      local got, problem, reply = peer:call("GET", TOKENS .. query, nil, { ["mpt-streaming"] = "true" })
      assert.equal(status, got)
      if status == 413 then
        assert.same({ "Export too large", 5, "application/problem+json" },
          { problem.title, problem.maxExportKeys, reply.headers["Content-Type"] })
      end
      peer:close()
    end)
  end
end)
