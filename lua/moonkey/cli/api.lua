-- moonkey api: one request to any endpoint of the platform, with the credential, the retries and the guards of all others.
local api = require "moonkey.api"
local bodies = require "moonkey.cli.body"
local connect = require "moonkey.cli.connect"
local errors = require "moonkey.errors"
local failure = require "moonkey.cli.failure"
local http = require "moonkey.http"
local log = require "moonkey.log"
local nearest = require "moonkey.nearest"
local output = require "moonkey.cli.output"
local stop = require "moonkey.cli.stop"

local M = {
  summary = "one request to any endpoint of the platform",
  description = [[
Sends one request, and prints the JSON of the reply, indented and with secrets masked; -o jsonl
prints it on one line. A reply without a body prints nothing.

  moonkey api GET /accounts/modules --query limit=100
  moonkey api GET "/accounts/api-tokens?select=audit&status='Active'&limit=5" | jq .data
  moonkey api PUT /accounts/api-tokens/TKN-1234-5678 --json '{"name": "CRM robot"}'
  moonkey api POST /accounts/api-tokens/TKN-1234-5678/disable
  moonkey api POST /catalog/products --json @product.json -H 'Accept-Language: de'

/public/v1 may stand before PATH, or be left out. In a reply, null and absent are the same: what is
null is not shown. GET, PUT and DELETE are tried again where that may help, POST and PATCH are not.
Exit: 0 done, 1 refused by the platform or failed, 4 not authorised, 5 refused by a guard.]],
}

M.METHODS = { "GET", "POST", "PUT", "PATCH", "DELETE" }

function M.configure(cmd)
  cmd:argument("method", "GET, POST, PUT, PATCH or DELETE."):argname("METHOD")
  cmd:argument("path", "Such as /accounts/modules; a query may stand behind a ?, as RQL."):argname("PATH")
  cmd:option("--query", "A parameter of the query, encoded where needed; may be repeated."):argname("NAME=VALUE"):count("*")
  cmd:option("--json", "The body: JSON text, @FILE, or - for standard input."):argname("TEXT"):count("*")
  cmd:option("-H --header", "Send this header, too: 'Name: value'; may be repeated."):argname("HEADER"):count("*")
  cmd:option("-o --output", "json, or jsonl for one line (default: json)."):choices{ "json", "jsonl" }
end

local function method_of(word)
  local method = word:upper()
  for _, known in ipairs(M.METHODS) do
    if known == method then return method end
  end
  local near = nearest(method, M.METHODS)
  stop.usage(("there is no method %s; %s"):format(word, near and ("did you mean %s?"):format(near)
    or "there are " .. table.concat(M.METHODS, ", ")))
end

-- The path, and the query behind its "?".
local function split(text)
  if text:find("^%a+://") then
    stop.usage(("PATH is a path such as /accounts/modules, not a URL; --base-url says where the API is (%s)"):format(text))
  end
  local path, query = text:match("^([^?]*)%??(.*)$")
  if path == "" then stop.usage("PATH is empty; expected something like /accounts/modules") end
  return path:find("^/") and path or "/" .. path, query ~= "" and query or nil
end

-- Two parts of a text at its first separator, as entries of a table in which no name is given twice.
local function entries(flag, texts, pattern, example)
  local found
  for _, text in ipairs(texts) do
    local name, value = text:match(pattern)
    if not name then stop.usage(("%s %s: expected %s"):format(flag, text, example)) end
    found = found or {}
    if found[name] then stop.usage(("%s: %s is given twice"):format(flag, name)) end
    found[name] = value
  end
  return found
end

local function query_of(args, behind_path)
  local parameters = entries("--query", args.query, "^([^=]+)=(.*)$", "NAME=VALUE, such as limit=100")
  if parameters and behind_path then
    stop.usage("a query stands behind the ? of PATH, and in --query; give it in one place")
  end
  return parameters or behind_path
end

local function json_of(texts, method)
  if #texts == 0 then return nil end
  if #texts > 1 then stop.usage("--json is given twice; a request has one body") end
  if method == "GET" then stop.usage("a GET has no body; --json goes with POST, PUT and PATCH") end
  local text, path = texts[1], texts[1]:match("^@(.*)$")
  if text == "-" then path = "-" end
  if path then return bodies.decode(bodies.name("--json", path), bodies.read("--json", path)) end
  return bodies.decode("--json", text)
end

-- What the call refuses before anything is sent is a mistake of the command line.
local function request(method, path, options)
  local ok, body, err = pcall(api.request, method, path, options)
  if ok then return body, err end
  if type(body) ~= "string" then error(body, 0) end
  stop.usage((body:gsub("^[^:\n]+:%d+: ", ""):gsub("^bad argument #%d+ to '[^']+' %((.*)%)$", "%1")))
end

-- A new token tells its secret once, and no secret is shown here.
local function tell_of_lost_secret(method, path, body)
  if method == "POST" and path:find("/accounts/api%-tokens/?$") and type(body) == "table" and body.token ~= nil then
    log.warn("the new token's secret is not shown here, and nobody can have it again; `moonkey token create` keeps it, with "
      .. "--secret-file or --reveal")
  end
end

function M.run(args)
  local method = method_of(args.method)
  local path, behind_path = split(args.path)
  local options = { query = query_of(args, behind_path), json = json_of(args.json, method),
    headers = entries("-H", args.header, "^%s*([^:%s]+)%s*:%s*(.-)%s*$", "'Name: value'") }
  connect.configure(args, 1)
  local body, err = request(method, path, options)
  if errors.is(err) then
    if err.kind ~= "refused" or not http.dry_run() then return failure.report(err) end
    log.info("dry run: %s %s was not sent", method, path)
    return 0
  end
  if body ~= true then output.print(body, args.output == "jsonl") end
  tell_of_lost_secret(method, path, body)
  return 0
end

return M
