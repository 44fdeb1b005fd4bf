--[[
Outputs of the user's, moonkey.output.NAME, for -o NAME:

  report(facts, write, results)   of `moonkey report`: facts as batch/report/facts.lua gathers them; results() iterates over all
                                  rows (batch/result.lua)
  list(write, columns)            of lists such as `moonkey token list`: returns add(object, cells), and maybe finish(); cells
                                  are what a table shows in these columns

Both write text by write(…), which goes to standard output with secrets masked.
]]
local extension = require "moonkey.extension"
local redact = require("moonkey.secret").redact
local stdout = require "moonkey.cli.output.stdout"
local stop = require "moonkey.cli.stop"

local M = {}

local function write(...)
  for _, part in ipairs{ ... } do stdout.write(redact(tostring(part))) end
end

-- The module, which has to have that function.
local function open(name, method)
  local module, message = extension.load("output", name)
  if not module then stop.with(1, message) end
  if module[method] then return module end
  stop.usage(("-o %s cannot be used here: %s has no function `%s`"):format(name, extension.find("output", name), method))
end

-- What fn returns; its errors are the module's. What ends the command, such as a reader that is gone, goes on.
local function call(name, fn, ...)
  local results = table.pack(pcall(fn, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  local err = results[2]
  if stop.is(err) then error(err, 0) end
  stop.with(1, ("the output '%s' (%s) failed: %s"):format(name, extension.find("output", name), tostring(err)))
end

function M.check(name, method)
  open(name, method)
end

function M.report(name, facts, results)
  call(name, open(name, "report").report, facts, write, results)
  stdout.flush()
end

local List = {}
List.__index = List

function List:add(object)
  local cells = {}
  for i, column in ipairs(self.columns) do cells[i] = redact(column.text(object)) end
  call(self.name, self.add_one, object, cells)
end

function List:finish()
  if self.end_all then call(self.name, self.end_all) end
  stdout.flush()
end

-- In the form of cli/output: add(object), finish().
function M.list(name, columns)
  local names = {}
  for i, column in ipairs(columns) do names[i] = column.name end
  local add, finish = call(name, open(name, "list").list, write, names)
  if type(add) ~= "function" or finish ~= nil and type(finish) ~= "function" then
    stop.with(1, ("the output '%s' (%s): list() must return a function that takes one object, and maybe one for the end")
      :format(name, extension.find("output", name)))
  end
  return setmetatable({ name = name, columns = columns, add_one = add, end_all = finish }, List)
end

return M
