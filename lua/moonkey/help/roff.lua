-- Blocks of Markdown as a manual page, for man(1).
local markdown = require "moonkey.help.markdown"

local M = {}

local WIDTH = 80

local FONTS = { plain = "%s", code = "\\fB%s\\fR", variable = "\\fI%s\\fR" }

local ESCAPES = { ["\\"] = "\\e", ["-"] = "\\-", ["'"] = "\\(aq", ["`"] = "\\(ga", ["~"] = "\\(ti", ["^"] = "\\(ha",
  ["|"] = "|\\:" } -- a long type may be broken there

local function foreign(text)
  return (text:gsub("[\xC2-\xF4][\x80-\xBF]+", function(char) return ("\\[u%04X]"):format(utf8.codepoint(char)) end))
end

-- In code all characters mean themselves; in prose a hyphen is a hyphen (but a dash), and an apostrophe one.
local function escape(text, style)
  if style == "plain" then return foreign((text:gsub("[\\~^]", ESCAPES):gsub(" %- ", " \\- "))) end
  return foreign((text:gsub("[\\%-'`~^|]", ESCAPES)))
end

local function inline(text)
  local out = {}
  for i, run in ipairs(markdown.runs(text)) do out[i] = FONTS[run.style]:format(escape(run.text, run.style)) end
  return table.concat(out)
end

-- No line of text may look like a request.
local function guarded(line)
  return (line:gsub("^[.']", "\\&%0"))
end

-- Lines of at most WIDTH bytes, where the words permit it.
local function folded(text)
  local lines, line = {}, nil
  for word in text:gmatch("%S+") do
    if line and #line + 1 + #word <= WIDTH then
      line = line .. " " .. word
    else
      lines[#lines + 1] = line and guarded(line)
      line = word
    end
  end
  lines[#lines + 1] = line and guarded(line)
  return table.concat(lines, "\n")
end

-- A sentence begins a line, as roff likes it.
local function prose(text)
  return (inline(text):gsub("([^%.][%.?!]%)?) (%f[%u\\])", "%1\n%2"):gsub("[^\n]+", folded))
end

local write -- of blocks

local writers = {}

function writers.heading(out, block)
  out[#out + 1] = (block.level == 1 and ".SH " or ".SS ") .. inline(block.text)
end

-- `before`: the request that begins a paragraph here; nothing after a heading, or after the term of an item.
function writers.paragraph(out, block, before)
  out[#out + 1] = before
  out[#out + 1] = prose(block.text)
end

function writers.code(out, block, before)
  out[#out + 1] = before
  if block.file then out[#out + 1] = inline("`" .. block.file .. "`:") end
  out[#out + 1] = ".EX"
  for _, line in ipairs(block.lines) do out[#out + 1] = guarded(escape(line, "code")) end
  out[#out + 1] = ".EE"
end

function writers.item(out, block)
  if block.term then
    out[#out + 1] = ".TP"
    out[#out + 1] = guarded(inline(block.term))
  else
    out[#out + 1] = ".IP \\(bu 2"
  end
  write(out, block.blocks, ".IP")
end

-- Items within an item are indented.
function write(out, blocks, paragraph)
  local nested = false
  for i, block in ipairs(blocks) do
    local indent = paragraph == ".IP" and block.kind == "item"
    if indent ~= nested then out[#out + 1] = indent and ".RS" or ".RE" end
    nested = indent
    local previous = blocks[i - 1]
    local first = paragraph == ".IP" and i == 1 or previous and previous.kind == "heading"
    writers[block.kind](out, block, not first and paragraph or nil)
  end
  if nested then out[#out + 1] = ".RE" end
end

-- A page: { name =, section =, date =, version =, title = } and its text.
function M.page(page, text)
  local out = {
    ('.\\" Made from lua/moonkey/help and lua/types by `moonkey help --man %s.%s`: what is to be changed is changed there.')
      :format(page.name, page.section),
    ('.TH %s %s %s "moonkey %s" "%s"'):format(page.name:upper(), page.section, page.date, page.version, page.title),
  }
  write(out, markdown.parse(text), ".PP")
  return table.concat(out, "\n") .. "\n"
end

return M
