--[[
The kinds of extensions: which names are taken, and what a module of each has to return.

A module returns a table; one that is only a function is { [its kind's function] = that function }.
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
  what = "the command", shape = "{ summary =, configure = function(cmd), run = function(args) }",
  functions = { "run", "configure" }, needs = "run",
  taken = function(name) return require("moonkey.cli").is_built_in(name) end,
}

local FORMATS = set{ "jsonl", "ndjson", "json", "csv", "tsv" } -- as host/lib/rows.c
M.format = kind{
  what = "the format", shape = "{ summary =, extensions = { \"xml\" }, open = function(file, options) }",
  functions = { "open" }, needs = "open",
  taken = function(name) return FORMATS[name] end,
}

local OUTPUTS = set{ "table", "json", "jsonl", "csv", "text" }
M.output = kind{
  what = "the output", shape = "{ summary =, report = function(facts, write), list = function(write) }",
  functions = { "report", "list" },
  taken = function(name) return OUTPUTS[name] end,
}

M.credential = kind{
  what = "the credential source", shape = "function(options) that returns the credential", alone = "read",
  functions = { "read" }, needs = "read",
  taken = function() return false end,
}

M.check = kind{
  what = "the check", shape = "function(change, report), or { summary =, check = that function, finish = function(report) }",
  alone = "check", functions = { "check", "finish" }, needs = "check",
  taken = function() return false end,
}

return M
