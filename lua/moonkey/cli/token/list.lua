-- moonkey token list: the tokens that match, page by page.
local connect = require "moonkey.cli.connect"
local failure = require "moonkey.cli.failure"
local fields = require "moonkey.cli.token.fields"
local filter = require "moonkey.cli.token.filter"
local listing = require "moonkey.cli.listing"
local selection = require "moonkey.cli.selection"
local stop = require "moonkey.cli.stop"
local token = require "moonkey.token"

local M = {
  summary = "list tokens, all or those that match",
  description = [[
Lists the tokens that the credential's account may see, and that meet every condition.

  moonkey token list --status Active --unused-for 90d
  moonkey token list --name 'crm*' --module MOD-9042 -o csv > crm.csv
  moonkey token list --where "account.type='Vendor'" --select audit,modules -o jsonl
  moonkey token list --order -lastAccessAt,name --limit 20

-o csv writes a file that `moonkey plan` and `moonkey batch` take: edit it in a spreadsheet, look at
the plan, and apply it. Its columns are id, name, description, icon and modules; with others, by
--select, batch refuses it. What a token does not have is an empty cell, and an empty cell changes
nothing. An apostrophe stands before what a spreadsheet would take for a formula, a number or a date
('007, '=a), before the text \N, and for an empty text; batch takes it away again. What would not
come back as it was (control characters, a space at the end, what looks like a secret) is left out,
and said. --bom tells Excel that it is UTF-8.

-o json and jsonl have the objects of the platform, without the secrets of tokens, which are never
shown. A list has neither modules nor audit by default: --select modules,audit adds them.]],
}

function M.configure(cmd)
  filter.configure(cmd)
  listing.configure(cmd)
  cmd:flag("--bom", "With -o csv: begin with a byte order mark, without which Excel takes accents for something else.")
end

local function choose(args, format)
  local columns, select = selection.choose{ select = args.select, known = fields.KNOWN, columns = fields.columns(format),
    special = fields.SPECIAL, optional = format == "csv" and fields.OPTIONAL or {} }
  for _, item in ipairs(select) do
    if item:gsub("^%+", "") == "token" then
      stop.usage("--select token: the secret of a token is not shown; `moonkey token create --reveal` shows that of a new one")
    end
  end
  select[#select + 1] = "-token"
  return columns, select
end

function M.run(args)
  local format = args.output or "table"
  if args.bom and format ~= "csv" then stop.usage("--bom is for -o csv") end
  local columns, select = choose(args, format)
  local options = { where = filter.of(args), select = select, order = selection.order(args.order, fields.KNOWN),
    limit = listing.limit(args) }
  connect.configure(args, 1)
  return listing.run{ format = format, columns = columns, bom = args.bom, what = "token", public = fields.public,
    items = function() return token.list(options) end, failed = failure.of_raised }
end

return M
