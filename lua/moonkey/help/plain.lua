-- Blocks of Markdown as text for a terminal, or for a file.
local markdown = require "moonkey.help.markdown"

local M = {}

local STYLES = { plain = "%s", code = "\27[1m%s\27[0m", variable = "\27[4m%s\27[0m" }
local INDENT = 4
local BULLET = "- "

-- The words of a line: { text = with the style, width = }. One may have several styles, as in --emulator=FILE.
local function words_of(text, colored)
  local words, word = {}, nil
  for _, run in ipairs(markdown.runs(text)) do
    for blank, piece in run.text:gmatch("(%s*)([^%s]*)") do
      if blank ~= "" then word = nil end
      if piece ~= "" then
        if not word then
          word = { text = "", width = 0 }
          words[#words + 1] = word
        end
        word.text = word.text .. (colored and STYLES[run.style] or "%s"):format(piece)
        word.width = word.width + utf8.len(piece)
      end
    end
  end
  return words
end

local function fill(out, text, indent, options)
  local line, width = {}, indent
  local function flush()
    if #line > 0 then out[#out + 1] = (" "):rep(indent) .. table.concat(line, " ") end
    line, width = {}, indent
  end
  for _, word in ipairs(words_of(text, options.colored)) do
    if #line > 0 and width + 1 + word.width > options.width then flush() end
    width = width + word.width + (#line > 0 and 1 or 0)
    line[#line + 1] = word.text
  end
  flush()
end

local write -- of blocks

local writers = {}

function writers.heading(out, block, indent, options)
  local text = block.level == 1 and "**" .. block.text .. "**" or block.text
  fill(out, block.level > 1 and not text:find("[`*]") and "**" .. text .. "**" or text, math.max(0, indent - INDENT), options)
end

function writers.paragraph(out, block, indent, options)
  fill(out, block.text, indent, options)
  out[#out + 1] = ""
end

function writers.code(out, block, indent, options)
  if block.file then fill(out, "`" .. block.file .. "`:", indent, options) end
  for _, line in ipairs(block.lines) do
    out[#out + 1] = line == "" and "" or (" "):rep(indent + INDENT) .. line
  end
  out[#out + 1] = ""
end

function writers.item(out, block, indent, options)
  if block.term then
    fill(out, block.term, indent, options)
    if #block.blocks == 0 then out[#out + 1] = "" end
    return write(out, block.blocks, indent + INDENT, options)
  end
  local at = #out + 1
  write(out, block.blocks, indent + #BULLET, options)
  out[at] = out[at]:sub(1, indent) .. BULLET .. out[at]:sub(indent + #BULLET + 1)
end

function write(out, blocks, indent, options)
  for _, block in ipairs(blocks) do writers[block.kind](out, block, indent, options) end
end

-- options: width, in columns; colored: with what a terminal shows as bold and underlined.
function M.text(text, options)
  local out = {}
  write(out, markdown.parse(text), INDENT, options)
  while out[#out] == "" do out[#out] = nil end
  return table.concat(out, "\n") .. "\n"
end

return M
