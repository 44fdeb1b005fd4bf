-- The ids of a command's arguments, and what is done with each of them.
local batch = require "moonkey.batch"
local stop = require "moonkey.cli.stop"
local task = require "moonkey.task"

local M = {}

local LONGEST = 256

function M.configure(cmd)
  cmd:argument("ID", "Ids of tokens, such as TKN-1234-5678."):argname("ID"):target("ids"):args("+")
end

local function check(id)
  if id == "" then stop.usage("an id is empty (a variable that is not set?); expected something like TKN-1234-5678") end
  if #id > LONGEST or id:find("^%.%.?$") or id:find("[%c%s/]") then
    stop.usage(("'%s' is not the id of a token; expected something like TKN-1234-5678"):format(id:sub(1, 60)))
  end
  local kind = id:match("^(%u%u%u)%-%d")
  if kind and kind ~= "TKN" then
    stop.usage(("%s is not the id of a token; those look like TKN-1234-5678"):format(id))
  end
end

-- The ids, each once.
function M.of(args)
  local list, seen = {}, {}
  for _, id in ipairs(args.ids) do
    check(id)
    if not seen[id] then seen[id], list[#list + 1] = true, id end
  end
  return list
end

-- call(id) for each, side by side: results and errors by index, as of task.map.
function M.each(list, jobs, call)
  return task.map(list, call, { jobs = jobs or batch.DEFAULT_JOBS })
end

return M
