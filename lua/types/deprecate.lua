---@meta moonkey.deprecate
-- For authors of modules: tells those who use a function that it will go away, once for each line that calls it.

---@class moonkey.Deprecation
---@field since? string a version or a date
---@field instead? string what to use
---@field removed? string when it will be gone

---@class moonkey.deprecate
local M = {}

---Call this in the function that is deprecated. The log has a warning with the place of the call.
---@param name string such as "teams.rename"
---@param details? moonkey.Deprecation
function M.announce(name, details) end

return M
