--[[
GET of a collection: a page of it, or, asked for with `MPT-Streaming: true`, the whole result in one reply.

Of streams, the platform's Python client tells what it relies on: the header comes back; MPT-Item-Count says how many records
there are; Accept chooses between lines of JSON and the usual envelope, and anything else is 406. Without `limit`, or with -1,
it is all of them; `total` is what is sent; an `offset` is 400; more than the server cares to send is 413, and says how much is.
]]
local query = require "moonkey.emulator.query"
local reply = require "moonkey.emulator.reply"
local view = require "moonkey.emulator.view"

local M = {}

M.MOST = 100000 -- records in one stream

local LINES, ENVELOPE = "application/jsonl", "application/json"
local ENVELOPES = { [ENVELOPE] = true, ["application/*"] = true, ["*/*"] = true }

-- The format that Accept asks for; nil when there is none of these.
local function format_of(accept)
  local envelope
  for range in (accept or "*/*"):lower():gmatch("[^,]+") do
    local media = range:match("^%s*([^;%s]*)")
    if media == LINES then
      return LINES
    end
    envelope = envelope or ENVELOPES[media]
  end
  return envelope and ENVELOPE
end

-- The query without limit and offset, and these two as they were given.
local function take_paging(raw)
  local rest, paging = {}, {}
  for part in (raw or ""):gmatch("[^&]+") do
    local name, value = query.decode(part):match("^(%a+)=(.*)$")
    name = name and name:lower()
    if name == "limit" or name == "offset" then
      paging[name] = paging[name] or value
    else
      rest[#rest + 1] = part
    end
  end
  return table.concat(rest, "&"), paging
end

-- -> how many records are wanted at most, or nil for all | false, reply
local function limit_of(paging)
  if paging.offset then
    return false, reply.invalid_field("offset", "An offset is not supported in streaming mode.")
  elseif not paging.limit or paging.limit == "-1" then
    return nil
  end
  local limit = paging.limit:find("^%d+$") and math.tointeger(tonumber(paging.limit))
  if not limit then
    return false, reply.invalid_field("limit", ("Cannot convert value: '%s'."):format(paging.limit))
  end
  return limit
end

local function too_large()
  return reply.problem(413, "Export too large", ("The result set exceeds the configured MaxExportKeys of %d: narrow the filter,"
    .. " set a limit, or split the export."):format(M.MOST), nil, { maxExportKeys = M.MOST })
end

local function stream(call, resource, find)
  local format = format_of(call.headers.accept)
  if not format then
    return reply.problem(406, "Not Acceptable", "A stream is application/jsonl, or application/json.")
  end
  local rest, paging = take_paging(call.query)
  local limit, refusal = limit_of(paging)
  if limit == false then
    return refusal
  end
  local page, errors = query.parse(rest, resource)
  if not page then
    return reply.invalid(errors)
  end
  page.offset, page.limit = 0, 0
  local _, total = find(call, page)
  page.limit = math.min(limit or total, total)
  if page.limit > M.MOST then
    return too_large()
  end
  local items = find(call, page)
  return {
    status = 200,
    body = format == LINES and table.concat(items, "\n") .. (items[1] and "\n" or "") or view.page(items, page, #items),
    headers = { ["Content-Type"] = format, ["MPT-Streaming"] = "true", ["MPT-Item-Count"] = tostring(#items) },
  }
end

local function one_page(call, resource, find)
  local page, errors = query.parse(call.query, resource)
  if not page then
    return reply.invalid(errors)
  end
  local items, total = find(call, page)
  return reply.ok(200, view.page(items, page, total))
end

-- The handler of a collection. find(call, page) -> array of JSON texts, and how many there are in all
function M.of(resource, find)
  return function(call)
    local answer = (call.headers["mpt-streaming"] or ""):lower() == "true" and stream or one_page
    return answer(call, resource, find)
  end
end

return M
