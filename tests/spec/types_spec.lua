-- lua/types against the host, both ways: whatever scripts can use has a stub, and every stub is of something that exists.
local errors = require "moonkey.errors"
local json = require "moonkey.json"
local resource = require "moonkey.resource"
local stubs = require "moonkey.help.stubs"

-- Modules that the parts of the host use among themselves; no script should. All others have a stub.
local INTERNAL = {}
for name in ([[ahead announce beneath cli completion control coroutine cut digest doctor emulator extension files harmless help hex
    httpd identity jail limits lineedit looks nearest pages preview probe process profile profile_fields project repl require
    resource restricted rows script session sorted_keys sqlite strict sys terminal traceback versions]]):gmatch("%S+") do
  INTERNAL[name] = true
end

-- The same of single members.
local INTERNAL_MEMBERS = {
  ["batch.open_source"] = true, ["errors.from_result"] = true, ["errors.MOST"] = true, ["errors.new"] = true,
  ["errors.reason"] = true,
  ["http.check_base_url"] = true, ["http.row_calls"] = true, ["http.stats"] = true,
}

local modules, classes = {}, {}
for _, name in ipairs(stubs.names()) do
  modules[name] = stubs.module(name)
  for _, class in ipairs(modules[name].classes) do classes[class.name] = class end
end

-- The fields of a class and of those that it is made from, as a set.
local function fields_of(name)
  local class, fields = assert(classes[name], name), {}
  for _, field in ipairs(class.fields) do fields[field.name:gsub('[%[%]"]', "")] = true end
  for field in pairs(classes[class.parent] and fields_of(class.parent) or {}) do fields[field] = true end
  return fields
end

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

-- All modules moonkey.NAME that there are.
local function all_modules()
  local names = {}
  for full in pairs(package.preload) do names[full:match("^moonkey%.([^.]+)$") or ""] = true end
  for _, full in ipairs(resource.list("moonkey.")) do names[full:match("^moonkey%.([^.]+)$") or ""] = true end
  names[""] = nil
  return names
end

-- name → the parameters of a function, or "value", of the members that a stub declares.
local function declared(name, text)
  local module, members = modules[name], {}
  for _, fn in ipairs(module.functions) do members[fn.name:match("^" .. name .. "%.(.*)$") or ""] = fn.list end
  for _, constant in ipairs(module.constants) do members[constant.name:match("%.(.*)$")] = "value" end
  for _, class in ipairs(module.classes) do
    for _, field in ipairs(class.name == module.name and class.fields or {}) do members[field.name] = "value" end
  end
  for member, same in text:gmatch('\nM%["(%w+)"%] = M%.([%w_]+)') do members[member] = members[same] end -- words of Lua
  members[""] = nil -- of objects
  return members
end

describe("the stubs", function()
  it("are of all modules that scripts can use, and of no others", function()
    local there = all_modules()
    for name in pairs(there) do
      assert.is_true(modules[name] ~= nil or INTERNAL[name] == true, ("moonkey.%s has no stub"):format(name))
      assert.is_false(modules[name] ~= nil and INTERNAL[name] == true, ("moonkey.%s is internal"):format(name))
    end
    for name, module in pairs(modules) do
      assert.is_true(there[name] or module.name == "_", ("moonkey.%s does not exist"):format(name))
    end
  end)

  it("are Lua, and name no type that there is not", function()
    local known = {}
    for _, module in pairs(modules) do
      for _, alias in ipairs(module.aliases) do known[alias.name] = true end
    end
    for name in pairs(modules) do
      local text = resource.read("types/" .. name .. ".lua")
      assert(load(text, "=" .. name, "t", {}))
      for line in text:gmatch("%-%-%-@%a+ ([^\n]*)") do
        for type_name in line:gmatch("%f[%w]moonkey%.%u%w+") do
          assert.is_true(known[type_name] or classes[type_name] ~= nil, ("%s.lua: %s"):format(name, type_name))
        end
      end
    end
  end)

  it("describe the parameters that functions have, each once and in order", function()
    for _, module in pairs(modules) do
      for _, fn in ipairs(module.functions) do
        local names = {}
        for i, parameter in ipairs(fn.parameters) do names[i] = parameter.name end
        assert.equal(fn.list, "(" .. table.concat(names, ", ") .. ")", fn.name)
      end
    end
  end)
end)

for name, stub in pairs(modules) do
  if stub.name ~= "_" then describe("the stub of moonkey." .. name, function()
    local module = require("moonkey." .. name)
    local members = declared(name, resource.read("types/" .. name .. ".lua"))

    it("is a definition file of that module", function() assert.equal("moonkey." .. name, stub.name) end)

    it("has everything that the module has", function()
      for member, value in pairs(module) do
        if not INTERNAL_MEMBERS[name .. "." .. member] then
          assert.is_not_nil(members[member], ("moonkey.%s.%s has no stub"):format(name, member))
          assert.equal(type(value) == "function", members[member] ~= "value", ("moonkey.%s.%s"):format(name, member))
        end
      end
    end)

    it("has nothing that the module has not", function()
      for member in pairs(members) do
        assert.is_not_nil(module[member], ("moonkey.%s.%s does not exist"):format(name, member))
      end
    end)

    it("gives functions that are written in Lua as many parameters as they have", function()
      for member, list in pairs(members) do
        local info = list ~= "value" and debug.getinfo(module[member], "Su")
        if info and info.what == "Lua" then
          local _, count = list:gsub("[%w_]+", "") -- ... is none
          assert.equal(info.nparams, count, ("parameters of moonkey.%s.%s"):format(name, member))
        end
      end
    end)
  end) end
end

-- What is said to an option that there is not names those that there are: it is the function's own list.
describe("options", function()
  local batch, modules_, api, rql = require "moonkey.batch", require "moonkey.modules", require "moonkey.api", require "moonkey.rql"
  local BAD = { qqqqqqqqqq = 1 }

  local calls = {
    ["moonkey.CallOptions"] = { function() token.get("TKN-0000-0001", BAD) end, function() token.create({ name = "x" }, BAD) end,
      function() token.enable("TKN-0000-0001", BAD) end, function() token.disable("TKN-0000-0001", BAD) end,
      function() token.delete("TKN-0000-0001", BAD) end, function() token.edit("TKN-0000-0001", print, BAD) end,
      function() modules_.get("MOD-1756", BAD) end },
    ["moonkey.UpdateOptions"] = { function() token.update("TKN-0000-0001", { name = "x" }, BAD) end },
    ["moonkey.ListOptions"] = { function() token.list(BAD) end, function() modules_.list(BAD) end },
    ["moonkey.RequestOptions"] = { function() api.request("GET", "/accounts/modules", BAD) end },
    ["moonkey.BatchOptions"] = { function() batch.run(BAD) end },
    ["moonkey.TokenFields"] = { function() token.update("TKN-0000-0001", BAD) end },
    ["moonkey.NewTokenFields"] = { function() token.create(BAD) end },
    ["moonkey.Deprecation"] = { function() require("moonkey.deprecate").announce("x", BAD) end },
  }

  local function named_in(message)
    local names = {}
    local list = message:match("there are (.*)$") or message:match("takes (.*)$")
    for word in (list or ""):gsub("%b()", ""):gsub(" and ", ", "):gmatch("[%w_]+") do
      if word ~= "a" then names[word] = true end
    end
    return names
  end

  for class, functions in pairs(calls) do
    it("of " .. class .. " are those of its functions", function()
      for _, fn in ipairs(functions) do
        local ok, message = pcall(fn)
        assert.is_false(ok)
        assert.same(sorted(fields_of(class)), sorted(named_in(message)), message)
      end
    end)
  end

  it("are all looked at: a class of options that no function is tried with has no test", function()
    for class in pairs(classes) do
      assert.is_true(not class:find("Options$") or calls[class] ~= nil, class)
    end
    assert.is_false((pcall(rql.contains, "name", "x", BAD)))
  end)
end)

-- Extensions are the user's; what they have to be is a table of kinds.
describe("the types of extensions", function()
  local kinds = require "moonkey.extension.kinds"
  local CLASSES = { command = "Command", format = "Format", output = "Output", credential = "Credential", check = "Check" }

  for _, kind in ipairs(kinds.NAMES) do
    it("have the functions of a " .. kind, function()
      local name = ("moonkey.%sModule"):format(assert(CLASSES[kind], kind))
      local fields = fields_of(name)
      for _, fn in ipairs(kinds[kind].functions) do assert.is_true(fields[fn], name .. "." .. fn) end
      for _, field in ipairs(classes[name].fields) do
        assert.equal(field.name ~= kinds[kind].needs, field.optional, name .. "." .. field.name)
      end
    end)
  end
end)

describe("fields", function()
  local function expect_in(class, object)
    local fields = fields_of(class)
    for key in pairs(object) do
      if math.type(key) == nil then assert.is_true(fields[key], ("%s has no field %s"):format(class, key)) end
    end
  end

  it("of a token, its account, modules and events are those that the API has", function()
    local seen = {}
    for tok in token.list{ select = "modules,audit", limit = 50 } do
      for key in pairs(tok) do seen[key] = true end
      expect_in("moonkey.Token", tok)
      expect_in("moonkey.Account", tok.account)
      for _, module in ipairs(tok.modules) do expect_in("moonkey.Module", module) end
      for _, event in pairs(tok.audit) do expect_in("moonkey.Event", event) end
    end
    for _, later in ipairs{ "$meta", "extensions", "icon", "revision" } do seen[later] = true end -- not every token has one
    assert.same(sorted(fields_of("moonkey.Token")), sorted(seen))
  end)

  it("of an error are those that errors have", function()
    local _, err = token.get("TKN-9999-9999")
    expect_in("moonkey.Error", err)
    _, err = token.update("TKN-0000-0002", { name = ("x"):rep(300) })
    expect_in("moonkey.Error", err)
    for _, entry in ipairs(err.errors) do expect_in("moonkey.FieldError", entry) end
    for _, needed in ipairs{ "kind", "errors", "attempts", "retryable", "method", "path", "host" } do
      assert.is_not_nil(err[needed], needed)
    end
  end)

  it("of a row's result are those of results", function()
    local names = {}
    for i, field in ipairs(classes["moonkey.RowResult"].fields) do names[i] = field.name end
    assert.same(require("moonkey.batch.result").FIELDS, names)
  end)

  it("of a summary are those of batch.run, and so are those of the context of a job", function()
    local context
    local summary = assert(require("moonkey.batch").run{ source = { { id = "TKN-0000-0002" }, { id = "x" } }, journal = false,
      job = function(row, ctx)
        context = ctx
        return row.id == "x" and nil or true, "no"
      end })
    expect_in("moonkey.BatchSummary", summary)
    for _, field in ipairs(classes["moonkey.BatchSummary"].fields) do
      assert.is_true(field.optional or summary[field.name] ~= nil, field.name)
    end
    for _, field in ipairs(classes["moonkey.JobContext"].fields) do
      assert.is_true(field.optional or field.name == "state" or context[field.name] ~= nil, field.name)
    end
  end)
end)

describe("words", function()
  local function choices(name)
    for _, module in pairs(modules) do
      for _, alias in ipairs(module.aliases) do
        if alias.name == name then return alias end
      end
    end
  end

  it("of the kinds of errors are those of moonkey.errors", function()
    local kinds = {}
    for i, choice in ipairs(choices("moonkey.ErrorKind").choices) do kinds[i] = choice.value:match('^"(.*)"$') end
    assert.same(errors.KINDS, kinds)
  end)

  it("of log levels are those of moonkey.log", function()
    local count = 0
    for level in choices("moonkey.LogLevel").type:gmatch('"(%a+)"') do
      assert.is_boolean(require("moonkey.log").enabled(level))
      count = count + 1
    end
    assert.equal(5, count)
    assert.is_false((pcall(require("moonkey.log").enabled, "loud")))
  end)

  it("null is one, and so is token as a global and as a module", function()
    assert.equal(json.null, json.decode("null"))
    assert.equal(token, require "moonkey.token")
  end)
end)
