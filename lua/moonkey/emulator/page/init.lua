--[[
The page at / and what it fetches from below /_emulator/: what the emulator holds, has answered, and does on purpose.

It needs no credential, so it shows nothing secret, and only to who asks for this machine by its own name: a site whose name is
made to point here (DNS rebinding) is refused, and no other site can read or embed an answer.
]]
local json = require "moonkey.json"
local reply = require "moonkey.emulator.reply"
local state = require "moonkey.emulator.page.state"

local M = {}

local POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none';"
  .. " form-action 'none'; frame-ancestors 'none'"

local function text_of(name)
  return function()
    return require("moonkey.emulator.page." .. name)
  end
end

local FILES = {
  ["/"] = { "text/html; charset=utf-8", text_of "document" },
  ["/_emulator/page.css"] = { "text/css; charset=utf-8", text_of "style" },
  ["/_emulator/page.js"] = { "text/javascript; charset=utf-8", text_of "script" },
  ["/_emulator/state.json"] = { "application/json", function(front, request)
    return json.encode(state.of(front, request.query), state.ORDER)
  end },
}

local function with_headers(answer)
  local headers = {
    ["Cache-Control"] = "no-store", ["Content-Security-Policy"] = POLICY, ["Cross-Origin-Opener-Policy"] = "same-origin",
    ["Cross-Origin-Resource-Policy"] = "same-origin", ["Referrer-Policy"] = "no-referrer",
    ["X-Content-Type-Options"] = "nosniff", ["X-Frame-Options"] = "DENY",
  }
  for name, value in pairs(answer.headers) do
    headers[name] = value
  end
  answer.headers = headers
  return answer
end

local function is_local(host)
  local name = (host or ""):lower():gsub(":%d+$", "")
  return name == "localhost" or name == "[::1]" or name:find("^127%.%d+%.%d+%.%d+$") ~= nil
end

-- What a browser says of who asks; other programs do not say it. A link to the page may be anywhere.
local function is_foreign(path, site)
  return path ~= "/" and site ~= nil and site ~= "same-origin" and site ~= "none"
end

local function answer(front, request)
  local path, headers, method = request.path, request.headers, request.method
  local file = FILES[path]
  if not is_local(headers.host) then
    return reply.gateway(421, "This page is for 127.0.0.1 and localhost only")
  elseif not file then
    return reply.gateway(404, "Resource not found")
  elseif method == "OPTIONS" then
    return { status = 204, headers = { Allow = "GET, HEAD, OPTIONS" } }
  elseif method ~= "GET" and method ~= "HEAD" then
    return reply.gateway(405, "Method not allowed", { Allow = "GET, HEAD, OPTIONS" })
  elseif is_foreign(path, headers["sec-fetch-site"]) then
    return reply.gateway(403, "This is for the emulator's own page only")
  end
  return { status = 200, body = file[2](front, request), headers = { ["Content-Type"] = file[1] } }
end

-- Is it a path of the page? Such requests are no requests of the API: not counted, not paced, not failed, not shown.
function M.is_for(path)
  return path == "/" or path == "/favicon.ico" or path:find("/_emulator/", 1, true) == 1
end

-- Called within a transaction of the store.
function M.handle(front, request)
  return with_headers(answer(front, request))
end

return M
