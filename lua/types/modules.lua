---@meta moonkey.modules
-- The platform's permission modules, which decide what a token may do. Only accounts of type Operations may see them; others get
-- a 403. Source: GET /public/v1/accounts/modules and /{id} of the platform's API.

---@class moonkey.modules
local M = {}

---Read a module: one GET, tried again where that may help. Parks the task; others run meanwhile. Misuse raises: an empty id, an
---unknown option.
---@param id string `MOD-NNNN`
---@param opts? moonkey.CallOptions
---@return moonkey.Module? module nil when it failed
---@return moonkey.Error? err
function M.get(id, opts) end

---All modules, or those that `where` describes, page by page: `for module in modules.list{ order = "name" } do … end`. As
---token.list, with the same options, promises and errors.
---@param options? moonkey.ListOptions
---@return fun(): moonkey.Module? next
---@return nil
---@return nil
---@return table closing of the generic for
function M.list(options) end

return M
