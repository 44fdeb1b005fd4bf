-- The topics of help: texts of help/topics, and what is made from tables of the program.
local resource = require "moonkey.resource"

local M = {}

-- In the order of the manual: { name, summary }.
M.LIST = {
  { "rql", "queries of the platform's lists, in Lua and as text" },
  { "rows", "files of rows: JSONL, JSON, CSV" },
  { "journal", "runs: what survives a kill, and what does not" },
  { "fleet", "runs on several machines, over a Redis: what that needs, what failures cost, how far it goes" },
  { "extensions", "commands, formats, outputs, credentials and checks of your own, as Lua modules" },
  { "options", "the options that every command takes" },
  { "configuration", "profiles, and all their fields: moonkey-config(5)" },
  { "environment", "environment variables" },
  { "files", "which files moonkey keeps, and where" },
  { "exit-codes", "what the exit status means" },
  { "errors", "retries, pauses, stops, limits; kinds of errors" },
  { "restricted", "scripts of others: what they may touch, and how much they may take" },
  { "security", "what is kept secret, and how" },
  { "examples", "a few commands to begin with" },
  { "cookbook", "tasks, and how they are done; moonkey help cookbook undo: one of them" },
  { "lua", "all that scripts can use: moonkey-lua(3); token.list and the like: one function" },
}

function M.names()
  local names = {}
  for i, topic in ipairs(M.LIST) do names[i] = topic[1] end
  return names
end

function M.read(name)
  return resource.read("moonkey/help/topics/" .. name .. ".md")
end

local COOKBOOK = "moonkey/help/cookbook/"

-- The recipes: { { name, title }, … }.
function M.recipes()
  local list = {}
  for i, path in ipairs(resource.list(COOKBOOK)) do
    list[i] = { path:match("([^/]+)%.md$"), resource.read(path):match("^# ([^\n]*)") }
  end
  return list
end

function M.recipe(name)
  return resource.read(COOKBOOK .. name .. ".md")
end

return M
