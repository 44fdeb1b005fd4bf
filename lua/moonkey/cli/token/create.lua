-- moonkey token create: make a token, and see to it that its secret is not lost.
local changes = require "moonkey.cli.token.change"
local connect = require "moonkey.cli.connect"
local failure = require "moonkey.cli.failure"
local fields = require "moonkey.cli.token.fields"
local harmless = require "moonkey.harmless"
local http = require "moonkey.http"
local log = require "moonkey.log"
local output = require "moonkey.cli.output"
local secret = require "moonkey.secret"
local secret_output = require "moonkey.cli.token.secret_output"
local stop = require "moonkey.cli.stop"
local token = require "moonkey.token"

local M = {
  summary = "make a token",
  description = [[
Makes a token. The platform shows its secret once, so that you have to say what becomes of it:
--secret-file writes it to a new file of mode 0600, which is made before the token is; --reveal
prints it; --discard-secret throws it away.

  moonkey token create --name 'CRM robot' --account ACC-1234-5678 --module MOD-1756,MOD-9042 \
    --secret-file crm.secret
  SECRET=$(moonkey token create --name 'CRM robot' --account ACC-1234-5678 --reveal)
  moonkey token create --from robot.json --account ACC-1234-5678 --secret-file crm.secret

Prints the id of the token; with --reveal, its secret instead; with -o json, the token as it is.
A request that breaks off is not sent again, because there might be two tokens then: whether there
is one is unknown, and `moonkey token list --name …` tells.
Exit: 0 made, 1 not made or not known, 4 not authorised, 5 refused by a guard.]],
}

local TEXTS = { "name", "description", "icon" }

function M.configure(cmd)
  cmd:option("--name", "Its name, at most 200 letters, digits, spaces and - . ' \"."):argname("NAME")
  cmd:option("--account", "The account that it belongs to."):argname("ACC")
  cmd:option("--description", "At most 2000 characters."):argname("TEXT")
  cmd:option("--icon", "A string that stands for a picture."):argname("TEXT")
  cmd:option("--module", "Its modules, by commas or by repeating it (default: none)."):argname("MOD"):count("*")
  cmd:option("--from", "A JSON object with the fields, from a file or (-) from standard input."):argname("FILE")
  secret_output.configure(cmd)
  cmd:option("-o --output", "json, or jsonl for one line: the token. Without it, its id."):choices{ "json", "jsonl" }
end

local function collect(args)
  local change = changes.new("create")
  if args.from then change:from(args.from) end
  for _, field in ipairs(TEXTS) do
    if args[field] then change:put("--" .. field, field, args[field]) end
  end
  if args.account then change:account("--account", args.account) end
  change:modules(args.module)
  local name = change.fields.name
  if not name then stop.usage("a token needs a name: --name 'CRM robot'") end
  if name == "" then stop.usage("the name of the token is empty") end
  return change.fields
end

-- It was not made, or that is not known.
local function failed(err, file)
  if not file then return failure.report(err) end
  if not err.unknown then
    file:remove()
    return failure.report(err)
  end
  file.file:close()
  return failure.report(err, ("%s stays, and is empty"):format(file.path))
end

-- `value`: the secret, where there is one to be shown.
local function write(tok, args, value)
  local compact = args.output == "jsonl"
  if args.output then
    fields.public(tok)
    if value then return secret_output.print(tok, value, compact) end
    return output.print(tok, compact)
  elseif value then
    return secret_output.reveal(value)
  end
  output.write(tok.id, "\n")
  output.flush()
end

local ADVICE = "; delete the token (moonkey token delete %s) and make another"

-- What became of the secret: an exit code.
local function keep(value, args, file, id)
  if not secret.is(value) then
    if file then file:remove() end
    if args.discard_secret then return 0 end
    log.error("%s was made, but the platform did not tell its secret" .. ADVICE, id, id)
    return 1
  end
  if not file then return 0 end
  local ok, message = file:keep(value)
  if ok then
    log.info("its secret is in %s", file.path)
    return 0
  end
  log.error("%s was made, but its secret could not be written to %s: %s; it is lost" .. ADVICE, id, file.path, message, id)
  return 1
end

-- The same, for whoever may have stopped reading.
local function write_or_tell(tok, args, value)
  local ok, problem = pcall(write, tok, args, value)
  if ok then return end
  if value then
    local id = harmless(tok.id)
    log.error("%s was made, but its secret could not be written to standard output; it is lost" .. ADVICE, id, id)
  end
  error(problem, 0)
end

-- It was made: the exit code.
local function finish(tok, args, file)
  local id, value = harmless(tok.id), tok.token
  log.info("%s was made: %s, %s", id, harmless(secret.redact(tostring(tok.name))), tostring(tok.status))
  local code = keep(value, args, file, id)
  write_or_tell(tok, args, args.reveal and secret.is(value) and value or nil)
  if args.discard_secret then log.warn("the secret of %s was thrown away; nobody can use the token", id) end
  return code
end

function M.run(args)
  secret_output.check(args)
  local wanted = collect(args)
  connect.configure(args, 1)
  local file = not http.dry_run() and secret_output.open(args.secret_file) or nil
  local tok, err = token.create(wanted)
  if not tok then return failed(err, file) end
  if http.dry_run() then
    if args.output then output.print(fields.public(tok), args.output == "jsonl") end
    return 0
  end
  return finish(tok, args, file)
end

return M
