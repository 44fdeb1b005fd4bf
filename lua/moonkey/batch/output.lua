-- Where results are written: --results FILE (JSONL, or CSV when the name ends in .csv), -o jsonl on standard output.
local core = require "moonkey.task.core"
local leaving = require "moonkey.batch.leaving"
local result = require "moonkey.batch.result"
local rows = require "moonkey.rows"
local sys = require "moonkey.sys"

local M = {}

local Output = {}
Output.__index = Output

local CHUNK, AGE = 65536, 1 -- bytes, seconds: what is kept back at most

local function add(self, file, name, format)
  file:setvbuf("no") -- lines are collected here, and written whole: a process that is killed leaves no half of one
  self.sinks[#self.sinks + 1] = { file = file, name = name, format = format, lines = {}, size = 0 }
end

-- The first failure stays: a buffer that could not be written is lost, and a later write may well succeed.
local function note(self, sink, ok, message)
  if not ok then self.failure = self.failure or ("cannot write the results to %s: %s"):format(sink.name, message) end
end

local function keep(sink, line)
  sink.lines[#sink.lines + 1] = line
  sink.size = sink.size + #line
end

-- Output:write(result) -> true | nil, message
function Output:write(r)
  local size = 0
  for _, sink in ipairs(self.sinks) do
    keep(sink, sink.format(r))
    size = math.max(size, sink.size)
  end
  if size >= CHUNK or sys.now() - self.flushed >= AGE then return self:flush() end
  return not self.failure or nil, self.failure
end

-- true | nil, message
function Output:flush()
  self.flushed = sys.now()
  for _, sink in ipairs(self.sinks) do
    if sink.size > 0 then note(self, sink, sink.file:write(table.concat(sink.lines))) end
    sink.lines, sink.size = {}, 0
  end
  return not self.failure or nil, self.failure
end

-- Nothing was run, and nothing is written: FILE stays empty, and can be named again.
function Output:abandon()
  for _, sink in ipairs(self.sinks) do sink.lines, sink.size = {}, 0 end
end

-- Every AGE seconds, also while every row waits.
local function keep_flushing(self)
  while not self.closed:wait(AGE) do self:flush() end
end

-- Close what was opened here; a second time does nothing. true | nil, message: the last write can be the one that finds the
-- disk full.
function Output:close()
  self:flush()
  self.closed:open()
  leaving.forget(self)
  for _, sink in ipairs(self.sinks) do
    if sink.file ~= io.stdout then sink.file:close() end
  end
  self.sinks = {}
  return not self.failure or nil, self.failure
end

Output.__close = Output.close

-- M.open{ results = FILE or nil, stdout = boolean } -> output | nil, message. A FILE that has contents is refused.
-- It can be read by its owner only, because results name tokens and errors.
function M.open(options)
  local self = setmetatable({ sinks = {}, flushed = sys.now(), closed = core.gate() }, Output)
  if options.results then
    local file, message = rows.create(options.results)
    if not file then return nil, message end
    local csv = options.results:lower():find("%.csv$")
    add(self, file, options.results, csv and result.to_csv or result.to_jsonl)
    if csv then keep(self.sinks[1], result.CSV_HEADER) end
  end
  if options.stdout then
    add(self, io.stdout, "standard output", result.to_jsonl)
  end
  leaving.output(self)
  if #self.sinks > 0 then core.spawn(keep_flushing, self) end
  return self
end

return M
