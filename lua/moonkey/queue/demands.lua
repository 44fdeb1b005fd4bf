--[[
What a queue asks of its server, so that it loses nothing that it need not lose. Each demand returns what is wrong and what to
do about it, or nil; of a server whose INFO does not say, nothing is believed.
]]
local M = {}

local OLDEST = 7 -- Redis; Valkey began with 7.2, and says of itself that it is compatible to 7

local function old(info)
  local version = info.redis_version or ""
  if (tonumber(version:match("^%d+")) or 0) >= OLDEST then return nil end
  return ("it is Redis %s: a queue needs Redis 7.0 or newer, or Valkey"):format(version ~= "" and version or "of some version")
end

-- A restart would lose all chunks and reports; with an append-only file at most the last second, which is found out and made
-- good.
local function forgetful(info)
  if info.aof_enabled == "1" then return nil end
  return "appendonly is off, so it would forget its work when it ends: set `appendonly yes` (at once: redis-cli CONFIG SET "
    .. "appendonly yes, then CONFIG REWRITE)"
end

-- Otherwise it removes keys where memory is short, and says nothing.
local function evicting(info)
  if info.maxmemory_policy == "noeviction" then return nil end
  return ("its maxmemory-policy is %s, so it may remove rows where its memory is short: set `maxmemory-policy noeviction` "
    .. "(at once: redis-cli CONFIG SET maxmemory-policy noeviction, then CONFIG REWRITE)"):format(
      info.maxmemory_policy or "unknown")
end

local function replica(info)
  if info.role == "master" then return nil end
  return ("it is a replica: name its primary, %s:%s"):format(info.master_host or "?", info.master_port or "?")
end

local ALL = { old, replica, forgetful, evicting }

-- What is wrong with a server, by its INFO: a list of texts.
function M.unmet(info)
  local found = {}
  for _, demand in ipairs(ALL) do found[#found + 1] = demand(info) end
  return found
end

-- true, or nil and all that is wrong with the server that has the run, or that is named; or why it cannot be asked, and err.
function M.check(conn, run)
  local info, err = conn:info(run)
  if not info then return nil, tostring(err), err end
  local found = M.unmet(info)
  if #found == 0 then return true end
  return nil, ("the Redis at %s cannot have a queue:\n  %s"):format(conn.place.text, table.concat(found, "\n  "))
end

return M
