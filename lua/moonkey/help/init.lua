-- moonkey help: finds what a word means, a topic, a command or a function of Lua, and its text.
local cli = require "moonkey.cli"
local commands = require "moonkey.help.commands"
local extension = require "moonkey.extension"
local lua = require "moonkey.help.lua"
local nearest = require "moonkey.nearest"
local pages = require "moonkey.help.pages"
local stubs = require "moonkey.help.stubs"
local topics = require "moonkey.help.topics"

local M = {}

local MADE = { options = pages.options, configuration = pages.configuration, errors = pages.errors }

local function is_in(list, word)
  for _, name in ipairs(list) do
    if name == word then return true end
  end
  return false
end

local function lines_of(list, width)
  local lines = {}
  for i, entry in ipairs(list) do lines[i] = ("%-" .. width .. "s  %s"):format(entry[1], entry[2]) end
  return "```text\n" .. table.concat(lines, "\n") .. "\n```\n"
end

local function own_commands()
  local list = {}
  for i, entry in ipairs(extension.list("command")) do
    list[i] = { entry.name, require("moonkey.extension.command").describe(entry.name).summary }
  end
  return #list > 0 and "\n# Commands of your own\n" .. lines_of(list, 14) or ""
end

-- What there is.
function M.overview()
  local list = {}
  for i, name in ipairs(cli.commands) do list[i] = { name, commands.summary(name) } end
  return "# Commands\n" .. lines_of(list, 14) .. own_commands()
    .. "\n# Topics\n" .. lines_of(topics.LIST, 14)
    .. "\n`moonkey help` *WORD* shows one of them, `moonkey help token.list` a function of Lua; `moonkey` *COMMAND* `--help` is"
    .. " shorter.\n"
end

local function lua_overview()
  local list = {}
  for _, name in ipairs(stubs.names()) do
    local names = {}
    for _, fn in ipairs(stubs.module(name).functions) do names[#names + 1] = fn.name end
    list[#list + 1] = ("- `moonkey.%s`: %s"):format(name, table.concat(names, ", "))
  end
  return topics.read("lua") .. "\n# MODULES\n" .. table.concat(list, "\n") .. "\n"
end

-- In a recipe, what is neither a command nor a file is what commands print.
local function recipe_text(name)
  local text = topics.recipe(name)
  return text and (text:gsub("\n```text\n", "\nThis prints, among other things:\n%0"))
end

local function cookbook(word)
  if word then return recipe_text(word) end
  return "# Cookbook\n" .. lines_of(topics.recipes(), 14) .. [[

`moonkey help cookbook` *NAME* shows one of them. All of them can be tried without touching anything real: run
`moonkey emulator --seed 100` in another terminal, and paste the two lines that it prints.
]]
end

local function lua_text(word)
  if not word then return lua_overview() end
  local module = stubs.module((word:gsub("^moonkey%.", "")))
  return module and lua.module_text(module) or lua.find(word)
end

local function is_command(word)
  return is_in(cli.commands, word) or extension.find("command", word) ~= nil
end

-- The words that have a text behind the topic or command `first`.
function M.words(first)
  local words = {}
  if first == "cookbook" then
    for i, recipe in ipairs(topics.recipes()) do words[i] = recipe[1] end
  elseif first == "lua" then
    words = stubs.names()
    local functions = lua.functions()
    table.move(functions, 1, #functions, #words + 1, words)
  elseif is_command(first) then
    words = commands.subcommands(first)
  end
  return words
end

-- Those that have one alone.
local function known()
  local words = topics.names()
  local names = extension.names("command", cli.commands)
  table.move(names, 1, #names, #words + 1, words)
  local functions = lua.functions()
  return table.move(functions, 1, #functions, #words + 1, words)
end

-- The text for a word, and for `second` within it; nil where there is none.
local function find(word, second)
  if word == "lua" then return lua_text(second) end
  if word == "cookbook" then return cookbook(second) end
  if is_command(word) then
    return (not second or is_in(commands.subcommands(word), second)) and commands.text(word) or nil
  end
  if second then return nil end
  return is_in(topics.names(), word) and (MADE[word] or topics.read)(word) or lua_text(word)
end

-- The text for some words; nil and what to say of words that have none.
function M.text(words)
  if not words[1] then return M.overview() end
  local text = not words[3] and find(words[1], words[2])
  if text then return text end
  local near = nearest(words[#words], words[2] and M.words(words[1]) or known())
  return nil, ("there is no help on '%s'%s; moonkey help lists all topics")
    :format(table.concat(words, " "), near and (", did you mean '%s'?"):format(near) or "")
end

return M
