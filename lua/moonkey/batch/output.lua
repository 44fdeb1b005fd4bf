-- Where results are written: --results FILE (JSONL, or CSV when the name ends in .csv), -o jsonl on standard output.
local result = require "moonkey.batch.result"
local rows = require "moonkey.rows"

local M = {}

local Output = {}
Output.__index = Output

local BUFFER = 65536

local function add(self, file, name, format)
  self.sinks[#self.sinks + 1] = { file = file, name = name, format = format }
end

-- The first failure stays: a buffer that could not be written is lost, and a later write may well succeed.
local function note(self, sink, ok, message)
  if not ok then self.failure = self.failure or ("cannot write the results to %s: %s"):format(sink.name, message) end
end

-- Output:write(result) -> true | nil, message
function Output:write(r)
  for _, sink in ipairs(self.sinks) do note(self, sink, sink.file:write(sink.format(r))) end
  return not self.failure or nil, self.failure
end

-- true | nil, message
function Output:flush()
  for _, sink in ipairs(self.sinks) do note(self, sink, sink.file:flush()) end
  return not self.failure or nil, self.failure
end

-- Close what was opened here. true | nil, message: the last write can be the one that finds the disk full.
function Output:close()
  self:flush()
  for _, sink in ipairs(self.sinks) do
    if sink.file ~= io.stdout then sink.file:close() end
  end
  self.sinks = {}
  return not self.failure or nil, self.failure
end

-- M.open{ results = FILE or nil, stdout = boolean } -> output | nil, message. A FILE that has contents is refused.
-- It can be read by its owner only, because results name tokens and errors.
function M.open(options)
  local self = setmetatable({ sinks = {} }, Output)
  if options.results then
    local file, message = rows.create(options.results)
    if not file then return nil, message end
    file:setvbuf("full", BUFFER)
    local csv = options.results:lower():find("%.csv$")
    if csv then file:write(result.CSV_HEADER) end
    add(self, file, options.results, csv and result.to_csv or result.to_jsonl)
  end
  if options.stdout then
    io.stdout:setvbuf("full", BUFFER)
    add(self, io.stdout, "standard output", result.to_jsonl)
  end
  return self
end

return M
