--[[
moonkey __complete [WORD…] LAST: for completion in shells, what LAST could become behind these words of a command line.

The first line says what else fits where no word does: files, directories or nothing. Then a word a line, with a description
behind a tab. Whatever is wrong, there is no output: somebody is typing.
]]
local limits = require "moonkey.limits"
local log = require "moonkey.log"

local M = { summary = "what a shell asks for" }

function M.configure() end

-- All that follows is somebody else's command line.
function M.split(words, at)
  return table.move(words, 1, at, 1, {}), table.move(words, at + 1, #words, 1, {})
end

local function line_of(entry)
  local word, text = entry[1], entry[2]
  if word:find("%c") then return "" end
  return text and text ~= "" and ("%s\t%s\n"):format(word, text) or word .. "\n"
end

-- A command of the user's is loaded for its flags: it says nothing here, and does not keep the shell.
local function hush()
  io.output("/dev/null")
  _G.print = function() end
  limits.begin{ cpu = 2 }
  limits.script()
end

function M.run(args)
  log.configure{ level = "off" }
  hush()
  local ok, answer = pcall(function() return require("moonkey.completion").answer(args.rest) end)
  if not ok then return 0 end
  local lines = { answer.otherwise, "\n" }
  for _, entry in ipairs(answer) do lines[#lines + 1] = line_of(entry) end
  io.stdout:write(table.concat(lines))
  return 0
end

return M
