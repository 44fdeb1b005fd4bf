-- The manual pages, as Markdown: put together from topics, commands and stubs, so that nothing is said in two places.
local cli = require "moonkey.cli"
local commands = require "moonkey.help.commands"
local globals = require "moonkey.cli.globals"
local lua = require "moonkey.help.lua"
local profile_fields = require "moonkey.profile_fields"
local stubs = require "moonkey.help.stubs"
local sys = require "moonkey.sys"
local topics = require "moonkey.help.topics"

local M = {}

local DATE = "2026-11-26"

-- An option of every command, as argparse has it.
local function as_option(entry)
  local aliases = {}
  for flag in entry[1]:gmatch("%S+") do aliases[#aliases + 1] = flag end
  return { _public_aliases = aliases, _maxargs = entry[2] and 1 or 0, _argname = entry[2], _description = entry[3] }
end

-- The text of the topic, and the options that it does not name.
function M.options()
  local text, options = topics.read("options"), {}
  for i, entry in ipairs(globals.options) do options[i] = as_option(entry) end
  return text .. commands.unnamed(text, options) .. "\n"
end

-- What a profile may say: in the text of the topic; otherwise it is what the option of that name says.
local function fields_of(text)
  local items = {}
  for _, name in ipairs(profile_fields.NAMES) do
    if not text:find("`" .. name .. "`", 1, true) then
      for _, entry in ipairs(globals.options) do
        if entry[1]:match("%-%-(%S+)$"):gsub("%-", "_") == name then
          items[#items + 1] = ("- `%s`: %s"):format(name, entry[3])
        end
      end
    end
  end
  return table.concat(items, "\n")
end

function M.configuration()
  local text = topics.read("configuration")
  return text:gsub("\n@fields\n", function() return "\n" .. fields_of(text) .. "\n" end)
end

-- The topic, and what the stubs say of the kinds.
function M.errors()
  for _, alias in ipairs(stubs.module("errors").aliases) do
    if alias.name == "moonkey.ErrorKind" then
      local kinds = lua.alias_text(alias):gsub("^## [^\n]*", "## Kinds of errors: `err.kind` in Lua")
      return topics.read("errors") .. "\n" .. kinds
    end
  end
end

local function synopsis()
  local lines = { "# SYNOPSIS", "", "`moonkey` [*GLOBAL*] *SCRIPT*`.lua` [*ARG* ...]" }
  for _, name in ipairs(cli.commands) do lines[#lines + 1] = commands.synopsis(name) end
  return table.concat(lines, "\n\n") .. "\n"
end

local function manual()
  local out = { "# NAME", "`moonkey` - automation host for API tokens of the SoftwareOne Marketplace", "", synopsis(),
    topics.read("description"), "# COMMANDS", "" }
  for _, name in ipairs(cli.commands) do out[#out + 1] = commands.text(name) end
  for _, name in ipairs(topics.names()) do
    if name == "options" then
      out[#out + 1] = M.options()
    elseif name == "errors" then
      out[#out + 1] = M.errors()
    elseif name ~= "lua" and name ~= "configuration" and name ~= "cookbook" then
      out[#out + 1] = topics.read(name)
    end
  end
  out[#out + 1] = "# SEE ALSO\n`moonkey-lua`(3), `moonkey-config`(5), `lua`(1), `curl`(1)\n"
  return table.concat(out, "\n")
end

local function lua_manual()
  return table.concat({ "# NAME", "`moonkey-lua` - what scripts of moonkey can use", "", topics.read("lua"), lua.text(),
    "# SEE ALSO\n`moonkey`(1), `moonkey-config`(5), `lua`(1)\n" }, "\n")
end

local function config_manual()
  return table.concat({ "# NAME", "`moonkey-config` - profiles of moonkey", "", M.configuration(), topics.read("environment"),
    "# SEE ALSO\n`moonkey`(1), `moonkey-lua`(3)\n" }, "\n")
end

M.LIST = {
  ["moonkey.1"] = { name = "moonkey", section = 1, title = "User Commands", text = manual },
  ["moonkey-lua.3"] = { name = "moonkey-lua", section = 3, title = "Library Functions", text = lua_manual },
  ["moonkey-config.5"] = { name = "moonkey-config", section = 5, title = "File Formats", text = config_manual },
}

for _, page in pairs(M.LIST) do page.date, page.version = DATE, sys.version() end

return M
