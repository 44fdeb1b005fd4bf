--[[
moonkey.token: the platform's API tokens. The global `token` is this table.

Calls about one token are the host's. What is made of them is loaded when it is used first.
]]
local core = require "moonkey.token.core"
local require = require -- of the host: a script's may be anything

local M = {
  create = core.create,
  delete = core.delete,
  disable = core.disable,
  edit = core.edit,
  enable = core.enable,
  get = core.get,
  update = core.update,
}

-- for tok in token.list{ where =, select =, order =, limit =, page_size = } do: see moonkey.pages.
function M.list(options)
  return require("moonkey.pages").of("/accounts/api-tokens", options, "token.list")
end

return M
