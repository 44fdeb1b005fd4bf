--[[
The command line of a script, on argparse, which is built into moonkey: --help, and for scripts that change something --apply,
without which they only say what they would do.

  local options = require "options"
  local parser = options.parser("my_script.lua", "What it does.", "Examples:\n  moonkey scripts/my_script.lua --days 30")
  parser:option("--days", "How long ago.", "90"):convert(options.count "--days")
  options.writes(parser)
  local opts = parser:parse(arg)
]]
local argparse = require "argparse"

local M = {}

local USAGE = 2 -- the exit code of a command line that cannot be meant

local script = "moonkey" -- its name, before messages

-- `examples` end the help.
function M.parser(name, summary, examples)
  script = name
  local parser = argparse(name, summary, examples)
  parser:help_max_width(100)
  function parser.error(self, message)
    io.stderr:write(("%s: %s\n%s\n"):format(name, message, self:get_usage()))
    os.exit(USAGE)
  end
  return parser
end

-- The flags of scripts that change something; see changes.lua.
function M.writes(parser)
  parser:flag("--apply", "Make the changes. Without it they are only shown, and nothing is written.")
  parser:flag("--detailed-exitcode", "Exit with 6 when there is something to change and --apply is not given.")
end

-- For scripts that look at all tokens, or at those of one account.
function M.account(parser)
  parser:option("--account", "Only tokens of this account."):argname("ACC-…")
end

-- A conversion for parser:option(): a whole number, 0 or more.
function M.count(flag)
  return function(text)
    local number = text:find("^%d+$") and math.tointeger(tonumber(text))
    if number then return number end
    return nil, ("%s: expected a whole number, not '%s'"):format(flag, text)
  end
end

-- Ends the script: what it was given cannot be used.
function M.refuse(message, ...)
  io.stderr:write(script, ": ", message:format(...), "\n")
  os.exit(USAGE)
end

-- The lines of a file, without comments (# …), blanks at their ends, and empty lines.
function M.lines(path)
  local file, message = io.open(path)
  if not file then M.refuse("cannot read %s", message) end
  local lines = {}
  for line in file:lines() do
    line = line:gsub("#.*$", ""):gsub("^\xef\xbb\xbf", ""):match("^%s*(.-)%s*$")
    if line ~= "" then lines[#lines + 1] = line end
  end
  file:close()
  return lines
end

-- What a file of data in Lua returns (`return { … }`); it finds no function to call. Or what a .json file holds.
function M.data(path)
  local file, message = io.open(path)
  if not file then M.refuse("cannot read %s", message) end
  local text = file:read("a"):gsub("^\xef\xbb\xbf", "")
  file:close()
  local value, problem
  if path:find("%.json$") then
    value, problem = require("moonkey.json").decode(text)
  else
    local chunk
    chunk, problem = load(text, "@" .. path, "t", {})
    if chunk then value = select(2, pcall(chunk)) end
  end
  if type(value) == "table" then return value end
  M.refuse("%s: expected a table: %s", path, problem or type(value) == "string" and value or "it has none")
end

return M
