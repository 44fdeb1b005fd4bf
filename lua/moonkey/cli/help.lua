-- moonkey help: all that the manual says, by topic, command or function.
local color = require "moonkey.cli.color"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {
  summary = "explain a topic, a command or a function of Lua",
  description = [[
  moonkey help                    lists commands and topics
  moonkey help rql                a topic
  moonkey help batch              a command, in full
  moonkey help token.list         a function of Lua, with its options
  moonkey help lua rql            a module of Lua
On a terminal it goes through $PAGER, or less.]],
}

local WIDTH = 100 -- longer lines are hard to read

function M.configure(cmd)
  cmd:argument("words", "Topic, command or function."):argname("TOPIC"):args("*")
  cmd:option("--man", "Write a page of the manual for man(1): moonkey.1, moonkey-lua.3 or moonkey-config.5."):argname("PAGE")
end

local function write_page(name)
  local pages = require "moonkey.help.pages"
  local page = pages.LIST[name]
  if not page then
    stop.usage(("--man %s: there are moonkey.1, moonkey-lua.3 and moonkey-config.5"):format(name))
  end
  io.stdout:write(require("moonkey.help.roff").page(page, page.text()))
end

-- The pager may be ended before it has read all: that is no failure.
local function page_through(text)
  local pager = os.getenv("PAGER")
  if not pager or pager == "" then pager = "if command -v less >/dev/null; then exec less -FRX; else exec cat; fi" end
  local pipe = io.popen(pager, "w")
  if not pipe then return io.stdout:write(text) end
  pipe:write(text)
  pipe:close()
end

function M.run(args)
  if args.man then
    write_page(args.man)
    return 0
  end
  local text, message = require("moonkey.help").text(args.words)
  if not text then stop.usage(message) end
  local terminal = sys.isatty(1)
  local shown = require("moonkey.help.plain").text(text, { colored = color.wanted(args.color, 1),
    width = math.min(WIDTH, terminal and sys.columns() or WIDTH) })
  if terminal then page_through(shown) else io.stdout:write(shown) end
  return 0
end

return M
