-- What a flag or an argument takes: its choices, or what the name of its value says, such as FILE.
local cli = require "moonkey.cli"
local globals = require "moonkey.cli.globals"
local place = require "moonkey.batch.journal.place"
local extension = require "moonkey.extension"
local profile = require "moonkey.profile"
local sorted_keys = require "moonkey.sorted_keys"
local topics = require "moonkey.help.topics"

local M = {}

local FILES = { FILE = true, PLAN = true, SCRIPT = true, ["JOB.lua"] = true, ["N|FILE"] = true }

local function entries(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = { word } end
  return list
end

-- Names only. The file is data; where it cannot be used, there are none.
local function profiles()
  local path = profile.path()
  local found = path and profile.examine(path)
  return entries(sorted_keys(found or {})), "nothing"
end

local function run_ids()
  local list = {}
  for i, run in ipairs(place.list() or {}) do list[i] = { run.id } end
  return list, "nothing"
end

local function runs()
  local list = run_ids()
  if list[1] then table.insert(list, 1, { "last", "the last run" }) end
  return list, "files" -- a journal may be named by its path
end

-- `before` is the word before, if there is one.
local function help_words(last, before)
  if before then return entries(require("moonkey.help").words(before)), "nothing" end
  local list = {}
  for _, topic in ipairs(topics.LIST) do list[#list + 1] = topic end
  for _, name in ipairs(cli.commands) do list[#list + 1] = { name, cli.command(name).summary } end
  for _, command in ipairs(extension.list("command")) do list[#list + 1] = { command.name } end
  if last:find(".", 1, true) then -- there are many
    for _, name in ipairs(require("moonkey.help.lua").functions()) do list[#list + 1] = { name } end
  end
  return list, "nothing"
end

local function manual_pages()
  return entries(sorted_keys(require("moonkey.help.pages").LIST)), "nothing"
end

local function methods()
  return entries(require("moonkey.cli.api").METHODS), "nothing"
end

local function statuses()
  return entries(require("moonkey.cli.token.filter").STATUSES), "nothing"
end

local function checks()
  return entries(extension.names("check", {})), "nothing"
end

local BY_FLAG = { ["--profile"] = profiles, ["--run"] = run_ids }
local BY_VALUE = { RUN = runs, TOPIC = help_words, PAGE = manual_pages, METHOD = methods, STATUS = statuses, CHECK = checks }

local function flag_of(element)
  return element._aliases and element._aliases[#element._aliases]
end

local function find(element, last, before)
  local flag, value = flag_of(element), element._argname
  local words = element._choices or globals.VALUES[flag]
  if words then return entries(words), "nothing" end
  local make = BY_FLAG[flag] or BY_VALUE[value]
  if make then return make(last, before) end
  return {}, FILES[value] and "files" or value == "DIR" and "directories" or "nothing"
end

-- Words that `element` of argparse, an option or an argument, takes, each behind `prefix`; and what else, where none of them
-- fits: "files", "directories" or "nothing". `before` is the word before, where that was for the same argument.
function M.of(element, last, prefix, before)
  local list, otherwise = find(element, last, before)
  if prefix then
    for i, entry in ipairs(list) do list[i] = { prefix .. entry[1], entry[2] } end
  end
  return list, otherwise
end

return M
