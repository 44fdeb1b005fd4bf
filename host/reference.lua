--[[
The stubs of lua/types as LDoc reads them, for the build's target `doc`: LDoc does not know the annotations of the language
server.

  moonkey run host/reference.lua DIR     writes DIR/NAME.lua, a file a module, and DIR/config.ld; then: ldoc DIR
]]
local sys = require "moonkey.sys"
local stubs = require "moonkey.help.stubs"

local CONFIG = [[
project = "moonkey"
title = "moonkey %s"
description = "What scripts of moonkey can use"
file = { %s }
no_space_before_args = true
sort_modules = true
]]

-- LDoc writes texts into pages as they are, and takes what stands behind two hyphens for another comment.
local function html(text)
  text = text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }):gsub("`([^`]*)`", "<code>%1</code>")
  return (text:gsub("%-%-", "&#45;-"):gsub("\n\n", "\n<br><br>\n"))
end

-- The type is a part of the text: LDoc has other types.
local function said(entry)
  return html(("`%s`%s"):format(entry.type or "any", entry.text ~= "" and " " .. entry.text or ""))
end

local function tag(name, entry)
  return ("-- @%s%s %s %s"):format(name, entry.optional and "[opt]" or "", entry.name:gsub("%W", ""), said(entry))
end

-- `code` behind it: without any, LDoc takes the next comment for a part of this one.
local function comment(text, tags, code)
  local lines = { "--- " .. html(text):gsub("\n", "\n-- ") }
  table.move(tags, 1, #tags, 2, lines)
  return table.concat(lines, "\n") .. "\n" .. (code or "do end") .. "\n\n"
end

local function function_text(fn, module)
  local tags = { "-- @function " .. fn.name:gsub("^" .. module.short .. "%.", "") }
  for _, entry in ipairs(fn.parameters) do tags[#tags + 1] = tag("param", entry) end
  for _, entry in ipairs(fn.returns) do tags[#tags + 1] = "-- @return " .. said(entry) end
  return comment(fn.text ~= "" and fn.text or fn.name .. ".", tags)
end

local function class_text(class)
  local tags = { "-- @table " .. class.name:gsub("^moonkey%.", "") }
  for _, entry in ipairs(class.fields) do tags[#tags + 1] = tag("field", entry) end
  local text = class.text
  if class.parent then text = (text .. "\nAll of `" .. class.parent .. "`, and these."):gsub("^\n", "") end
  return comment(text ~= "" and text or class.name .. ".", tags)
end

local function alias_text(alias)
  local text = { alias.text ~= "" and alias.text or alias.name .. ".", alias.type ~= "" and "`" .. alias.type .. "`" or nil }
  for _, choice in ipairs(alias.choices) do text[#text + 1] = ("\n* `%s`: %s"):format(choice.value, choice.text) end
  return comment(table.concat(text, "\n"), { "-- @table " .. alias.name:gsub("^moonkey%.", "") })
end

local function module_text(module)
  local text = module.summary ~= "" and module.summary or stubs.title(module) .. "."
  local out = { comment(text, { "-- @module " .. stubs.title(module) }, "local M = {}") }
  for _, fn in ipairs(module.functions) do out[#out + 1] = function_text(fn, module) end
  for _, class in ipairs(module.classes) do
    if class.name ~= module.name and (#class.fields > 0 or class.text ~= "") then out[#out + 1] = class_text(class) end
  end
  for _, alias in ipairs(module.aliases) do out[#out + 1] = alias_text(alias) end
  return table.concat(out) .. "return M\n"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

local directory = assert((...), "usage: moonkey run host/reference.lua DIR")
local files = {}
for _, name in ipairs(stubs.names()) do
  write(("%s/%s.lua"):format(directory, name), module_text(stubs.module(name)))
  files[#files + 1] = ('"%s.lua"'):format(name)
end
write(directory .. "/config.ld", CONFIG:format(sys.version(), table.concat(files, ", ")))
