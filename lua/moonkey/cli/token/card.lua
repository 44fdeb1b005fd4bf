-- A token for people to read, one field a line.
local harmless = require "moonkey.harmless"
local redact = require("moonkey.secret").redact

local function when(text)
  return (text:gsub("%.%d+Z$", "Z"))
end

local function text_of(value)
  return type(value) == "string" and value or value ~= nil and tostring(value) or nil
end

local function account(value)
  if type(value) ~= "table" then return nil end
  local about = {}
  for _, name in ipairs{ "name", "type", "status" } do about[#about + 1] = text_of(value[name]) end
  return ("%s  %s"):format(text_of(value.id) or "?", table.concat(about, ", "))
end

local function modules(list)
  if type(list) ~= "table" then return nil end
  local lines = {}
  for i, module in ipairs(list) do lines[i] = ("%s  %s"):format(text_of(module.id) or "?", text_of(module.name) or "") end
  return #lines > 0 and lines or "none"
end

local function by(value)
  if type(value) ~= "table" then return "" end
  local name = text_of(value.name)
  return (" by %s%s"):format(text_of(value.id) or "?", name and (" (%s)"):format(name) or "")
end

-- The lines of a token: { label, text or list of texts }.
local function lines_of(tok)
  local lines = {
    { "name", text_of(tok.name) }, { "description", text_of(tok.description) }, { "icon", text_of(tok.icon) },
    { "status", text_of(tok.status) }, { "last used", tok.lastAccessAt and when(text_of(tok.lastAccessAt)) or "never" },
    { "account", account(tok.account) }, { "modules", modules(tok.modules) },
  }
  for _, name in ipairs{ "created", "updated", "enabled", "disabled", "deleted" } do
    local event = type(tok.audit) == "table" and tok.audit[name]
    if type(event) == "table" then lines[#lines + 1] = { name, when(text_of(event.at) or "?") .. by(event.by) } end
  end
  lines[#lines + 1] = { "revision", text_of(tok.revision) }
  return lines
end

-- The text of a card, with a newline at its end; safe on a terminal.
return function(tok)
  local out = { harmless(redact(tok.id)) }
  for _, line in ipairs(lines_of(tok)) do
    local label, value = line[1], line[2]
    for i, text in ipairs(type(value) == "table" and value or { value }) do
      out[#out + 1] = ("  %-12s %s"):format(i == 1 and label or "", harmless(redact(text))):gsub("%s+$", "")
    end
  end
  return table.concat(out, "\n") .. "\n"
end
