-- Results as they go to the coordinator: what is too long for a queue is cut, or left out.
local json = require "moonkey.json"

local LONGEST_VALUE, LONGEST_TEXT = 64 * 1024, 4096 -- bytes

local function short(text)
  if not text or #text <= LONGEST_TEXT or not json.is_utf8(text) then return text end
  return text:sub(1, utf8.offset(text, 0, LONGEST_TEXT) - 1) .. "…"
end

return function(r)
  r.title, r.detail = short(r.title), short(r.detail)
  if r.value == nil then return end
  local ok, text = pcall(json.encode, r.value)
  if ok and #text > LONGEST_VALUE then
    r.value = ("left out: its JSON has %d bytes, and a queue carries %d"):format(#text, LONGEST_VALUE)
  end
end
