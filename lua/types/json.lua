---@meta moonkey.json

---JSON's null: truthy, so compare with `== json.null`. Token objects have none: there a null is absent.
---@class moonkey.Null: lightuserdata

---@class moonkey.json
---@field null moonkey.Null
local M = {}

---Lua value to JSON text. A list is a table made by json.array, or one with the keys 1 to n and no others; an empty table that is not
---marked is `{}`. Keys are sorted. 64-bit integers are exact. A secret is written as `"[redacted]"`.
---Raises for what JSON has no form for (NaN, functions, mixed keys), text that is not UTF-8, and nesting deeper than 128.
---@param value any
---@param opts? { order?: string[] } keys of the outermost object that come first, in this order
---@return string text
function M.encode(value, opts) end

---JSON text to a Lua value. Arrays are marked, so that an empty one stays one; null is json.null; integers are exact within 64 bits.
---Refused: invalid JSON, NaN and the like, invalid UTF-8, nesting deeper than 128, and more than 16 MiB.
---@param text string
---@return any value nil when the text cannot be decoded
---@return string? message
function M.decode(text) end

---Mark a table as a list, so that it is encoded as `[]` when it is empty.
---@generic T: table
---@param list? T a new table if absent
---@return T list the same table
function M.array(list) end

---Is this a table that decode or json.array has marked as a list?
---@param value any
---@return boolean
function M.is_array(value) end

---Is this text valid UTF-8, without surrogates?
---@param text string
---@return boolean
function M.is_utf8(text) end

return M
