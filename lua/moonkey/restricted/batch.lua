-- moonkey.batch for a restricted script: batch.run, on files that are permitted, with a job that gets nothing of the engine.
local batch = require "moonkey.batch"
local jobs = require "moonkey.restricted.job"
local places = require "moonkey.restricted.places"

local M = {}

local function check_journal(policy, journal)
  if journal == false then return false end
  if type(journal) ~= "string" then
    error("batch.run: the journal of a restricted script is a file below a directory of --allow-write: journal = \"FILE\"; "
      .. "journal = false does without one", 0)
  end
  return places.check(policy, "batch.run: journal", journal, true)
end

-- A list of its own, without a metatable that could make a source of the host's of it.
local function rows_of(list)
  local rows = {}
  for i = 1, #list do
    local row = list[i]
    if row == nil then break end
    rows[i] = row
  end
  return rows
end

local function check_source(policy, source)
  if type(source) == "string" and source ~= "-" then return places.check(policy, "batch.run: source", source) end
  if type(source) ~= "table" then return source end
  if rawget(source, "next") ~= nil then
    error("batch.run: source must be a file's name, \"-\", a list of rows, or a function that returns the next row", 0)
  end
  return rows_of(source)
end

-- A copy, so that nothing of the options can be another when it is used than it was when it was looked at.
local function checked(policy, options)
  if type(options) ~= "table" then return options end
  local own = {}
  for name, value in next, options do own[name] = value end
  own.queue = nil -- of the command line
  own.source = check_source(policy, own.source)
  own.journal = check_journal(policy, own.journal)
  if own.results ~= nil then own.results = places.check(policy, "batch.run: results", own.results, true) end
  if own.job ~= nil then
    local job, message = jobs.from(own.job)
    if not job then error("batch.run: " .. message, 0) end
    own.job = job
  end
  return own
end

function M.new(policy)
  return {
    run = function(options)
      local ok, own = pcall(checked, policy, options)
      if not ok then error(own, 2) end
      return batch.run(own)
    end,
  }
end

return M
