--[[
One report from those of several processes, for the output handlers of busted that write a document: TAP, json and junit.
nil where a text is none, such as that of a process that was killed.
]]
local json = require "moonkey.json"

local M = {}

-- Tests are numbered throughout.
function M.TAP(texts)
  local count, lines = 0, {}
  for _, text in ipairs(texts) do
    if not text:find("%f[^\n\0]1%.%.%d+\n") then return nil end
    for line in text:gmatch("([^\n]*)\n") do
      local state, name = line:match("^(n?o?t? ?ok) %d+ %- (.*)$")
      if state then
        count = count + 1
        line = ("%s %d - %s"):format(state, count, name)
      end
      if not line:find("^1%.%.%d+$") then lines[#lines + 1] = line .. "\n" end
    end
  end
  return ("%s1..%d\n"):format(table.concat(lines), count)
end

local LISTS = { "successes", "pendings", "failures", "errors" }

function M.json(texts)
  local all = { duration = 0 }
  for _, list in ipairs(LISTS) do all[list] = json.array() end
  for _, text in ipairs(texts) do
    local ok, report = pcall(json.decode, text:match("(%b{})%s*$") or text)
    if not ok or type(report) ~= "table" then return nil end
    for _, list in ipairs(LISTS) do
      for _, entry in ipairs(report[list] or {}) do table.insert(all[list], entry) end
    end
    all.duration = all.duration + (report.duration or 0)
  end
  return json.encode(all) .. "\n"
end

local COUNTS = { "tests", "errors", "failures", "skip" }

function M.junit(texts)
  local suites, counts, time = {}, {}, 0
  for _, text in ipairs(texts) do
    local attributes, inner = text:match("<testsuites([^>]*)>(.*)</testsuites>")
    if not attributes then return nil end
    suites[#suites + 1] = inner:gsub("^%s*\n", ""):gsub("%s+$", "")
    for _, name in ipairs(COUNTS) do
      counts[name] = (counts[name] or 0) + (math.tointeger(tonumber(attributes:match("%f[%w]" .. name .. "=['\"](%d+)"))) or 0)
    end
    time = time + (tonumber(attributes:match("%f[%w]time=['\"]([%d.]+)")) or 0)
  end
  local attributes = { ('time="%.2f"'):format(time) }
  for _, name in ipairs(COUNTS) do attributes[#attributes + 1] = ('%s="%d"'):format(name, counts[name] or 0) end
  return ("<?xml version=\"1.0\"?>\n<testsuites %s>\n%s\n</testsuites>\n"):format(table.concat(attributes, " "),
    table.concat(suites, "\n"))
end

return M
