--[[
busted, inside the host: its specs have the global `token`, and calls that wait. It ends the program where a spec fails.

lua-busted and its friends are found where any module is, see script.prepare.
]]
local nearest = require "moonkey.nearest"

local M = {}

M.ADVICE = "busted is not installed; get it with `apt-get install lua-busted` (Debian 12), or with `luarocks install busted`"

function M.is_installed()
  return package.searchpath("busted.runner", package.path) ~= nil
end

-- busted's own; others are modules or files.
M.HANDLERS = { "plainTerminal", "utfTerminal", "TAP", "json", "junit", "gtest", "sound" }

-- The one that must have been meant, where there is no output handler of that name.
function M.nearest_handler(name)
  local path = package.path .. ";./spec/?.lua"
  if name:find("%.lua$") or package.searchpath("busted.outputHandlers." .. name, path) or package.searchpath(name, path) then
    return nil
  end
  return nearest(name, M.HANDLERS)
end

-- How many specs of this process have ended, however they did.
local ended = 0

-- The one place where all runs of busted begin.
local function count_specs()
  local new = require "busted.core"
  package.loaded["busted.core"] = function(...)
    local core = new(...)
    core.subscribe({ "test", "end" }, function()
      ended = ended + 1
      return nil, true
    end)
    return core
  end
end

local function names_a_file(words)
  for _, word in ipairs(words) do
    if not word:find("^%-") then return true end
  end
end

-- Run busted with these words, files and options; with `directory` where they name no file. Returns how many specs were run.
-- Where one has failed it does not return, and the program ends with 1.
function M.run(words, directory)
  if not M.is_installed() then error(M.ADVICE, 0) end
  local own = _G.arg
  _G.arg = table.move(words, 1, #words, 1, { [0] = own[0] })
  if not names_a_file(words) then table.insert(_G.arg, directory) end
  count_specs()
  require "busted.runner"({ standalone = false, output = "plainTerminal" })
  return ended
end

return M
