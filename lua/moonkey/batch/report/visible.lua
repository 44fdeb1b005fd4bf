-- Text of others as it stands in a report: harmless, but with its line breaks and tabs, and within what XML 1.0 allows.
local harmless = require "moonkey.harmless"

local M = {}

-- Two code points that are no characters, and that XML does not allow even as a reference.
local NO_CHARACTER = "\xEF\xBF[\xBE\xBF]"

function M.text(text)
  if not text:find("[^ -~\n\t]") then return text end
  return (text:gsub("[^\n\t]+", harmless):gsub(NO_CHARACTER, "\u{FFFD}"))
end

-- On one line, at most so many characters; the rest is counted.
function M.line(text, most)
  text = M.text(text):gsub("%s+", " ")
  local length = utf8.len(text)
  if not most or length <= most then return text end
  return ("%s… (%d characters)"):format(text:sub(1, utf8.offset(text, most + 1) - 1), length)
end

return M
