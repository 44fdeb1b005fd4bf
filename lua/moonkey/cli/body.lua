-- Texts that a flag takes from a file or from standard input, and JSON in them.
local json = require "moonkey.json"
local stop = require "moonkey.cli.stop"

local M = {}

-- The contents of `path`, or of standard input for "-". `flag` is said in errors.
function M.read(flag, path)
  if path == "" then stop.usage(flag .. " needs the name of a file, or - for standard input") end
  local file, message = io.stdin, nil
  if path ~= "-" then file, message = io.open(path, "rb") end
  if not file then stop.usage(("%s: cannot read %s"):format(flag, message)) end
  local text
  text, message = file:read("a")
  if path ~= "-" then file:close() end
  if not text then stop.usage(("%s: cannot read %s: %s"):format(flag, path, message)) end
  return text
end

-- The value of JSON text; `where` says in errors what it is.
function M.decode(where, text)
  if not text:find("%S") then stop.usage(("%s: it is empty; JSON was expected"):format(where)) end
  local value, message = json.decode((text:gsub("^\xef\xbb\xbf", "")))
  if value == nil then stop.usage(("%s: not JSON: %s"):format(where, message)) end
  return value
end

-- How a flag with this path is named in errors.
function M.name(flag, path)
  return ("%s %s"):format(flag, path == "-" and "(standard input)" or path)
end

return M
