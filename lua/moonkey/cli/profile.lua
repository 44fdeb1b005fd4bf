-- moonkey profile: the profiles of the configuration, and which of them is in force.
local credential = require "moonkey.cli.credential"
local harmless = require "moonkey.harmless"
local json = require "moonkey.json"
local log = require "moonkey.log"
local profiles = require "moonkey.profile"
local redact = require("moonkey.secret").redact
local sorted_keys = require "moonkey.sorted_keys"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {
  summary = "list the profiles of your configuration, and say which is in force",
  description = [[
  moonkey profile list            name, base URL, where the credential is, limits, consent
  moonkey -p production profile list
                                  the same; the mark * and the last column say what would be in force
  moonkey profile list -o json    for programs

Profiles are in $XDG_CONFIG_HOME/moonkey/config.lua, or ~/.config/moonkey/config.lua. A profile
is chosen by -p, else by MOONKEY_PROFILE, else by `default` in the file. Nothing is sent, and no
credential is read: a command that prints one is not run.]],
}

function M.configure(cmd)
  cmd:argument("action", "list."):args("?"):choices{ "list" }
  cmd:option("-o --output", "How it is written (default: table)."):choices{ "table", "json" }
end

-- In the order in which they are shown.
local LIMITS = { "read_only", "jobs", "rate", "retry", "max_time", "connect_timeout", "proxy", "http2", "cacert", "cert",
  "key" }

local function limits_text(profile)
  local parts = {}
  for _, name in ipairs(LIMITS) do
    local value = profile[name]
    local shown = name:gsub("_", "-")
    if value == true then parts[#parts + 1] = shown
    elseif value ~= nil and value ~= false then parts[#parts + 1] = shown .. " " .. tostring(value) end
  end
  return #parts > 0 and table.concat(parts, ", ") or "-"
end

local function credential_text(profile)
  return profile.credential_file and "file " .. profile.credential_file
    or profile.credential_command and "command " .. profile.credential_command
    or profile.credential_source and "module moonkey.credential." .. profile.credential_source or "MPT_API_TOKEN…"
end

-- Why it is in force, or that it would be without anything being asked for.
local function why_text(name, chosen)
  local words = {}
  if name == chosen.name then words[1] = chosen.by == "default" and "in force" or "in force, by " .. chosen.by end
  if name == chosen.default then words[#words + 1] = "default" end
  return table.concat(words, ", ")
end

-- The widths that all of `rows` need, but no more than `most` for one of them.
local function print_columns(rows, most)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      row[i] = harmless(redact(cell))
      widths[i] = math.min(math.max(widths[i] or 0, utf8.len(row[i])), most)
    end
  end
  for _, row in ipairs(rows) do
    local parts = {}
    for i, cell in ipairs(row) do
      parts[i] = cell .. (i < #row and (" "):rep(widths[i] - utf8.len(cell)) or "")
    end
    print((table.concat(parts, "  "):gsub(" +$", "")))
  end
end

local function show_table(names, found, chosen)
  local rows = { { "", "NAME", "BASE URL", "CREDENTIAL", "CONSENT", "LIMITS", "" } }
  for i, name in ipairs(names) do
    local p = found[name]
    rows[i + 1] = { name == chosen.name and "*" or "", name, p.base_url or credential.DEFAULT_BASE_URL, credential_text(p),
      p.consent or "-", limits_text(p), why_text(name, chosen) }
  end
  print_columns(rows, 60)
end

local ORDER = { "file", "default", "in_force", "by", "profiles", "name", "base_url", "credential_file", "credential_command",
  "credential_source", "credential_options", "consent" }

local function show_json(path, names, found, chosen)
  local list = {}
  for i, name in ipairs(names) do
    local copy = {}
    for key, value in pairs(found[name]) do copy[key] = value end
    copy.where, copy.base_url = nil, copy.base_url or credential.DEFAULT_BASE_URL
    list[i] = copy
  end
  print(redact(json.encode({ file = path, default = chosen.default, in_force = chosen.name, by = chosen.name and chosen.by,
    profiles = json.array(list) }, { order = ORDER })))
end

-- The environment may have the last word, whatever the table says.
local function warn_of_environment(chosen)
  if not chosen.name or chosen.by == "-p" then return end
  local set = credential.set_in_environment()
  if #set > 0 then
    log.warn("%s %s set, and comes before the profile that is in force; -p %s would not have it so",
      table.concat(set, " and "), #set > 1 and "are" or "is", chosen.name)
  end
end

-- { name =, by =, default = }: what is in force, or nil, and a message where that is not there.
local function choose(args, found, default, path)
  local name, by = profiles.asked(args.profile)
  if name and not found[name] then stop.usage(profiles.unknown(path, name, found)) end
  return { name = name or default, by = by or "default", default = default }
end

function M.run(args)
  local path = profiles.path()
  local found, default
  if not path or not sys.file_type(path) then
    local name = profiles.asked(args.profile)
    if name then stop.usage(select(2, profiles.find(name))) end
    found = {}
    log.info("there are no profiles: %s", path and "there is no file " .. path or "neither XDG_CONFIG_HOME nor HOME is set")
  else
    found, default = profiles.read(path)
    if not found then stop.usage(default) end
  end
  local names, chosen = sorted_keys(found), choose(args, found, default, path)
  if args.output == "json" then
    show_json(path, names, found, chosen)
  elseif #names > 0 then
    show_table(names, found, chosen)
  end
  warn_of_environment(chosen)
  return 0
end

return M
