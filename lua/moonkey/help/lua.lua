-- What the stubs say of Lua, as Markdown: modules, functions and types, for the manual and for `moonkey help token.list`.
local stubs = require "moonkey.help.stubs"

local M = {}

-- - *name* `type`: text
local function item(term, entry)
  local kind = ("`%s`"):format(entry.type or "any")
  if entry.text == "" then return ("- %s: %s"):format(term, kind) end
  return ("- %s %s: %s"):format(term, kind, entry.text)
end

local function parameter(entry)
  return item(("*%s%s*"):format(entry.name, entry.optional and "?" or ""), entry)
end

local function field(entry)
  return item(("`%s%s`"):format(entry.name, entry.optional and "?" or ""), entry)
end

local function returns(list)
  local lines = {}
  for i, entry in ipairs(list) do
    lines[i] = entry.name and item("*" .. entry.name .. "*", entry) or ("- `%s`: %s"):format(entry.type, entry.text)
  end
  return lines
end

local function add_lines(out, lines)
  table.move(lines, 1, #lines, #out + 1, out)
  out[#out + 1] = ""
end

function M.function_text(fn)
  local out = { ("## `%s`%s"):format(fn.name, (fn.list:gsub("[%w_]+", "*%0*"))), "" }
  if fn.text ~= "" then add_lines(out, { fn.text }) end
  if #fn.parameters > 0 then
    local lines = {}
    for i, entry in ipairs(fn.parameters) do lines[i] = parameter(entry) end
    add_lines(out, lines)
  end
  if #fn.returns > 0 then
    out[#out + 1] = "Returns:"
    add_lines(out, returns(fn.returns))
  end
  return table.concat(out, "\n")
end

function M.class_text(class)
  local out = { ("## `%s`"):format(class.name), "" }
  if class.text ~= "" then add_lines(out, { class.text }) end
  if class.parent and class.parent:find("^moonkey%.") then add_lines(out, { ("All of `%s`, and:"):format(class.parent) }) end
  local lines = {}
  for i, entry in ipairs(class.fields) do lines[i] = field(entry) end
  add_lines(out, lines)
  return table.concat(out, "\n")
end

function M.alias_text(alias)
  local out = { ("## `%s`"):format(alias.name), "" }
  if alias.text ~= "" then add_lines(out, { alias.text }) end
  if alias.type ~= "" then add_lines(out, { ("`%s`"):format(alias.type) }) end
  local lines = {}
  for i, choice in ipairs(alias.choices) do
    lines[i] = ("- `%s`: %s"):format(choice.value:gsub('^"(.*)"$', "%1"), choice.text)
  end
  add_lines(out, lines)
  return table.concat(out, "\n")
end

-- A class that stands for the module itself: only its fields are of interest.
local function is_module(class, module)
  return class.name == module.name
end

function M.module_text(module)
  local out = { "# " .. stubs.title(module), "" }
  if module.summary ~= "" then add_lines(out, { module.summary }) end
  for _, class in ipairs(module.classes) do
    if is_module(class, module) and #class.fields > 0 then
      local lines = {}
      for i, entry in ipairs(class.fields) do
        lines[i] = field{ name = module.short .. "." .. entry.name, type = entry.type, text = entry.text }
      end
      add_lines(out, lines)
    end
  end
  for _, constant in ipairs(module.constants) do
    add_lines(out, { field(constant) })
  end
  for _, fn in ipairs(module.functions) do out[#out + 1] = M.function_text(fn) end
  for _, class in ipairs(module.classes) do
    if not is_module(class, module) and (#class.fields > 0 or class.text ~= "") then out[#out + 1] = M.class_text(class) end
  end
  for _, alias in ipairs(module.aliases) do out[#out + 1] = M.alias_text(alias) end
  return table.concat(out, "\n")
end

-- All modules, one after the other.
function M.text()
  local out = {}
  for i, name in ipairs(stubs.names()) do out[i] = M.module_text(stubs.module(name)) end
  return table.concat(out, "\n")
end

-- What the types of a function's parameters name, and what these are made from.
local function classes_of(fn)
  local by_name, found, seen = {}, {}, {}
  for _, name in ipairs(stubs.names()) do
    for _, class in ipairs(stubs.module(name).classes) do by_name[class.name] = class end
  end
  local function visit(text)
    for name in text:gmatch("moonkey%.[%w_]+") do
      local class = by_name[name]
      if class and not seen[name] and name:find("Options$") or class and name:find("Fields$") and not seen[name] then
        seen[name] = true
        found[#found + 1] = class
        visit(class.parent or "")
      end
    end
  end
  for _, entry in ipairs(fn.parameters) do visit(entry.type) end
  return found
end

-- A type by its name, which is moonkey.ListOptions or the like.
local function find_type(name)
  for _, short in ipairs(stubs.names()) do
    local module = stubs.module(short)
    for _, class in ipairs(module.classes) do
      if class.name == name and not is_module(class, module) then return M.class_text(class) end
    end
    for _, alias in ipairs(module.aliases) do
      if alias.name == name then return M.alias_text(alias) end
    end
  end
end

-- One function by its name, with what its options are, or a type; nil where there is none.
function M.find(name)
  local short, member = name:gsub("^moonkey%.", ""):match("^([%a_]+)[%.:]([%w_]+)$")
  local module = short and stubs.module(short)
  for _, fn in ipairs(module and module.functions or {}) do
    if fn.name:gsub(":", ".") == short .. "." .. member then
      local out = { M.function_text(fn) }
      for _, class in ipairs(classes_of(fn)) do out[#out + 1] = M.class_text(class) end
      return table.concat(out, "\n")
    end
  end
  return find_type(name)
end

-- "token.list", … of all modules.
function M.functions()
  local names = {}
  for _, name in ipairs(stubs.names()) do
    for _, fn in ipairs(stubs.module(name).functions) do names[#names + 1] = fn.name end
  end
  return names
end

return M
