-- --fault and --fault-seed: of `moonkey emulator`, and beside the global --emulator.
local faults = require "moonkey.emulator.faults"
local parse = require("moonkey.emulator.faults_parse").parse
local stop = require "moonkey.cli.stop"
local units = require "moonkey.cli.units"

local M = {}

local MOST_SEED = 1 << 53

-- `own_fault`: those that were given after the name of `emulator`, where the flag is its own.
-- { list = of faults_parse, seed = }, or nil where no fault was asked for.
function M.read(args)
  local list = {}
  for _, texts in ipairs{ args.fault or {}, args.own_fault or {} } do
    for _, text in ipairs(texts) do
      local more, message = parse(text)
      if not more then
        stop.usage(("--fault '%s': %s; moonkey emulator --help explains"):format(text, message))
      end
      table.move(more, 1, #more, #list + 1, list)
    end
  end
  local seed = args.fault_seed and units.count("--fault-seed", args.fault_seed, 0, MOST_SEED)
  if #list == 0 then
    if seed then stop.usage("--fault-seed is of no use without --fault") end
    return nil
  end
  return { list = list, seed = seed or faults.SEED }
end

-- What is in force, as one line for people.
function M.describe(set)
  local texts = {}
  for i, fault in ipairs(set.list) do
    texts[i] = fault.text
  end
  return ("faults of the emulator, drawn with --fault-seed %d: %s"):format(set.seed, table.concat(texts, "  "))
end

return M
