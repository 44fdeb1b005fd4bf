--[[
Text of RQL, percent-decoded, to terms: the platform's grammar. A term is

  { kind = "word", text =, quoted = }      { kind = "call", name =, quoted =, terms = }   { kind = "equals", left =, right = }
  { kind = "and" or "or", terms = }        { kind = "list", terms = }: what stands between ( and ), with no name before it

`at` of a term says where it begins, `link` what joins it to the one before: "and", "or", or nil for the first. Blanks are part
of unquoted words.
]]
local M = {}

M.MAX_LENGTH = 65536 -- bytes
M.MAX_DEPTH = 24 -- parentheses within each other

local LINKS = { [","] = "and", ["&"] = "and", [";"] = "or", ["|"] = "or" }

local Reader = {}
Reader.__index = Reader

local function refuse(at, message)
  error({ message = message, at = at }, 0)
end

-- A word ends at a character that means something; blanks around its quotes do not count.
function Reader:word()
  local start = self.position
  local blanks, mark = self.text:match("^(%s*)(['\"])", start)
  if mark then
    local open = start + #blanks
    local close = self.text:find(mark, open + 1, true)
    if not close then
      refuse(open, "Closing quote expected.")
    end
    local stop = self.text:match("^%s*()", close + 1)
    if self.text:find("^[^=,&;|()]", stop) then
      refuse(stop, "Quotes have to enclose the whole value.")
    end
    self.position = stop
    return { kind = "word", text = self.text:sub(open + 1, close - 1), quoted = true, at = start }
  end
  local text = self.text:match("^[^=,&;|()'\"]*", start)
  self.position = start + #text
  if self.text:find("^['\"]", self.position) then
    refuse(self.position, "Quotes have to enclose the whole value.")
  end
  return text ~= "" and { kind = "word", text = text, at = start } or nil
end

-- The terms up to the ")" that closes what was opened at `open`.
function Reader:enclosed(open)
  self.depth = self.depth + 1
  if self.depth > M.MAX_DEPTH then
    refuse(open, ("The expression is nested too deeply: at most %d levels are allowed."):format(M.MAX_DEPTH))
  end
  self.position = open + 1
  local terms = self:terms()
  if self.text:sub(self.position, self.position) ~= ")" then
    refuse(open, "Closing parenthesis expected.")
  end
  self.position = self.position + 1
  self.depth = self.depth - 1
  return terms
end

-- A word, a call or a list; nil where there is nothing.
function Reader:operand()
  local start = self.position
  local word = self:word()
  if self.text:sub(self.position, self.position) ~= "(" then
    return word
  end
  local terms = self:enclosed(self.position)
  if word then
    return { kind = "call", name = word.text, quoted = word.quoted, terms = terms, at = start }
  end
  local list = { kind = "list", terms = terms, at = start }
  return #terms == 1 and terms[1].kind == "word" and terms[1] or list
end

-- What stands between two links.
function Reader:term()
  local left = self:operand()
  local at = self.position
  local next_character = self.text:sub(at, at)
  if next_character == "=" then
    self.position = at + 1
    local right = self:operand()
    if self.text:find("^=", self.position) then
      refuse(self.position, "Invalid equals shortcut expression")
    elseif not right then
      refuse(at, "Expression expected.")
    end
    left = { kind = "equals", left = left or { kind = "word", text = "", at = at }, right = right, at = at }
    at = self.position
    next_character = self.text:sub(at, at)
  end
  if left and next_character ~= "" and next_character ~= ")" and not LINKS[next_character] then
    refuse(at, "Separator expected.")
  end
  return left
end

function Reader:terms()
  local terms, link = {}, nil
  while true do
    local term = self:term()
    if term then
      term.link = #terms > 0 and link or nil
      terms[#terms + 1] = term
    end
    link = LINKS[self.text:sub(self.position, self.position)]
    if not link then
      return terms
    end
    self.position = self.position + 1
  end
end

-- "and" binds tighter than "or": terms with their links to one term. nil of none.
function M.reduced(terms)
  local alternatives = {}
  for _, term in ipairs(terms) do
    if term.link == "and" then
      table.insert(alternatives[#alternatives], term)
    else
      alternatives[#alternatives + 1] = { term }
    end
  end
  for i, all in ipairs(alternatives) do
    alternatives[i] = #all == 1 and all[1] or { kind = "and", terms = all, at = all[1].at }
  end
  return #alternatives > 1 and { kind = "or", terms = alternatives, at = alternatives[1].at } or alternatives[1]
end

-- -> terms; raises { message =, at = }
function M.read(text)
  if #text > M.MAX_LENGTH then
    refuse(M.MAX_LENGTH, ("The expression is too long: at most %d bytes are allowed."):format(M.MAX_LENGTH))
  end
  local reader = setmetatable({ text = text, position = 1, depth = 0 }, Reader)
  local terms = reader:terms()
  if reader.position <= #text then
    refuse(reader.position, "Unexpected closing parenthesis.")
  end
  return terms
end

return M
