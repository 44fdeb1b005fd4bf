--[[
moonkey.modules: the platform's permission modules. Only accounts of type Operations may see them; others get a 403.

Source: GET /public/v1/accounts/modules and /{id} (api-contract, section 1).
]]
local core = require "moonkey.token.core"
local pages = require "moonkey.pages"

local M = {}

-- The module with this id, or nil, err.
M.get = core.get_module

-- for module in modules.list{ where =, select =, order =, limit =, page_size = } do: see moonkey.pages.
function M.list(options)
  return pages.of("/accounts/modules", options, "modules.list")
end

return M
