-- A convention for scripts/check_names.lua: the pattern of good names, in Lua, and how a better name is made.
local function capital(word)
  return word:sub(1, 1):upper() .. word:sub(2)
end

return {
  pattern = "^%u%w+ %u%w+ %d%d%d%d$",
  advice = "Subject Role 0001, each word with a capital",
  rename = function(tok) return (tok.name:gsub("%a+", capital)) end,
}
