--[[
What a request asked for, as it may be shown to whoever opens the page. Masked are: every idt:…, every secret that the store
knows, long runs of letters and digits, and the rest of a query from where it names a secret.
]]
local harmless = require "moonkey.harmless"

local M = {}

local MASK = "[redacted]"
local LONGEST = 300 -- bytes that are shown
local LONG_RUN = ("%w"):rep(32) .. "%w*" -- a secret is 64 of them
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

local function masked(text, store)
  text = text:gsub("[Ii][Dd][Tt]:([^:%s&]*):?[^%s&,|;()'\"]*", "idt:%1:" .. MASK)
  return mask_known(text:gsub(LONG_RUN, MASK), store)
end

-- path and query as on the wire. Decoded twice, since a secret that was encoded twice is one, too.
function M.target(path, query_text, store)
  local shown = masked(decode(decode(path)), store)
  if query_text then
    shown = shown .. "?" .. masked(mask_named(decode(decode(query_text))), store)
  end
  shown = harmless(shown)
  if #shown > LONGEST then
    shown = shown:sub(1, utf8.offset(shown, 0, LONGEST) - 1) .. "…"
  end
  return shown
end

-- A text of the store, such as a name.
function M.text(text)
  return text and harmless((text:gsub("[Ii][Dd][Tt]:([^:%s]*):[^%s]*", "idt:%1:" .. MASK):gsub(LONG_RUN, MASK)))
end

return M
