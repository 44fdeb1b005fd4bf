-- moonkey modules-path: where extensions are looked for, what is there, and why some of it is not used.
local extension = require "moonkey.extension"
local harmless = require "moonkey.harmless"
local json = require "moonkey.json"
local kinds = require "moonkey.extension.kinds"
local output = require "moonkey.cli.output"
local places = require "moonkey.extension.places"
local redact = require("moonkey.secret").redact
local sys = require "moonkey.sys"

local M = {
  summary = "where modules of your own are looked for, and what was found",
  description = [[
Lists the directories in which moonkey looks for Lua modules, in order, and the extensions there:
  moonkey.command.NAME      a command: moonkey NAME
  moonkey.format.NAME       rows of another kind of file: batch --format NAME
  moonkey.output.NAME       another form of report and token list: -o NAME
  moonkey.credential.NAME   where a credential comes from: credential_source of a profile
  moonkey.check.NAME        what a plan has to pass: plan --check NAME, checks of a profile
Each is loaded to see whether it can be. Of two with one name the first counts, and what is built
in always comes before both.

Exit: 0; 1 when one of them cannot be loaded.]],
}

function M.configure(cmd)
  cmd:option("-o --output", "How it is written (default: text)."):choices{ "text", "json" }
end

local function all_places()
  local list = {}
  for _, place in ipairs(places.list()) do
    list[#list + 1] = { path = place.path, what = place.what, exists = sys.file_type(place.path) == "directory" }
  end
  return list
end

-- With what is wrong with each, or its summary.
local function all_extensions()
  local list, failed = {}, false
  for _, kind in ipairs(kinds.NAMES) do
    for _, entry in ipairs(extension.all(kind)) do
      entry.kind = kind
      list[#list + 1] = entry
      if not entry.shadowed_by then
        local module, message = extension.load(kind, entry.name)
        entry.summary, entry.error = module and module.summary, message
        failed = failed or not module
      end
    end
  end
  return list, failed
end

local function state_of(entry)
  if entry.shadowed_by == "moonkey itself" then return "not used: the name is moonkey's own" end
  if entry.shadowed_by then return "not used: " .. entry.shadowed_by .. " comes before it" end
  return entry.error and "! " .. entry.error or entry.summary or ""
end

local function write_line(format, ...)
  local line = harmless(redact(format:format(...))):gsub("%s+$", "")
  output.write(line, "\n")
end

-- What pads the field `name` of all of them to one width.
local function column(list, name)
  local width = 0
  for _, item in ipairs(list) do width = math.max(width, utf8.len(item[name]) or #item[name]) end
  return function(text) return text .. (" "):rep(width - (utf8.len(text) or #text)) end
end

local function write_text(directories, extensions)
  output.write("Modules are looked for in\n")
  local pad, pad_name = column(directories, "path"), column(extensions, "name")
  for _, place in ipairs(directories) do
    write_line("  %s  %s%s", pad(place.path), place.what, place.exists and "" or ", not there")
  end
  output.write(#extensions > 0 and "\nExtensions\n" or "\nThere are no extensions.\n")
  for _, entry in ipairs(extensions) do
    write_line("  %-10s  %s  %s", entry.kind, pad_name(entry.name), entry.path)
    local state = state_of(entry)
    if state ~= "" then
      for line in state:gmatch("[^\n]+") do write_line("      %s", line) end
    end
  end
end

local ORDER = { order = { "places", "extensions", "kind", "name", "module", "path", "what", "exists", "summary", "shadowed_by",
  "error" } }

function M.run(args)
  local directories = all_places()
  local extensions, failed = all_extensions()
  if args.output == "json" then
    output.write(redact(json.encode({ places = json.array(directories), extensions = json.array(extensions) }, ORDER)), "\n")
  else
    write_text(directories, extensions)
  end
  output.flush()
  return failed and 1 or 0
end

return M
