-- The secrets of tokens: idt:TKN-NNNN-NNNN: and then 64 letters and digits.
local sys = require "moonkey.sys"

local M = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

local function letter(number)
  local index = number % #ALPHABET + 1
  return ALPHABET:sub(index, index)
end

-- One that nobody can guess.
function M.random(id)
  return "idt:" .. id .. ":" .. sys.random(64):gsub(".", function(byte)
    return letter(byte:byte())
  end)
end

-- The same one for the same number, always: xorshift64* with the number as its seed.
function M.fixed(id, number)
  local state = (number + 1) * 0x9E3779B97F4A7C15
  local letters = {}
  for i = 1, 64 do
    state = state ~ (state >> 12)
    state = state ~ (state << 25)
    state = state ~ (state >> 27)
    letters[i] = letter((state * 0x2545F4914F6CDD1D) >> 33)
  end
  return "idt:" .. id .. ":" .. table.concat(letters)
end

return M
