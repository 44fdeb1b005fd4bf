--[[
Texts of the platform and of inputs as they are shown to people: what would steer the terminal, turn the direction of the line,
or not be seen at all stands there as an escape of JSON, such as \u001b or \u202e. So JSON text stays what it is.
]]
-- Taken now, before a script can put something else in their place: what is asked on the terminal passes here.
local codepoint, is_utf8 = utf8.codepoint, utf8.len
local find, format, gsub = string.find, string.format, string.gsub

local CHARACTER = utf8.charpattern
local SUSPECT = "[%c\xc2\xd8\xe1\xe2\xef\xf3]" -- the first bytes of all of them

-- Ranges of code points: C0, DEL and C1; soft hyphen; marks of direction; spaces without width, and separators; tags.
local HIDDEN = {
  { 0, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c }, { 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
  { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
}

local function escape(character)
  local code = codepoint(character)
  for i = 1, #HIDDEN do
    if code < HIDDEN[i][1] then return end
    if code <= HIDDEN[i][2] then
      if code <= 0xffff then return format("\\u%04x", code) end
      code = code - 0x10000
      return format("\\u%04x\\u%04x", 0xd800 | code >> 10, 0xdc00 | code & 0x3ff)
    end
  end
end

-- Text of any kind as text that can be shown. Bytes that are not UTF-8 become "?".
return function(text)
  if not is_utf8(text) then text = gsub(text, "[\x80-\xff]", "?") end
  if not find(text, SUSPECT) then return text end
  return (gsub(text, CHARACTER, escape))
end
