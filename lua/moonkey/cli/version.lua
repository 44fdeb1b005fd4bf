-- moonkey --version: its own version, and those of all that it is made of.
local argparse = require "argparse"
local cjson = require "cjson"
local sys = require "moonkey.sys"
local versions = require "moonkey.versions"

return function()
  local lines = { "moonkey " .. sys.version() }
  for _, library in ipairs(versions.list()) do
    lines[#lines + 1] = ("  %-14s %s"):format(library[1], library[2])
    if library[1] == "Lua" then
      lines[#lines + 1] = ("  %-14s %s"):format("lua-cjson", cjson._VERSION)
      lines[#lines + 1] = ("  %-14s %s"):format("argparse", argparse.version)
    end
  end
  print(table.concat(lines, "\n"))
end
