-- Small parts that the sections of the page are made of.
local markup = require "moonkey.batch.report.markup"
local time = require "moonkey.time"
local visible = require "moonkey.batch.report.visible"
local words = require "moonkey.batch.report.words"

local M = {}

local h = markup.html

M.MOST_TEXT = 400 -- characters of a text of others

-- A text of others within a sentence of ours: its direction stays its own.
function M.name(text, most)
  text = visible.line(tostring(text), most or M.MOST_TEXT)
  local id, rest = text:match("^(%u%u%u%-[%d-]+)(.*)$") -- of the platform: not to be broken at its hyphens
  if id and #id < 24 then return h.bdi{ h.span{ class = "whole", id }, rest } end
  return h.bdi(text)
end

-- An id within a table.
function M.id(text)
  return M.name(text, 60)
end

function M.code(text)
  return h.code{ h.bdi(visible.line(tostring(text), M.MOST_TEXT)) }
end

function M.moment(ms)
  return h.time{ datetime = time.format(ms / 1000), words.moment(ms) }
end

function M.section(name, heading, contents, class)
  return h.section{ class = class, ["aria-labelledby"] = name, h.h2{ id = name, heading }, contents }
end

-- columns: a list of { heading, class }; rows: a list of lists of cells, the first of which names the row.
function M.table(caption, columns, rows)
  local heads, body = {}, {}
  for i, column in ipairs(columns) do heads[i] = h.th{ scope = "col", class = column[2], column[1] } end
  for i, row in ipairs(rows) do
    local cells = {}
    for k = 1, #columns do
      local class = columns[k][2]
      cells[k] = k == 1 and h.th{ scope = "row", class = class, row[k] } or h.td{ class = class, row[k] }
    end
    body[i] = h.tr{ class = row.class, cells }
  end
  return h.div{ class = "scroll", tabindex = "0", role = "region", ["aria-label"] = caption,
    h.table{ h.caption(caption), h.thead{ h.tr(heads) }, h.tbody(body) } }
end

-- What a chart shows, as a table to open.
function M.figures(title, header, rows)
  local columns = {}
  for i, heading in ipairs(header) do columns[i] = { heading, i > 1 and "n" or nil } end
  return h.details{ h.summary(title), M.table(title, columns, rows) }
end

-- That not all are shown, and which command gives all; nothing where they are.
function M.more(shown, all, command)
  if all <= shown then return nil end
  return h.p{ class = "note", ("These are the first %d of %s; "):format(shown, words.rows(all)), M.code(command), " has all." }
end

return M
