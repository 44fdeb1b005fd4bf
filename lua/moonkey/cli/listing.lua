-- What the commands that list something have in common.
local log = require "moonkey.log"
local output = require "moonkey.cli.output"
local stop = require "moonkey.cli.stop"
local summary = require "moonkey.batch.summary"
local sys = require "moonkey.sys"
local units = require "moonkey.cli.units"

local M = {}

local DRAW_EVERY = 0.1 -- seconds
local MOST = 1000000000

function M.configure(cmd)
  cmd:option("--select", "Fields to add (modules,audit), to take away (with - before them), or alone ('-*,+id,+name'), in the "
    .. "platform's terms. A table and a CSV file get columns for them."):argname("FIELDS")
  cmd:option("--order", "Sort by these fields, such as lastAccessAt,name; with - before one, the greatest first (default: by "
    .. "id)."):argname("FIELDS")
  cmd:option("--limit", "At most so many."):argname("N")
  M.configure_output(cmd, "table")
end

function M.configure_output(cmd, default)
  cmd:option("-o --output", ("How it is written (default: %s)."):format(default)):choices(output.formats())
end

function M.limit(args)
  return args.limit and units.count("--limit", args.limit, 1, MOST)
end

-- Shows how many have come, where that does not stand in the way of what is written.
local function counter(what)
  local shown = sys.isatty(2) and not sys.isatty(1) and os.getenv("TERM") ~= "dumb" and sys.now()
  return function(count)
    if not shown or sys.now() - shown < DRAW_EVERY then return end
    shown = sys.now()
    log.status(("%s %ss"):format(summary.number(count), what))
  end
end

local function write_all(options)
  local out, count, tick = output.open(options), 0, counter(options.what)
  for item in options.items() do
    if sys.interrupted() then error("interrupted", 0) end
    item = options.public and options.public(item) or item
    out:add(item)
    count = count + 1
    tick(count)
  end
  out:finish()
  return count
end

--[[
M.run{ format =, columns =, bom =, as in output.open; what = the word for one; items = function that returns an iterator;
public = function(item) that returns what may be shown; failed = function(raised error) that returns an exit code }
]]
function M.run(options)
  local ok, result = pcall(write_all, options)
  log.status(nil)
  if not ok then
    if stop.is(result) then error(result, 0) end
    if not sys.interrupted() then return options.failed(result) end
    log.error("interrupted: the list is not complete")
    return 128 + sys.interrupted()
  end
  if result == 0 and options.format == "table" then log.info("there is no such %s", options.what) end
  return 0
end

return M
