-- How many columns of a terminal a text takes, and texts of a given width. Good enough for tables: wide are East Asian
-- characters and pictures, and combining marks take none. Source: Unicode's EastAsianWidth.txt, by block.
local M = {}

-- Ranges of code points, ascending: { first, last, columns }.
local RANGES = {
  { 0x300, 0x36f, 0 }, { 0x483, 0x489, 0 }, { 0x591, 0x5bd, 0 }, { 0x610, 0x61a, 0 }, { 0x64b, 0x65f, 0 },
  { 0x1100, 0x115f, 2 },
  { 0x1ab0, 0x1aff, 0 }, { 0x1dc0, 0x1dff, 0 }, { 0x200b, 0x200f, 0 }, { 0x20d0, 0x20ff, 0 }, { 0x231a, 0x231b, 2 },
  { 0x23e9, 0x23ec, 2 }, { 0x2614, 0x2615, 2 }, { 0x26a1, 0x26a1, 2 }, { 0x2705, 0x2705, 2 }, { 0x2728, 0x2728, 2 },
  { 0x274c, 0x274c, 2 }, { 0x2e80, 0x303e, 2 }, { 0x3041, 0x3247, 2 }, { 0x3250, 0x4dbf, 2 }, { 0x4e00, 0xa4cf, 2 },
  { 0xa960, 0xa97f, 2 }, { 0xac00, 0xd7a3, 2 }, { 0xf900, 0xfaff, 2 }, { 0xfe00, 0xfe0f, 0 }, { 0xfe10, 0xfe19, 2 },
  { 0xfe20, 0xfe2f, 0 }, { 0xfe30, 0xfe6f, 2 }, { 0xff00, 0xff60, 2 }, { 0xffe0, 0xffe6, 2 }, { 0x1f1e6, 0x1f1ff, 1 },
  { 0x1f300, 0x1f64f, 2 }, { 0x1f680, 0x1f6ff, 2 }, { 0x1f7e0, 0x1f7eb, 2 }, { 0x1f900, 0x1faff, 2 }, { 0x20000, 0x3fffd, 2 },
}

local function columns_of(code)
  if code < 0x300 then return 1 end
  local low, high = 1, #RANGES
  while low <= high do
    local middle = (low + high) // 2
    local range = RANGES[middle]
    if code < range[1] then
      high = middle - 1
    elseif code > range[2] then
      low = middle + 1
    else
      return range[3]
    end
  end
  return 1
end

-- Columns of a text of one line; it is UTF-8.
function M.of(text)
  if not text:find("[\x80-\xff]") then return #text end
  local width = 0
  for _, code in utf8.codes(text) do width = width + columns_of(code) end
  return width
end

-- The text with spaces behind it, at least `width` columns.
function M.pad(text, width)
  return text .. (" "):rep(width - M.of(text))
end

-- The text, cut to `width` columns, with a "…" where something is missing.
function M.cut(text, width)
  if M.of(text) <= width then return text end
  local taken = 0
  for at, code in utf8.codes(text) do
    taken = taken + columns_of(code)
    if taken > width - 1 then return text:sub(1, at - 1) .. "…" end
  end
  return text
end

return M
