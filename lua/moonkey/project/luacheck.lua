-- luacheck, as a program: whichever Lua it was installed for.
local child = require "moonkey.project.child"
local disk = require "moonkey.project.disk"
local known = require "moonkey.project.known"
local template = require "moonkey.project.template"

local M = {}

M.ADVICE = "luacheck is not installed; get it with `apt-get install lua-check` (Debian 12), or with `luarocks install luacheck`"

function M.find()
  return disk.find_program("luacheck")
end

-- Settings for a project without a .luacheckrc: those of a new project.
local function write_settings(path)
  local file = assert(io.open(path, "wb"))
  assert(file:write(template.text("dot-luacheckrc", {})))
  assert(file:close())
  return path
end

-- Its exit code for these files; it writes to our standard output. nil and why it could not be started.
-- The globals that moonkey gives are known whatever the project's .luacheckrc says.
function M.run(program, list, colored)
  return child.in_directory(function(directory)
    local words = { program, "-q", "--default-config", write_settings(directory .. "/luacheckrc"), "--read-globals" }
    local globals = known.globals()
    table.move(globals, 1, #globals, #words + 1, words)
    if not colored then words[#words + 1] = "--no-color" end
    words[#words + 1] = "--"
    return child.run(table.move(list, 1, #list, #words + 1, words), { output = "inherit" })
  end)
end

return M
