-- Temporary files of specs. Lua's own os.tmpname is in /tmp, whatever TMPDIR says; what is in TMPDIR goes when the test has ended, also
-- where it has failed (tidy.sh).
local M = {}

-- The name of a new, empty file.
function M.name()
  local directory, path = os.getenv("TMPDIR"), os.tmpname()
  if not directory then return path end
  os.remove(path)
  path = directory .. path:match("/[^/]+$")
  assert(io.open(path, "w")):close()
  return path
end

return M
