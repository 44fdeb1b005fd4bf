-- A tour: read a few tokens, tidy their names with a module of our own, write them back; then see what an error is like.
--   moonkey --emulator run scripts/tour.lua
local naming = require "naming" -- scripts/lua/naming.lua

for n = 2, 5 do
  local id = ("TKN-0000-%04d"):format(n)
  local before = assert(token.get(id))
  local after = assert(token.update(id, { name = naming.tidy(before.name), description = "Tidied by tour.lua" }))
  print(("%s  %-28s -> %s"):format(id, before.name, after.name))
end

local _, err = token.update("TKN-9999-9999", { name = "Nobody" })
print("and an error:  " .. tostring(err))
