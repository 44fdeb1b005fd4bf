---@meta moonkey.secret

---A value that must not be shown: print, tostring, `..`, string.format and json.encode give `[redacted]`. Two with the same value are
---equal. The memory is wiped when it is collected.
---@class moonkey.Secret: userdata
---@operator concat(any): string

---@class moonkey.secret
local M = {}

---@param value string
---@return moonkey.Secret
function M.new(value) end

---The one way to the value. From here on, the string is the script's to protect. That of the credential in use is masked before a
---script gets it, and stays `[redacted]`.
---@param secret moonkey.Secret
---@return string value
function M.reveal(secret) end

---@param value any
---@return boolean
function M.is(value) end

---The text with everything masked that looks like a secret: the run's credential, `idt:TKN-…:…`, an Authorization header, a JSON
---member `token`.
---@param text string
---@return string
function M.redact(text) end

return M
