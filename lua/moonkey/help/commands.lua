--[[
What is said of a command, as Markdown: the text of help/commands/NAME.md, or else the description of --help; and then each
option that this text does not name, as --help says it. So a new option is in the manual once it exists.
]]
local argparse = require "argparse"
local cli = require "moonkey.cli"
local resource = require "moonkey.resource"

local M = {}

-- The command's module, and argparse's table of it.
local function load_command(name)
  local module = cli.command(name)
  local command = argparse("moonkey"):command(name)
  module.configure(command)
  return module, command
end

-- The options of a command and its subcommands, each once.
local function options_of(command, found, seen)
  found, seen = found or {}, seen or { ["--help"] = true }
  for _, option in ipairs(command._options) do
    local name = option._aliases[#option._aliases]
    if not option._hidden and not seen[name] then
      seen[name] = true
      found[#found + 1] = option
    end
  end
  for _, sub in ipairs(command._commands) do options_of(sub, found, seen) end
  return found
end

local function value_of(option)
  if option._maxargs == 0 then return "" end
  if option._choices then return " `" .. table.concat(option._choices, "`|`") .. "`" end
  return " *" .. tostring(option._argname or option:_get_default_argname()):gsub("[<>]", "") .. "*"
end

-- - `-j`, `--jobs` *N*: text
local function item(option)
  return ("- `%s`%s: %s"):format(table.concat(option._public_aliases, "`, `"), value_of(option), option._description or "")
end

local function names(text, flag)
  return text:find("%f[%w%-]" .. flag:gsub("%-", "%%-") .. "%f[^%w%-]") ~= nil
end

-- The items of those options that the text does not name in all of their forms.
function M.unnamed(text, options)
  local items = {}
  for _, option in ipairs(options) do
    for _, alias in ipairs(option._public_aliases) do
      if not names(text, alias) then
        items[#items + 1] = item(option)
        break
      end
    end
  end
  return table.concat(items, "\n")
end

-- The description of --help has examples that are indented.
local function from_description(text)
  local out, in_code = {}, false
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    local code = line:match("^  (.*)$")
    if code and not in_code then out[#out + 1] = "\n```" elseif in_code and not code then out[#out + 1] = "```\n" end
    in_code = code ~= nil
    out[#out + 1] = code or line
  end
  if in_code then out[#out + 1] = "```" end
  return table.concat(out, "\n")
end

-- The commands within a command, by name.
function M.subcommands(name)
  local list, _, command = {}, load_command(name)
  for i, sub in ipairs(command._commands) do list[i] = sub._name end
  return list
end

-- Its text under a heading.
function M.text(name)
  local module, command = load_command(name)
  local text = resource.read("moonkey/help/commands/" .. name .. ".md")
  text = text and text:gsub("^# [^\n]*\n+", "") or from_description(module.description or module.summary)
  return ("## %s\n\n%s\n%s\n"):format(name, text, M.unnamed(text, options_of(command)))
end

function M.summary(name)
  return cli.command(name).summary
end

local function argument(element)
  local name = "*" .. tostring(element._argname or element._name) .. "*"
  if element._choices then name = "`" .. table.concat(element._choices, "`|`") .. "`" end
  if element._maxargs > 1 then name = name .. " ..." end
  return element._minargs == 0 and "[" .. name .. "]" or name
end

-- How it is called, on one line.
function M.synopsis(name)
  local _, command = load_command(name)
  local words = { "`moonkey` [*GLOBAL*] `" .. name .. "`" }
  local subcommands = {}
  for i, sub in ipairs(command._commands) do subcommands[i] = "`" .. sub._name .. "`" end
  if #subcommands > 0 then words[#words + 1] = table.concat(subcommands, "|") end
  if #options_of(command) > 0 then words[#words + 1] = "[*OPTION* ...]" end
  for _, element in ipairs(command._arguments) do words[#words + 1] = argument(element) end
  return table.concat(words, " ")
end

return M
