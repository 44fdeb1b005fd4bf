-- Run another moonkey, for what a running one cannot show of itself: exit codes, tracebacks, the end of a script.
local sys = require "moonkey.sys"
local temporary = require "temporary"

local M = {}

-- Nobody listens there: a run that needs the API is given --emulator.
local ENVIRONMENT = "MPT_API_TOKEN=idt:TKN-0000-0001:NobodyShallSeeThisCredential MPT_API_BASE_URL=http://127.0.0.1:1"

local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

local function contents(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  os.remove(path)
  return text
end

local directories = {}

-- A new directory that is gone when `finally` (busted's, which keeps nothing but what it was given last) runs.
function M.directory(finally)
  local pipe = assert(io.popen("mktemp -d"))
  local path = pipe:read("l")
  pipe:close()
  directories[#directories + 1] = quote(path)
  finally(function()
    os.execute("rm -rf " .. table.concat(directories, " "))
    directories = {}
  end)
  return path
end

function M.write(path, text)
  os.execute("mkdir -p " .. quote(path:match("^(.*)/") or "."))
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

-- moonkey with these arguments. options: stdin = text, env = "A=b C=d", dir = directory, out = file.
-- Returns the exit code, standard output, standard error.
function M.run(args, options)
  options = options or {}
  local words = {}
  for i, word in ipairs(args) do words[i] = quote(word) end
  local input, err = temporary.name(), temporary.name()
  M.write(input, options.stdin or "")
  local command = ("cd %s && env %s %s %s %s <%s 2>%s %s"):format(quote(options.dir or "."), ENVIRONMENT, options.env or "",
    quote(sys.executable()), table.concat(words, " "), input, err, options.out and ">" .. options.out or "")
  local pipe = assert(io.popen(command))
  local out = pipe:read("a")
  local _, how, code = pipe:close()
  os.remove(input)
  return how == "signal" and 128 + code or code, out, contents(err)
end

-- The same for `moonkey run -e code`.
function M.eval(code, options)
  return M.run({ "run", "-e", code }, options)
end

return M
