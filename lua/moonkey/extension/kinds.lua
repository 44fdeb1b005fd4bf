--[[
The kinds of extensions: which names are taken, and what a module of each has to return.

A module returns a table; where it returns one function alone, that is { [its kind's function] = it }. What a profile names is
`of_profile`: see places.project_last.
]]
local M = {}

local Kind = {}
Kind.__index = Kind

-- The table for what a module returns; or nil and what is wrong with it.
function Kind:accept(value)
  if type(value) == "function" and self.alone then value = { [self.alone] = value } end
  if type(value) ~= "table" then
    return nil, ("it returns %s; expected %s"):format(value == true and "nothing" or "a " .. type(value), self.shape)
  end
  local found = false
  for _, name in ipairs(self.functions) do
    if value[name] ~= nil and type(value[name]) ~= "function" then
      return nil, ("`%s` must be a function, and is a %s"):format(name, type(value[name]))
    end
    found = found or value[name] ~= nil and (self.needs == nil or name == self.needs)
  end
  if not found then
    local missing = self.needs or table.concat(self.functions, "` or `")
    return nil, ("it has no function `%s`; expected %s"):format(missing, self.shape)
  end
  for _, name in ipairs{ "summary", "description" } do
    if value[name] ~= nil and type(value[name]) ~= "string" then
      return nil, ("`%s` must be text, and is a %s"):format(name, type(value[name]))
    end
  end
  return value
end

local function kind(fields)
  return setmetatable(fields, Kind)
end

local function set(names)
  local found = {}
  for _, name in ipairs(names) do found[name] = true end
  return found
end

M.NAMES = { "command", "format", "output", "credential", "check" } -- as they are told of

M.command = kind{
  what = "command", shape = "{ summary =, configure = function(cmd), run = function(args) }",
  functions = { "run", "configure" }, needs = "run",
  taken = function(name) return require("moonkey.cli").is_built_in(name) end,
}

local FORMATS = set{ "jsonl", "ndjson", "json", "csv", "tsv" } -- as host/lib/rows.c
M.format = kind{
  what = "format", shape = "{ summary =, extensions = { \"xml\" }, open = function(file, options) }",
  functions = { "open" }, needs = "open",
  built_in = { "jsonl", "json", "csv" }, taken = function(name) return FORMATS[name] end,
}

local OUTPUTS = set{ "table", "json", "jsonl", "csv", "text" }
M.output = kind{
  what = "output", shape = "{ summary =, report = function(facts, write), list = function(write) }",
  functions = { "report", "list" },
  built_in = { "table", "json", "jsonl", "csv" }, taken = function(name) return OUTPUTS[name] end,
}

M.credential = kind{
  of_profile = true, what = "credential source", shape = "function(options) that returns the credential", alone = "read",
  functions = { "read" }, needs = "read",
  taken = function() return false end,
}

M.check = kind{
  of_profile = true, what = "check",
  shape = "function(change, report), or { check = that, finish = function(report) }",
  alone = "check", functions = { "check", "finish" }, needs = "check",
  taken = function() return false end,
}

return M
