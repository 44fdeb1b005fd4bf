--[[
Processes that run beside each other and see nothing of each other: each with a configuration and a state directory of its own,
and with no credential that they could reach through moonkey.
]]
local child = require "moonkey.project.child"
local sys = require "moonkey.sys"

local M = {}

local function environment(directory)
  return {
    ["MPT_*"] = false, MOONKEY_PROFILE = false,
    XDG_CONFIG_HOME = directory .. "/config", XDG_STATE_HOME = directory .. "/state",
  }
end

local function text_of(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a") or ""
  if file then file:close() end
  return text
end

--[[
Run moonkey with these words. Returns { code =, text = what it has written, also on standard error }, or nil and why it could
not be started. With `shown` it writes where we do, and the text is empty.
]]
function M.run(words, shown)
  return child.in_directory(function(directory)
    local output = directory .. "/output"
    local code, message = child.run(table.move(words, 1, #words, 2, { assert(sys.executable()) }),
      { environment = environment(directory), output = shown and "inherit" or output })
    if not code then return nil, message end
    return { code = code, text = shown and "" or text_of(output) }
  end)
end

return M
