--[[
What a request asked for, as it may be shown to whoever opens the page. Masked are: every idt:…, every secret that the store
knows, long runs of letters and digits, and all that follows where a secret is named.
]]
local cut = require "moonkey.cut"
local harmless = require "moonkey.harmless"

local M = {}

local MASK = "[redacted]"
local LONGEST = 300 -- bytes that are shown
local SECRET = ("%w"):rep(64) .. "%w*"
local HALF_A_SECRET = ("%w"):rep(32) .. "%w*"
local NAMES = { "token", "secret", "authorization", "password", "credential", "bearer", "apikey", "api_key", "api%-key" }

local function decode(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local function mask_known(text, store)
  return (text:gsub("[^%s&|;,()='\"?/<>]+", function(word)
    if #word >= 4 and store:row("SELECT n FROM token WHERE secret = ?", word) then
      return MASK
    end
  end))
end

-- The name is a whole word, and something follows it: token=…, like(token,…), access_token=…
local function mask_named(text)
  local lower, first = text:lower(), nil
  for _, name in ipairs(NAMES) do
    local _, stop = lower:find("%f[%a]" .. name .. "%f[^%w]%s*[=,:%s]%s*%S")
    first = stop and math.min(first or stop, stop) or first
  end
  return first and text:sub(1, first - 1) .. MASK or text
end

-- text: as on the wire. Decoded twice, since a secret that was encoded twice is one, too.
local function masked(text, store)
  text = mask_named(decode(decode(text))):gsub("[Ii][Dd][Tt]:([^:%s&]*):?[^%s&,|;()'\"]*", "idt:%1:" .. MASK)
  return mask_known(text:gsub(HALF_A_SECRET, MASK), store)
end

-- path and query as on the wire
function M.target(path, query, store)
  return cut(harmless(masked(path, store) .. (query and "?" .. masked(query, store) or "")), LONGEST)
end

-- A text of the store, such as a name.
function M.text(text)
  return text and harmless((text:gsub("[Ii][Dd][Tt]:([^:%s]*):[^%s]*", "idt:%1:" .. MASK):gsub(SECRET, MASK)))
end

return M
