-- The fields of tokens, and how `token list` and `token get` show them.
local M = {}

M.KNOWN = { "id", "name", "description", "icon", "status", "lastAccessAt", "account", "modules", "audit", "revision",
  "extensions", "token", "$meta" }

M.OPTIONAL = { modules = true, audit = true } -- a list leaves them out, unless they are asked for

M.SPECIAL = {
  lastAccessAt = { title = "LAST USED", none = "never" },
  ["account.id"] = { title = "ACCOUNT" },
  modules = { none = "none" },
}

local TABLE = { "id", "status", "lastAccessAt", "account.id", "name" }
local CSV = { "id", "name", "description", "icon", "modules" } -- what batch takes, and nothing else

-- The columns by default of a format; JSON has none.
function M.columns(format)
  if format == "csv" then return CSV end
  return (format == "json" or format == "jsonl") and {} or TABLE
end

-- A token as it is written: without its secret, and without what only the reply was about.
function M.public(tok)
  tok.token, tok["$meta"] = nil, nil
  return tok
end

return M
