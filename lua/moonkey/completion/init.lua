--[[
Completion of a command line: walks through its words as the parsers of the commands would, and says what the last one could
become. Commands and flags come from the tables of argparse, values from completion/values.lua.

Runs no command of a credential, sends nothing, and runs no code of extensions, except that of a command of the user's whose
whole name stands in the line: who types its flags is about to run it.
]]
local cli = require "moonkey.cli"
local extension = require "moonkey.extension"
local values = require "moonkey.completion.values"

local M = {}

local Line = {}
Line.__index = Line

-- Of a text of help, what fits beside a word.
local function brief(text)
  local line = (text or ""):gsub(" %b()", ""):match("^[^\n]*")
  return (line:match("^(.-)[.;:] ") or line):gsub("%.$", "")
end

-- A line without words: before the command.
local function begin()
  local parser = cli.parser()
  return setmetatable({ root = parser, options = {}, position = 0 }, Line):enter(parser)
end

-- Take on the options of a parser; those of the parsers above it stay.
function Line:enter(parser)
  self.parser, self.position, self.before = parser, 0, nil
  for _, option in ipairs(parser._options) do
    for _, alias in ipairs(option._aliases) do self.options[alias] = option end
  end
  return self
end

-- The word is the command. One of the user's that is broken takes files.
function Line:enter_command(name)
  self.command = name
  local ok, command = pcall(cli.command, name)
  if not ok then return end
  local parser = self.root:command(name)
  pcall(command.configure, parser)
  self:enter(parser)
end

function Line:subcommand(name)
  for _, command in ipairs(self.parser._commands) do
    if command._name == name then return command end
  end
end

function Line:take_word(word)
  if not self.command then
    if cli.is_built_in(word) or extension.find("command", word) then return self:enter_command(word) end
    self:enter_command("run") -- moonkey SCRIPT.lua
  end
  local subcommand = self:subcommand(word)
  if subcommand then return self:enter(subcommand) end
  self.position, self.before = self.position + 1, word
  if self.command == "run" then self.ended = true end -- what follows a script is the script's
end

function Line:take(word)
  if self.ended then return end
  if self.pending then
    self.pending = nil
  elseif self.only_words or word == "-" or not word:find("^%-") then
    self:take_word(word)
  elseif word == "--" then
    self.only_words = true
  else
    if not self.command and (word == "-e" or word == "--eval") then self:enter_command("run") end
    local option = self.options[word]
    self.pending = option and option._maxargs > 0 and option or nil
  end
end

-- The argument whose turn it is.
function Line:argument()
  local position = self.position
  for _, argument in ipairs(self.parser._arguments) do
    if position < argument._maxargs then return argument end
    position = position - argument._maxargs
  end
end

local function command_entries()
  local entries = {}
  for _, name in ipairs(cli.commands) do entries[#entries + 1] = { name, brief(cli.command(name).summary) } end
  for _, entry in ipairs(extension.list("command")) do entries[#entries + 1] = { entry.name, "a command of your own" } end
  return entries
end

function Line:flag_entries()
  local entries, seen = {}, {}
  for _, option in pairs(self.options) do
    if not seen[option] and not option._hidden then
      for _, alias in ipairs(option._public_aliases) do entries[#entries + 1] = { alias, brief(option._description) } end
    end
    seen[option] = true
  end
  table.sort(entries, function(a, b) return a[1] < b[1] end)
  return entries
end

-- All that could stand here, and what else where none of it does.
function Line:candidates(last)
  if self.ended then return {}, "files" end
  if self.pending then return values.of(self.pending, last) end
  if not self.only_words and last:find("^%-") then
    local flag, value = last:match("^(%-%-[^=]+)=(.*)$")
    local option = flag and self.options[flag]
    if not flag then return self:flag_entries(), "nothing" end
    if flag == "--emulator" then return {}, "files" end
    if not option or option._maxargs == 0 then return {}, "nothing" end
    return values.of(option, value, flag .. "=")
  end
  if not self.command then return command_entries(), "files" end
  if #self.parser._commands > 0 then
    local entries = {}
    for i, command in ipairs(self.parser._commands) do entries[i] = { command._name, brief(command._summary) } end
    return entries, "nothing"
  end
  local argument = self:argument()
  if argument then return values.of(argument, last, nil, argument._maxargs > 1 and self.before or nil) end
  return {}, cli.is_built_in(self.command) and "nothing" or "files"
end

-- { { word, description or nil }, …, otherwise = "files", "directories" or "nothing" } for the last of the words.
function M.answer(words)
  local line = begin()
  for i = 1, #words - 1 do line:take(words[i]) end
  local last = words[#words] or ""
  local candidates, otherwise = line:candidates(last)
  local answer = { otherwise = otherwise }
  for _, entry in ipairs(candidates) do
    if entry[1]:sub(1, #last) == last then answer[#answer + 1] = entry end
  end
  return answer
end

return M
