-- The modules of the host that a restricted script can require. It gets copies of its own: what it changes there is its own.
local M = {}

-- true: all of it. Nothing else of moonkey is for scripts that are not trusted.
local ALLOWED = {
  ["moonkey.api"] = { "request" },
  ["moonkey.deprecate"] = { "announce" },
  ["moonkey.errors"] = { "is", "reason" },
  ["moonkey.http"] = { "dry_run", "forbid_writes", "origin", "stop_reason" },
  ["moonkey.json"] = true,
  ["moonkey.log"] = { "debug", "enabled", "error", "info", "warn" },
  ["moonkey.modules"] = true,
  ["moonkey.rql"] = true,
  ["moonkey.secret"] = { "is", "new", "redact" },
  ["moonkey.task"] = { "all", "map", "sleep", "spawn" },
  ["moonkey.time"] = true,
  ["moonkey.token"] = true,
}

-- What else there is, and why it is not for them.
local ADVICE = { cjson = "require \"moonkey.json\" instead" }

local function copy(module, names)
  local own = {}
  if names == true then
    for name, value in next, module do own[name] = value end
  else
    for _, name in ipairs(names) do own[name] = module[name] end
  end
  return own
end

local function secret_of(policy, own)
  if policy.secret then
    own.reveal = require("moonkey.secret").reveal
  else
    own.reveal = function()
      error("secret.reveal is not permitted to a restricted script; --allow-secret would permit it", 2)
    end
  end
  return own
end

-- A copy of the module `name`, or nil: it is not one for restricted scripts.
function M.copy(policy, name)
  if name == "moonkey.batch" then return require("moonkey.restricted.batch").new(policy) end
  local names = ALLOWED[name]
  if not names then return nil end
  local own = copy(require(name), names)
  return name == "moonkey.secret" and secret_of(policy, own) or own
end

-- Why a module that is the host's is not there; nil for any other name.
function M.why_not(name)
  if ADVICE[name] then return ADVICE[name] end
  if name:find("^moonkey%.") or name == "moonkey" or name == "argparse" then return "it is the host's own" end
end

-- All of them are loaded before a script begins: afterwards some of what they need is out of reach.
function M.preload()
  for name in pairs(ALLOWED) do require(name) end
  require "moonkey.restricted.batch"
end

return M
