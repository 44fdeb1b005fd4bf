--[[
What lists have found, kept until it may be another: who reads page after page of one query makes the database find all of it
once, and not for each page how many rows there are and where in them this page begins.

An entry is { total =, keys = nil or all of them in their order, asked = how often }. Every change of a token clears all of
them. One that nobody makes on purpose, that of lastAccessAt by each request, would do so all the time; so an entry says what it
compares lastAccessAt with, and stays while tokens that had been used after that are used again.
]]
local M = {}
local Found = {}
Found.__index = Found

local KEPT = 8 -- queries
local SEEN = "last_access_at"
local TIMESTAMP = "^%d%d%d%d%-%d%d%-%d%dT[%d:.]+Z$"

M.MOST_KEYS = 200000 -- of a query; a list of more is read page by page

function M.new()
  return setmetatable({ entries = {}, count = 0 }, Found)
end

function Found:clear()
  if self.count > 0 then
    self.entries, self.count = {}, 0
  end
end

-- What tells a query from all others.
local function key_of(sql, args)
  local parts = { sql }
  for _, value in ipairs(args) do
    local text = tostring(value)
    parts[#parts + 1] = ("%s%d:%s"):format(math.type(value) or "s", #text, text)
  end
  return table.concat(parts, "\0")
end

-- The latest time among the values, "" for none; nil where lastAccessAt decides in another way than by comparison with values.
local function compared_with(condition, order, args)
  if order:find(SEEN, 1, true) or condition:find(SEEN .. " [=<>]+ [^?]") or condition:find("[=<>] t%." .. SEEN) then
    return nil
  end
  local latest = ""
  for _, value in ipairs(args) do
    if type(value) == "string" and value > latest and value:find(TIMESTAMP) then
      latest = value
    end
  end
  return latest
end

-- The entry of a query, as it was found before, or a new one. condition and order: SQL; args: the values of the condition.
function Found:entry(condition, order, args)
  local key = key_of(condition .. "\0" .. order, args)
  local entry = self.entries[key]
  if entry then
    entry.asked = entry.asked + 1
    return entry
  end
  entry = { asked = 1 }
  if condition:find(SEEN, 1, true) or order:find(SEEN, 1, true) then
    entry.latest = compared_with(condition, order, args)
    if not entry.latest then
      return entry
    end
  end
  if self.count >= KEPT then
    self:clear()
  end
  self.entries[key], self.count = entry, self.count + 1
  return entry
end

-- A token was used again; `before`: when it had been used until then, nil where that is not known.
function Found:touched(before)
  for key, entry in pairs(self.entries) do
    if entry.latest and not (before and before > entry.latest) then
      self.entries[key], self.count = nil, self.count - 1
    end
  end
end

return M
