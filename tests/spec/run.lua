-- Run busted inside the host: `moonkey --emulator run tests/spec/run.lua [FILE…] [busted's options]`; all *_spec.lua here without FILE.
-- The specs find helper modules beside this file.
local here = arg[0]:match("^(.*)/") or "."

local function names_a_file()
  for _, word in ipairs(arg) do
    if not word:find("^%-") then return true end
  end
end

if not names_a_file() then table.insert(arg, here) end
table.insert(arg, 1, "--output=plainTerminal")
require "busted.runner"({ standalone = false })
