--[[
The Markdown that the texts of help are written in, and that stubs are turned into. A text is a list of blocks:
  { kind = "heading", level =, text = }        # …, ## …
  { kind = "paragraph", text = }
  { kind = "code", lines =, language =, file = }   between ```lua job.lua and ```; file: whose contents it is, or nil
  { kind = "item", term = or nil, blocks = }    - `--flag` *VALUE*: what it does    (nested by two spaces)
An item has a term where nothing but marked words stand before its colon. In a line `code` and **strong** are bold, and *this*
is a word that stands for something else.
]]
local M = {}

local MARKS = { { "^`([^`]+)`()", "code" }, { "^%*%*(.-)%*%*()", "code" }, { "^%*([^%s*][^*]*)%*()", "variable" } }

-- The marked word at `at`: its text, style, and what follows; or one character.
local function next_run(text, at)
  for _, mark in ipairs(MARKS) do
    local inner, behind = text:match(mark[1], at)
    if inner then return inner, mark[2], behind end
  end
  local escaped, behind = text:match("^\\(%p)()", at)
  if escaped then return escaped, "plain", behind end
  return text:match(utf8.charpattern, at), "plain", utf8.offset(text, 2, at) or #text + 1
end

-- A line's runs of one style: { { text =, style = "plain" | "code" | "variable" }, … }.
function M.runs(text)
  local runs, at = {}, 1
  while at <= #text do
    local inner, style, behind = next_run(text, at)
    local last = runs[#runs]
    if last and last.style == style and style == "plain" then
      last.text = last.text .. inner
    else
      runs[#runs + 1] = { text = inner, style = style }
    end
    at = behind
  end
  return runs
end

-- The term of an item and what follows its colon; nil where it is no such item.
local function split_term(text)
  local at = 1
  if not text:find("^[`*]") then return nil end
  while at <= #text do
    local inner, style, behind = next_run(text, at)
    if style == "plain" and text:find("^:%f[%s\0]", at) then return text:sub(1, at - 1), text:sub(at + 1):match("^%s*(.*)$") end
    if style == "plain" and not inner:find("^[%s,|%[%]()=/%d]$") then return nil end
    at = behind
  end
end

local parse -- of lines, because items hold blocks

local function take_code(lines, i, blocks)
  local code = { kind = "code", lines = {} }
  code.language, code.file = lines[i]:match("^```(%S*)%s*(.*)$")
  if code.file == "" then code.file = nil end
  i = i + 1
  while lines[i] and lines[i] ~= "```" do
    code.lines[#code.lines + 1] = lines[i]
    i = i + 1
  end
  blocks[#blocks + 1] = code
  return i + 1
end

-- Its lines: the first, and all that are indented, with what is blank between them.
local function take_item(lines, i, blocks)
  local own = { lines[i]:sub(3) }
  i = i + 1
  while lines[i] and (lines[i]:find("^  ") or lines[i] == "" and (lines[i + 1] or ""):find("^  ")) do
    own[#own + 1] = lines[i]:sub(3)
    i = i + 1
  end
  local item = { kind = "item", blocks = parse(own) }
  local first = item.blocks[1]
  local term, rest = split_term(first and first.kind == "paragraph" and first.text or "")
  if term then
    item.term = term
    if rest == "" then table.remove(item.blocks, 1) else first.text = rest end
  end
  blocks[#blocks + 1] = item
  return i
end

local function begins_block(line)
  return not line or line == "" or line:find("^```") or line:find("^%- ") or line:find("^#+ ")
end

local function take_paragraph(lines, i, blocks)
  local words = {}
  repeat
    words[#words + 1] = lines[i]
    i = i + 1
  until begins_block(lines[i])
  blocks[#blocks + 1] = { kind = "paragraph", text = table.concat(words, " ") }
  return i
end

function parse(lines)
  local blocks, i = {}, 1
  while i <= #lines do
    local line = lines[i]
    local marks, title = line:match("^(#+) (.+)$")
    if line == "" then
      i = i + 1
    elseif marks then
      blocks[#blocks + 1] = { kind = "heading", level = #marks, text = title }
      i = i + 1
    elseif line:find("^```") then
      i = take_code(lines, i, blocks)
    elseif line:find("^%- ") then
      i = take_item(lines, i, blocks)
    else
      i = take_paragraph(lines, i, blocks)
    end
  end
  return blocks
end

function M.parse(text)
  local lines = {}
  for line in text:gmatch("([^\n]*)\n?") do lines[#lines + 1] = line end
  return parse(lines)
end

return M
