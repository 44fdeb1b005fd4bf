-- What of the process's own restrictions a script under --restricted would be in: each layer by itself.
local jail = require "moonkey.jail"

local STANDS = "--restricted still restricts what is seen from Lua"

-- What Landlock restricts, by the version that brought it.
local SCOPES = { { 1, "files" }, { 4, "TCP ports" }, { 6, "signals" } }

local REMEDIES = {
  no_new_privs = "a newer kernel has it (Linux 3.5)",
  seccomp = "build moonkey with libseccomp-dev, on a kernel and in a container that permit filters",
  landlock = "a newer kernel has it (Linux 5.13, with lsm=landlock,...), in a container that permits it",
}

local function landlock_scope(version)
  local has, lacks = {}, {}
  for _, scope in ipairs(SCOPES) do
    local into = version >= scope[1] and has or lacks
    into[#into + 1] = scope[2]
  end
  return table.concat(has, ", "), #lacks > 0 and table.concat(lacks, " and ") or nil
end

local function layer(case, status, name, what)
  if status[name] then return case:ok("jail", what) end
  case:warning("jail", ("%s is not there: %s; %s"):format(what, status.why[name], STANDS), REMEDIES[name])
end

local function landlock(case, status)
  if not status.landlock then return layer(case, status, "landlock", "Landlock") end
  local has, lacks = landlock_scope(status.landlock)
  if not lacks then return case:ok("jail", ("Landlock %d: %s"):format(status.landlock, has)) end
  case:warning("jail", ("Landlock %d: %s, but not %s"):format(status.landlock, has, lacks),
    "a newer kernel has those, too (Linux 6.12)")
end

return function(case)
  local status, message = jail.status()
  if not status then return case:skipped("jail", message) end
  layer(case, status, "no_new_privs", "no new privileges")
  layer(case, status, "seccomp", "seccomp filter")
  landlock(case, status)
end
