--[[
The language of --fault:

  429:0.1,retry-after=2   503:0.05@PUT /accounts/api-tokens/*   reset:1%   latency=50ms±20ms   timeout:0.01,applied@POST

Faults stand apart by spaces or commas. Each is a kind, the share of the requests that it strikes (all, when it does not say),
options, and after @ the methods and the path that it is limited to.
]]
local nearest = require "moonkey.nearest"

local M = {}

local KINDS = { "latency", "reset", "timeout", "truncated", "garbled" }
local IS_KIND = { latency = true, reset = true, timeout = true, truncated = true, garbled = true }
local METHODS = { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH" }
local LONGEST = 3600 -- seconds, of a latency
local UNITS = { ms = 0.001, s = 1, m = 60 }

-- ---- parts of a fault; each raises { what is wrong, an example of how it is right } ----

local function wrong(message, example)
  error({ message, example })
end

local function seconds(text, example)
  local number, unit = text:match("^(%d+%.?%d*)(%a+)$")
  if not number or not UNITS[unit] then
    wrong(("'%s' is no duration such as 50ms or 2s"):format(text), example)
  end
  return tonumber(number) * UNITS[unit]
end

local function latency(fault, value)
  local example = "latency=50ms±20ms"
  local mean, spread = value:gsub("%+/?%-", "±"):match("^(.-)±(.*)$")
  fault.mean = seconds(mean or value, example)
  fault.spread = spread and seconds(spread, example) or 0
  if fault.spread > fault.mean then
    wrong("the spread is larger than the latency itself, which would end in the past", example)
  elseif fault.mean + fault.spread > LONGEST then
    wrong("a latency is an hour at most; for no answer at all there is timeout", "timeout:0.01")
  end
end

local function share(text, kind)
  local number, percent = text:match("^(%d*%.?%d+)(%%?)$")
  local value = number and tonumber(number) / (percent == "%" and 100 or 1)
  if not value or value > 1 then
    local example = kind:gsub("=.*", "=2s") .. ":"
    wrong(("the share '%s' is not a number from 0 to 1, or a percentage"):format(text),
      example .. "0.1 or " .. example .. "10%")
  end
  return value
end

local function kind_of(fault, name)
  local value = name:match("^latency=(.+)$")
  if value then
    fault.kind = "latency"
    return latency(fault, value)
  elseif name:find("^%d+$") then
    fault.kind, fault.status = "status", tonumber(name)
    if not name:find("^[45]%d%d$") then
      wrong(("%s is no status of an error, which are 400 to 599"):format(name), "503:0.1")
    end
  elseif name:find("^latency") then
    wrong("a latency says how long", "latency=50ms±20ms")
  elseif IS_KIND[name] then
    fault.kind = name
  else
    local near = nearest(name, KINDS)
    wrong(("there is no fault '%s'%s"):format(name, near and (", did you mean '%s'?"):format(near)
      or "; there are statuses such as 503, " .. table.concat(KINDS, ", ")), "503:0.1 or reset:0.01")
  end
end

local options = {}

options["retry-after"] = function(fault, value)
  local count = value and value:find("^%d+$") and math.tointeger(tonumber(value))
  if fault.kind ~= "status" then
    wrong("only a status has a Retry-After", "429:0.1,retry-after=2")
  elseif not count or count > 86400 then
    wrong("retry-after is a whole number of seconds, up to a day", "429:0.1,retry-after=2")
  end
  fault.retry_after = count
end

function options.applied(fault, value)
  if value then
    wrong("applied takes no value", "504:0.1,applied")
  elseif fault.kind == "latency" then
    wrong("what is only late is carried out anyhow", "latency=50ms±20ms")
  end
  fault.applied = true
end

local function methods_of(text)
  local set = {}
  for name in text:gmatch("[^+]+") do
    local known = false
    for _, method in ipairs(METHODS) do
      known = known or method == name
    end
    if not known then
      local near = nearest(name:upper(), METHODS)
      wrong(("there is no method '%s'%s"):format(name, near and (", did you mean %s?"):format(near) or ""), "503:0.5@PUT+POST")
    end
    set[name] = true
  end
  return set
end

-- A path with * for what has no slash in it, and ** for anything, as a pattern.
local function pattern_of(path)
  local pattern = path:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*+", function(stars)
    return #stars > 1 and ".*" or "[^/]*"
  end)
  return "^" .. pattern .. "$"
end

-- ---- a list of them ----

local Reader = {}
Reader.__index = Reader

function Reader:word()
  local start, stop = self.text:find("^[^%s,@]+", self.at)
  if not start then
    return nil
  end
  self.at = stop + 1
  return self.text:sub(start, stop)
end

-- @PUT, @PUT+POST, @/path, @PUT /path or @PUT/path
function Reader:scope(fault)
  local example = "503:0.5@PUT /accounts/api-tokens/*"
  if fault.scope then
    wrong("a fault is limited once; for two limits give it twice", "503:0.5@PUT 503:0.5@POST")
  end
  local methods, path, past = self.text:match("^@([%a+]+)%s*(/[^%s,@]*)()", self.at)
  if not methods then
    path, past = self.text:match("^@(/[^%s,@]*)()", self.at)
  end
  if not path then
    methods, past = self.text:match("^@([%a+]+)()", self.at)
  end
  if not past then
    wrong("after @ comes a method, a path, or both", example)
  end
  fault.methods = methods and methods_of(methods)
  fault.path = path and path:gsub("^/public/v1", ""):gsub("(.)/$", "%1")
  fault.pattern = fault.path and pattern_of(fault.path)
  fault.scope = (methods or "") .. (methods and path and " " or "") .. (path and fault.path or "")
  self.at = past
end

function Reader:fault(word)
  local name, value = word:match("^([%a-]+)=(.*)$")
  local option = options[name or word]
  if option then
    local fault = self.list[#self.list]
    if not fault then
      wrong(("%s belongs to a fault, after a comma"):format(name or word), "429:0.1,retry-after=2")
    end
    option(fault, value)
    fault.text = fault.text .. "," .. word
  else
    local kind, part = word:match("^([^:]*):(.*)$")
    local fault = { text = word, share = part and share(part, kind) or 1 }
    kind_of(fault, kind or word)
    self.list[#self.list + 1] = fault
  end
end

function Reader:all()
  while true do
    self.at = self.text:find("[^%s,]", self.at)
    if not self.at then
      return
    end
    self.start = self.at
    local word = self:word()
    if word then
      self:fault(word)
    end
    if self.text:find("^@", self.at) then
      local fault = self.list[#self.list]
      if not word or not fault then
        wrong("@ follows the fault that it limits", "503:0.5@PUT")
      end
      self:scope(fault)
    end
  end
end

-- parse(text) -> array of faults | nil, message
-- A fault: { text, kind = "status" | "latency" | …, share, status, retry_after, applied, mean, spread, methods, path, pattern }
function M.parse(text)
  local reader = setmetatable({ text = text, at = 1, list = {} }, Reader)
  local ok, err = pcall(reader.all, reader)
  if not ok and type(err) ~= "table" then
    error(err, 0)
  elseif not ok then
    local place = text:sub(reader.start, (text:find("[%s,]", reader.start) or #text + 1) - 1)
    local before = utf8.len(text:sub(1, reader.start - 1)) or reader.start - 1
    return nil, ("at '%s' (character %d): %s; write for example %s"):format(place, before + 1, err[1], err[2])
  elseif #reader.list == 0 then
    return nil, "it names no fault; write for example 503:0.1"
  end
  for _, fault in ipairs(reader.list) do
    fault.text = fault.text .. (fault.scope and "@" .. fault.scope or "")
  end
  return reader.list
end

return M
