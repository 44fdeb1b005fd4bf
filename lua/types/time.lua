---@meta moonkey.time
-- Timestamps as the API writes them (RFC 3339, UTC, milliseconds), to and from seconds since 1970-01-01T00:00:00Z.

---@class moonkey.time
local M = {}

---@return number seconds since 1970, with a fraction
function M.now() end

---"2025-07-15T17:41:44.029Z" to 1752601304.029. Offsets such as +02:00 are understood.
---@param text string
---@return number? seconds an integer when there is no fraction; nil for what is not a timestamp
---@return string? message
function M.parse(text) end

---1752601304.029 to "2025-07-15T17:41:44.029Z". Raises for years outside 0 to 9999.
---@param seconds number since 1970
---@return string text
function M.format(seconds) end

return M
