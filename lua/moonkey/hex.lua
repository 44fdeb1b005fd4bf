-- Bytes as hexadecimal digits, and back. By a table: rows that go over a queue have their hash written so.
local M = {}

local DIGITS, BYTES = {}, {} -- byte → its two digits, and back
for n = 0, 255 do
  local byte, digits = string.char(n), ("%02x"):format(n)
  DIGITS[byte], BYTES[digits] = digits, byte
end

function M.encode(bytes)
  return (bytes:gsub(".", DIGITS))
end

-- The bytes; nil where that is no text of pairs of lower-case digits.
function M.decode(text)
  if type(text) ~= "string" or #text % 2 ~= 0 or text:find("[^0-9a-f]") then return nil end
  return (text:gsub("..", BYTES))
end

return M
