--[[
Tells the users of a function that it will go away, without a flood: each line that calls it is told of once.

  function M.rename(id, name)
    deprecate.announce("teams.rename", { since = "1.4", instead = "teams.set_name", removed = "2.0" })
    …
]]
local log = require "moonkey.log"
local nearest = require "moonkey.nearest"

local M = {}

local FIELDS = { "since", "instead", "removed" }
local told = {} -- name and place of the call

local function check(name, details)
  if type(name) ~= "string" or name == "" then
    error("deprecate.announce needs the name of what is deprecated, such as \"teams.rename\"", 3)
  end
  if details ~= nil and type(details) ~= "table" then
    error("deprecate.announce: expected { since =, instead =, removed = }, got " .. type(details), 3)
  end
  for key, value in pairs(details or {}) do
    local known = false
    for _, field in ipairs(FIELDS) do known = known or field == key end
    if not known then
      local near = nearest(tostring(key), FIELDS)
      error(("deprecate.announce: there is no field '%s'%s"):format(tostring(key),
        near and (", did you mean '%s'?"):format(near) or "; there are since, instead, removed"), 3)
    end
    if type(value) ~= "string" then error(("deprecate.announce: %s: expected text, got %s"):format(key, type(value)), 3) end
  end
end

-- The line that has called the function which calls us.
local function call_site()
  local caller = debug.getinfo(4, "Sl") or debug.getinfo(3, "Sl")
  return caller and caller.currentline > 0 and ("%s:%d: "):format(caller.short_src, caller.currentline) or ""
end

-- To be called by the function `name` itself. details: { since = version, instead = what to use, removed = version in which it
-- is gone }, all of them optional.
function M.announce(name, details)
  check(name, details)
  local site = call_site()
  if told[name .. "\0" .. site] then return end
  told[name .. "\0" .. site] = true
  details = details or {}
  log.warn("%s%s is deprecated%s%s%s", site, name, details.since and " since " .. details.since or "",
    details.instead and "; use " .. details.instead or "",
    details.removed and ("; it will be gone in %s"):format(details.removed) or "")
end

return M
