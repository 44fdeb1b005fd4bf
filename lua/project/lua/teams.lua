-- Teams in the names of tokens: "CRM - nightly import" is a token of the team CRM.
local M = {}

-- The team that a name tells of, or nil.
function M.of(name)
  return name:match("^(%u+) %- ")
end

-- The name with this team before it, in place of another one.
function M.put_before(name, team)
  return team .. " - " .. name:gsub("^%u+ %- ", "")
end

-- Put a team before the name of a token. Returns the token and whether it was changed, or nil and an error.
function M.assign(id, team)
  return token.edit(id, function(tok)
    tok.name = M.put_before(tok.name, team)
  end)
end

return M
