-- Jobs: what is run for each row. A job here is a table: run(row, ctx), and maybe check(row), setup(), teardown(state).
local default_job = require "moonkey.batch.default_job"
local sys = require "moonkey.sys"
local traceback = require "moonkey.traceback"

local M = {}

local function from_table(t, name)
  if type(t.job) ~= "function" then return nil, name .. ": the table needs a function `job`" end
  for _, key in ipairs{ "setup", "teardown" } do
    if t[key] ~= nil and type(t[key]) ~= "function" then return nil, ("%s: `%s` must be a function"):format(name, key) end
  end
  return { run = t.job, setup = t.setup, teardown = t.teardown, custom = true }
end

-- A job from a function(row, ctx) or a table { setup=, job=, teardown= }; nil means the default job. Or nil, message.
function M.from(value, name)
  if value == nil then return default_job end
  if type(value) == "function" then return { run = value, custom = true } end
  if type(value) == "table" then return from_table(value, name or "the job") end
  return nil, ("%s: a job is a function(row, ctx) or a table { setup=, job=, teardown= }, not a %s")
    :format(name or "the job", type(value))
end

-- The job of rows without one of their own. `options`: skip_unchanged and undoable; or plan = they are a plan's, and force.
function M.built_in(options)
  local undoable = options.plan or options.undoable
  if not undoable and not options.skip_unchanged then return default_job end
  local careful = require "moonkey.batch.careful_job" -- which most runs do without
  return careful.new{ skip_unchanged = options.skip_unchanged, undoable = undoable, force = options.plan and options.force }
end

-- The chunk of a job file, which has not run yet, with these globals. On failure nil, message, and whether the file could not
-- even be opened.
function M.read(path, globals)
  local file, message = io.open(path, "r")
  if not file then return nil, "cannot open the job file " .. message, true end
  file:close()
  if sys.file_type(path) == "directory" then return nil, path .. ": it is a directory; name a Lua file in it", true end
  local chunk
  chunk, message = loadfile(path, "t", globals or _G)
  if not chunk then return nil, ("cannot load the job file %s: %s"):format(path, message) end
  return chunk
end

-- The job that the chunk of the file `path` makes, by `from` instead of M.from where that is given; or nil, message.
function M.make(chunk, path, from)
  local ok, value = xpcall(chunk, function(err) return (traceback.of(err)) end, path)
  if not ok then return nil, ("the job file %s failed: %s"):format(path, value) end
  if value == nil then
    return nil, path .. ": the job file returns nothing; end it with `return function(row, ctx) … end`"
  end
  return (from or M.from)(value, path)
end

return M
