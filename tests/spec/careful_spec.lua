-- The job that looks before it writes, against the emulator.
local careful = require "moonkey.batch.careful_job"
local http = require "moonkey.http"
local json = require "moonkey.json"
local planned = require "moonkey.batch.plan.row"

local ID = "TKN-0000-0021"

describe("the careful job", function()
  local intended, ctx

  before_each(function()
    intended, ctx = {}, {}
    function ctx:intend(changes)
      intended[#intended + 1] = { changes = changes, name = token.get(ID).name }
      return self == ctx
    end
    assert(token.update(ID, { name = "Old", description = "kept", icon = json.null, modules = { "MOD-1756" } }))
  end)

  local function run(options, fields)
    fields.id = fields.id or ID
    return careful.new(options).run(fields, ctx)
  end

  local function plan_row(...)
    return planned.new{ row = 1, line = 2, id = ID, changes = { ... } }
  end

  local function writes()
    return http.stats().changes
  end

  it("writes what differs, and tells what has changed", function()
    local tok, changes = run({ skip_unchanged = true }, { name = "New", description = "kept" })
    assert.equal("New", token.get(ID).name)
    assert.truthy(tok)
    assert.same({ { field = "name", from = "Old", to = "New" } }, changes)
    assert.same({}, intended)
  end)

  it("skips what is equal, however it is written", function()
    local before = writes()
    for _, fields in ipairs{ { name = "Old" }, { icon = json.null }, { modules = { "MOD-1756", "MOD-1756" } },
      { modules = { { id = "MOD-1756" } }, name = "Old" } } do
      assert.equal("skipped", (run({ skip_unchanged = true }, fields)))
    end
    assert.equal(before, writes())
    run({ skip_unchanged = true }, { icon = "" })
    assert.equal(before + 1, writes())
  end)

  it("writes what is equal where that is not to be skipped", function()
    local before = writes()
    local tok, changes = run({ undoable = true }, { name = "Old" })
    assert.truthy(tok)
    assert.equal(0, #changes)
    assert.same({ {}, before + 1 }, { intended, writes() })
  end)

  it("has the before-image recorded before it writes", function()
    run({ undoable = true }, { name = "New", modules = {} })
    assert.same({ { field = "name", from = "Old", to = "New" }, { field = "modules", from = { "MOD-1756" }, to = {} } }, intended[1].changes)
    assert.equal("Old", intended[1].name)
    assert.equal("New", token.get(ID).name)
  end)

  it("writes nothing where that cannot be recorded", function()
    function ctx.intend() return nil, { kind = "cancelled", title = "no journal" } end
    local tok, err = run({ undoable = true }, { name = "New" })
    assert.same({ nil, "cancelled" }, { tok, err.kind })
    assert.equal("Old", token.get(ID).name)
  end)

  it("records no credential, and does not write without a record", function()
    local secret = "idt:TKN-0000-0008:" .. ("CarefulSecret"):rep(4)
    local tok, err = run({ undoable = true }, { description = "was " .. secret })
    assert.is_nil(tok)
    assert.matches("the description has a credential in it", err.detail)
    assert.is_nil(json.encode(err):find("CarefulSecret"))
    assert.same({ {}, "kept" }, { intended, token.get(ID).description })
  end)

  it("gives back the error of the read and of the write", function()
    local tok, err = run({ undoable = true }, { id = "TKN-9999-9999", name = "x" })
    assert.same({ nil, 404, "GET" }, { tok, err.status, err.method })
    tok, err = run({ undoable = true }, { name = "not permitted: #" })
    assert.same({ nil, 400, "PUT" }, { tok, err.status, err.method })
  end)

  it("checks rows, but not those of a plan", function()
    local job = careful.new{}
    assert.equal("unknown column", (job.check{ id = ID, nmae = "x" }))
    assert.equal("unknown column", (job.check{ id = ID, changes = {} }))
    assert.is_nil((job.check(plan_row())))
  end)

  describe("with a row of a plan", function()
    local NAME, MODULES = { field = "name", from = "Old", to = "New" }, { field = "modules", from = json.array{ "MOD-1756" }, to = json.array{ "MOD-9042" } }

    it("applies it", function()
      local _, changes = careful.new{}.run(plan_row(NAME, MODULES), ctx)
      assert.same({ { "Old" }, { NAME, MODULES } }, { { intended[1].name }, changes })
      local tok = token.get(ID)
      assert.same({ "New", "MOD-9042", "kept" }, { tok.name, tok.modules[1].id, tok.description })
    end)

    it("skips one that is applied already", function()
      assert(token.update(ID, { name = "New" }))
      local before = writes()
      assert.equal("skipped", (careful.new{}.run(plan_row(NAME), ctx)))
      assert.same({ before, {} }, { writes(), intended })
    end)

    it("skips one without changes, and reads nothing", function()
      assert.equal("skipped", (careful.new{}.run(planned.new{ row = 1, id = "TKN-9999-9999", changes = {} }, ctx)))
    end)

    it("does not overwrite what somebody has changed", function()
      assert(token.update(ID, { name = "Theirs" }))
      local before = writes()
      local tok, err = careful.new{}.run(plan_row(NAME, MODULES), ctx)
      assert.same({ nil, "drift", "changed since the plan was made" }, { tok, err.kind, err.title })
      assert.equal('name: planned from "Old", is "Theirs"', err.detail)
      assert.same({ before, {} }, { writes(), intended })
    end)

    it("looks only at the fields that it was planned from", function()
      assert(token.update(ID, { description = "theirs", icon = "theirs" }))
      assert.truthy((careful.new{}.run(plan_row(NAME), ctx)))
      assert.same({ "New", "theirs" }, { token.get(ID).name, token.get(ID).description })
    end)

    it("writes only what is missing where a part is there already", function()
      assert(token.update(ID, { name = "New" }))
      local _, changes = careful.new{}.run(plan_row(NAME, MODULES), ctx)
      assert.same({ MODULES }, changes)
    end)

    it("overwrites by force, and records what was there", function()
      assert(token.update(ID, { name = "Theirs" }))
      assert.truthy((careful.new{ force = true }.run(plan_row(NAME), ctx)))
      assert.same({ { { field = "name", from = "Theirs", to = "New" } }, "New" }, { intended[1].changes, token.get(ID).name })
    end)

    it("fails with the problem that the plan has, and sends nothing", function()
      local row = planned.new{ row = 1, id = "TKN-9999-9999", problem = { kind = "api", status = 404, title = "Not Found", detail = "d" } }
      local tok, err = careful.new{ force = true }.run(row, ctx)
      assert.same({ nil, "api", 404, "Not Found", "d" }, { tok, err.kind, err.status, err.title, err.detail })
    end)
  end)
end)
