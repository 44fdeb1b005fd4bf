--[[
Where the secret of a new token goes: to standard output, to a file, or nowhere.

The file is there, for its owner only and with room on the disk, before the token is made: no token is made whose secret would
then be lost.
]]
local files = require "moonkey.files"
local indented = require("moonkey.cli.output.json").indented
local json = require "moonkey.json"
local log = require "moonkey.log"
local output = require "moonkey.cli.output"
local secret = require "moonkey.secret"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = {}

local ROOM = 4096 -- bytes

local NOWHERE = [[
say what becomes of the new token's secret, because the platform shows it once, and it may never be had again:
  --secret-file FILE   write it to a new file that only you can read
  --reveal             print it
  --discard-secret     make the token all the same, and throw its secret away]]

function M.configure(cmd)
  cmd:option("--secret-file", "Write the secret to this file, which must not be there yet; mode 0600."):argname("FILE")
  cmd:flag("--reveal", "Print the secret: alone on a line, or with -o json in the field `token`.")
  cmd:flag("--discard-secret", "The secret is not wanted.")
end

function M.check(args)
  local given = {}
  for _, flag in ipairs{ "secret_file", "reveal", "discard_secret" } do
    if args[flag] then given[#given + 1] = "--" .. flag:gsub("_", "-") end
  end
  if #given > 1 then stop.usage(("%s and %s exclude each other"):format(given[1], given[2])) end
  if #given == 0 then stop.usage(NOWHERE) end
  local path = args.secret_file
  if path == "" or path == "-" then stop.usage("--secret-file needs the name of a file; --reveal prints the secret") end
end

local File = {}
File.__index = File

-- nil where no file is wanted.
function M.open(path)
  if not path then return nil end
  local file, message = files.create(path, ROOM)
  if not file then
    stop.usage(("--secret-file: cannot create %s%s"):format(message,
      sys.file_type(path) and "; it is left as it is: name another file, or remove it first" or ""))
  end
  return setmetatable({ file = file, path = path }, File)
end

-- No token was made.
function File:remove()
  self.file:close()
  os.remove(self.path)
end

-- The secret is in the file, and the file is on the disk: true, or nil, message.
function File:keep(value)
  self.file:setvbuf("no")
  local ok, message = self.file:write(secret.reveal(value), "\n")
  if ok then ok, message = files.sync(self.file) end
  local closed, why = self.file:close()
  if ok and closed then return true end
  return nil, message or why
end

-- The token with its secret, as JSON.
function M.print(tok, value, compact)
  tok.token = secret.reveal(value)
  output.write(compact and json.encode(tok) or indented(tok), "\n")
  output.flush()
end

-- Print it, for whoever asked for that.
function M.reveal(value)
  output.write(secret.reveal(value), "\n")
  output.flush()
  if sys.isatty(1) then
    log.warn("this secret is not shown again; keep it where secrets are kept, and clear it from the terminal")
  end
end

return M
