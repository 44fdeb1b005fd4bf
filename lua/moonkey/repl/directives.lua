-- Lines of the repl that are no Lua: `:help` and its like.
local evaluate = require "moonkey.repl.evaluate"
local pretty = require "moonkey.repl.pretty"
local sys = require "moonkey.sys"

local M = {}

local MOST_LISTED = 20

local HELP = [[
EXPRESSION        its values, tables indented; also: = EXPRESSION. `nil, err` is shown as an error
STATEMENT         anything else of Lua; what is incomplete goes on in the next line, after >>
_                 the last value, or the last error: _.status, _.kind
token.get("TKN-0000-0002")     calls wait, and tasks of task.spawn go on meanwhile and afterwards
Tab               completes globals, fields and methods, and modules after require "
Up, Ctrl-R        recall earlier lines; Ctrl-R searches
Ctrl-C            ends what is running, or throws away what was typed; Ctrl-D leaves
:list EXPRESSION  what an iterator brings, such as :list token.list{ where = { status = "Active" } }
:time EXPRESSION  how long it takes
:help  :quit

A `local` lives as long as its line, as in lua; leave `local` out to keep a value. Secrets are shown as
[redacted]; print(secret.reveal(…)) shows one. Lines with a secret are not kept in the history.]]

-- ---- :list

-- Goes through the iterator, and leaves it as a script would.
local function list(iterator, state, control, closing)
  local closed <close> = closing -- luacheck: ignore 211
  local count = 0
  while true do
    local values = table.pack(iterator(state, control))
    control = values[1]
    if control == nil then break end
    if count == MOST_LISTED then
      evaluate.write(("… the first %d"):format(MOST_LISTED))
      break
    end
    count = count + 1
    local texts = {}
    for i = 1, values.n do texts[i] = pretty.line(values[i]) end
    evaluate.write(table.concat(texts, "  "))
  end
  return count
end

local function show_list(results)
  local first = results[1]
  if type(first) == "function" then
    return list(table.unpack(results, 1, 4)), true
  elseif type(first) == "table" then
    return list(ipairs(first)), true
  end
  return evaluate.show(results)
end

-- ---- all of them

-- name → function(rest of the line, globals): whether it went well, value for `_`.
local function run(text, globals, show, around)
  if not text:find("%S") then
    return false, nil, "an expression is missing"
  end
  local chunk, message = evaluate.compile("=" .. text, globals)
  if not chunk then return false, nil, message end
  if around then chunk = around(chunk) end
  return evaluate.run(chunk, show)
end

local function timed(chunk)
  return function()
    local begun = sys.now()
    local results = table.pack(chunk())
    evaluate.write(("%.3f s"):format(sys.now() - begun))
    return table.unpack(results, 1, results.n)
  end
end

M.all = {
  help = function()
    evaluate.write(HELP)
    return true
  end,
  list = function(text, globals) return run(text, globals, show_list) end,
  time = function(text, globals) return run(text, globals, evaluate.show, timed) end,
  quit = function() return true, nil, nil, true end,
}

-- `line` begins with a colon. Returns whether it went well, the value for `_`, a message where it could not be done at all, and
-- whether the session is over.
function M.run(line, globals)
  local name, rest = line:match("^%s*:%s*(%a*)%s*(.-)%s*$")
  local directive = name and M.all[name]
  if not directive then return false, nil, ("there is no :%s; :help lists what there is"):format(name or "") end
  return directive(rest, globals)
end

return M
