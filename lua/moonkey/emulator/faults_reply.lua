-- What a fault that is a status says: in the shapes of the platform behind the gateway, of the gateway, and of whatever stands
-- before both, which writes HTML.
local json = require "moonkey.json"
local reply = require "moonkey.emulator.reply"

local M = {}

local TITLES = {
  [400] = "Bad Request", [401] = "Authentication Failed", [402] = "Payment Required", [403] = "Forbidden", [404] = "Not Found",
  [405] = "Method Not Allowed", [406] = "Not Acceptable", [408] = "Request Timeout", [409] = "Conflict", [410] = "Gone",
  [412] = "Precondition Failed", [413] = "Content Too Large", [415] = "Unsupported Media Type",
  [422] = "Unprocessable Content", [423] = "Locked", [425] = "Too Early", [429] = "Too Many Requests",
  [431] = "Request Header Fields Too Large", [500] = "Internal Server Error", [501] = "Not Implemented",
  [502] = "Bad Gateway", [503] = "Service Unavailable", [504] = "Gateway Timeout",
}
local OF_THE_GATEWAY = { [408] = true, [413] = true, [429] = true, [431] = true, [502] = true, [503] = true, [504] = true }
local DETAIL = "The emulator was told to fail (--fault)."
local HTML_SHARE = 0.25 -- of what is over 499
local LIST_SHARE = 0.5  -- of the validation errors

local function title_of(status)
  return TITLES[status] or status < 500 and "Client Error" or "Server Error"
end

local function html(status)
  local title = status .. " " .. title_of(status)
  return {
    status = status, headers = { ["Content-Type"] = "text/html" },
    body = ("<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>\r\n</body>\r\n</html>\r\n")
      :format(title, title),
  }
end

-- luck: from 0 to 1, which picks the shape where there are several
local function body(status, luck)
  if status >= 500 and luck < HTML_SHARE then
    return html(status)
  elseif OF_THE_GATEWAY[status] then
    return reply.gateway(status, title_of(status))
  elseif status == 401 then
    return reply.unauthorized()
  elseif status == 400 or status == 422 then
    local list = luck < LIST_SHARE
    return reply.problem(status, title_of(status), "One or more validation errors occurred.",
      list and json.array({ { message = DETAIL, properties = json.array({ "fault" }) } })
      or { fault = json.array({ DETAIL }) })
  end
  return reply.problem(status, title_of(status), DETAIL)
end

function M.status(status, retry_after, luck)
  local answer = body(status, luck)
  if retry_after then
    answer.headers["Retry-After"] = tostring(retry_after)
  end
  return answer
end

-- A body that has come to harm on its way: the same length, but no JSON.
function M.garble(text)
  if #text == 0 then
    return text
  end
  local middle = #text // 2
  return ("\0\xff<"):rep(middle):sub(1, middle) .. text:sub(middle + 1)
end

return M
