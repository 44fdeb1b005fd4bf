---@meta moonkey.http
-- What a script may know of the connection that its calls share. It cannot be changed.

---@class moonkey.http
local M = {}

---Where the calls go, and as whom.
---@return string host with the port, where there is one
---@return string base_url
---@return string source where the credential came from, as text; never the credential
---@return string token_id of the credential's own token; "" where it does not name it
function M.origin() end

---Are writes previewed instead of sent (--dry-run)?
---@return boolean
function M.dry_run() end

---No write is sent from now on, whoever asks for it: they end in an error of the kind "refused". Nothing takes that back.
---For scripts that show what they would do.
function M.forbid_writes() end

---Why nothing more is sent: the platform refused the credential ("auth", or "forbidden" many times in a row), a certificate was
---refused, there was no consent; "limit": no more writes, after --max-changes. moonkey says so, and has an exit code for it.
---@return "auth"|"forbidden"|"certificate"|"consent"|"limit"|nil reason nil while things go on
function M.stop_reason() end

return M
