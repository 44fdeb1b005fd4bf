--[[
Switch off tokens that nobody has used for a long time.

  moonkey scripts/disable_unused.lua --days 90                        # what would be switched off, and since when it is unused
  moonkey scripts/disable_unused.lua --days 90 --keep keep.txt --apply

Left alone are: the token of the credential in use, those of --keep (a file with an id or a name a line; * stands for any text),
and those that were created less than --days ago, or of which that is not known: nobody may have got round to using them. Each
token is read again just before it is switched off. What was switched off is switched on again with `moonkey token enable`.
]]
local changes = require "changes"
local glob = require "glob"
local http = require "moonkey.http"
local options = require "options"
local rql = require "moonkey.rql"
local time = require "moonkey.time"

local DAY = 86400

local parser = options.parser("disable_unused.lua", "Switch off tokens that were not used for a number of days.", [[
Examples:
  moonkey scripts/disable_unused.lua --days 180
  moonkey scripts/disable_unused.lua --days 180 --keep keep.txt --apply
  moonkey --max-changes 20 scripts/disable_unused.lua --apply
A token that was created less than --days ago is left alone, and so is the one of the credential in use.]])
parser:option("--days", "Not used for so many days.", "90"):argname("N"):convert(options.count "--days")
parser:option("--keep", "File with tokens to leave alone: an id or a name a line, * for any text."):argname("FILE")
options.account(parser)
options.writes(parser)
local opts = parser:parse(arg)
if opts.days == 0 then options.refuse("--days 0 would be all tokens; give 1 or more") end

local now = time.now()
local cutoff = now - opts.days * DAY
local keep = glob.any(opts.keep and options.lines(opts.keep) or {})
local _, _, _, own_id = http.origin()

local function days_since(seconds)
  return (now - seconds) // DAY | 0
end

-- When the token was last used; 0 for never.
local function last_use(tok)
  return tok.lastAccessAt and assert(time.parse(tok.lastAccessAt)) or 0
end

-- Why the token is left alone; nil where it is not.
local function reason_to_keep(tok)
  local created = tok.audit and tok.audit.created and time.parse(tok.audit.created.at)
  if tok.id == own_id then return "the credential in use is its own" end
  if keep(tok.id) or keep(tok.name) then return "--keep names it" end
  if not created and last_use(tok) == 0 then return "when it was created is not known" end
  if created and created > cutoff then return ("created %d days ago"):format(days_since(created)) end
end

local function disable(tok)
  local current, err = token.get(tok.id)
  if not current then return nil, err end
  if current.status ~= "Active" then return false, "it is " .. current.status .. " already" end
  if last_use(current) > cutoff then return false, "it was used just now" end
  return token.disable(tok.id)
end

local where = rql.eq("status", "Active") & (rql.lt("lastAccessAt", cutoff) | rql.eq("lastAccessAt", rql.null))
if opts.account then where = where & rql.eq("account.id", opts.account) end

local list = changes.new(opts)
for tok in token.list{ where = where, select = "audit", order = "lastAccessAt" } do
  local used = last_use(tok)
  local reason = reason_to_keep(tok)
  if reason then
    list:skip(tok, reason)
  elseif used <= cutoff then
    local since = used > 0 and ("not used for %d days"):format(days_since(used)) or "never used"
    list:add(tok, "disable, " .. since, function() return disable(tok) end)
  end
end
list:finish()
