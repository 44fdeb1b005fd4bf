-- lua/types against the host: every public function has a stub, and every stub is of something that exists.
local directory = arg[0]:match("^(.*)/") or "."

local MODULES = { "token", "modules", "api", "json", "log", "task", "secret", "time", "errors", "batch", "rql", "http" }

-- What the parts of the host use among themselves; no script should.
local INTERNAL = {
  ["batch.open_source"] = true, ["errors.from_result"] = true, ["errors.MOST"] = true, ["errors.new"] = true,
  ["errors.reason"] = true,
  ["http.check_base_url"] = true, ["http.row_calls"] = true, ["http.stats"] = true,
}

local function read_stub(name)
  local file = assert(io.open(("%s/../../lua/types/%s.lua"):format(directory, name)))
  local text = file:read("a")
  file:close()
  return text
end

-- name → type, of the members that a stub declares: functions, fields that are assigned, and ---@field of the module's class.
local function declared(name, text)
  local members = {}
  for owner, member, parameters in text:gmatch("\nfunction (%w+)%.([%w_]+)(%b())") do
    if owner == "M" or owner == name then members[member] = { kind = "function", parameters = parameters } end
  end
  for member in text:gmatch("\nM%.([%w_]+) = ") do members[member] = { kind = "value" } end
  for member, same in text:gmatch('\nM%["(%w+)"%] = M%.([%w_]+)') do members[member] = members[same] end -- words of Lua
  local fields = text:match("%-%-%-@class moonkey%." .. name .. "\n(.-)\nlocal M") or ""
  for member in fields:gmatch("%-%-%-@field ([%w_]+)") do members[member] = { kind = "value" } end
  return members
end

for _, name in ipairs(MODULES) do
  describe("the stub of moonkey." .. name, function()
    local text = read_stub(name)
    local module = require("moonkey." .. name)
    local members = declared(name, text)

    it("is a definition file of that module, and Lua", function()
      assert.equal("moonkey." .. name, text:match("^%-%-%-@meta (%S+)\n"))
      assert(load(text, "=" .. name, "t", {}))
    end)

    it("has everything that the module has", function()
      for member, value in pairs(module) do
        if not INTERNAL[name .. "." .. member] then
          assert.is_table(members[member], ("moonkey.%s.%s has no stub"):format(name, member))
          local kind = type(value) == "function" and "function" or "value"
          assert.equal(kind, members[member].kind, ("moonkey.%s.%s"):format(name, member))
        end
      end
    end)

    it("has nothing that the module has not", function()
      for member in pairs(members) do
        assert.is_not_nil(module[member], ("moonkey.%s.%s does not exist"):format(name, member))
      end
    end)

    it("gives functions that are written in Lua as many parameters as they have", function()
      for member, stub in pairs(members) do
        local info = stub.kind == "function" and debug.getinfo(module[member], "Su")
        if info and info.what == "Lua" then
          local _, count = stub.parameters:gsub("[%w_]+", "") -- ... is none
          assert.equal(info.nparams, count, ("parameters of moonkey.%s.%s"):format(name, member))
        end
      end
    end)
  end)
end

describe("the stubs", function()
  it("cover the kinds of errors", function()
    local kinds = {}
    for kind in read_stub("errors"):gmatch('\n%-%-%-| "([%w_]+)"') do kinds[#kinds + 1] = kind end
    assert.same(require("moonkey.errors").KINDS, kinds)
  end)

  it("cover the fields of a row's result", function()
    local fields = {}
    local class = read_stub("batch"):match("%-%-%-@class moonkey%.RowResult\n(.-)\n\n")
    for field in class:gmatch("%-%-%-@field ([%w_]+)") do fields[#fields + 1] = field end
    assert.same(require("moonkey.batch.result").FIELDS, fields)
  end)

  it("are one table as a global and as a module", function()
    assert.equal(token, require "moonkey.token")
  end)
end)
