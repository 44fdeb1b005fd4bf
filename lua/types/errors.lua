---@meta moonkey.errors

---Why a call failed. tostring(err) is one line that says what was done, what went wrong and what to do.
---The wire's error bodies, whatever their shape, become this one; secrets in them are masked.
---@class moonkey.Error
---@field kind moonkey.ErrorKind
---@field status? integer HTTP status; absent when there was no reply
---@field title? string
---@field detail? string
---@field errors moonkey.FieldError[] may be empty; at most a hundred, and one that says how many more there were
---@field trace_id? string the platform's, for its support
---@field traceparent? string of the last request that was sent (W3C Trace Context), to find it in logs
---@field certificate? boolean true where the server's certificate, or ours, was refused: the run stops
---@field unfinished? boolean true where another attempt was due, but the run was stopped
---@field unknown? boolean true for a request that must not be repeated (POST) and may have been carried out all the same
---@field attempts integer HTTP exchanges that were made; 0 when nothing was sent
---@field retryable boolean could the same call succeed later?
---@field method string
---@field path string
---@field host string with the port where the URL names one
local Error = {}

---@class moonkey.FieldError
---@field field? string
---@field message string
---@field more? integer how many more there were

---@alias moonkey.ErrorKind
---| "api"              # the platform refused: a status that is not 2xx, 401 or 403
---| "auth"             # 401 (the run stops) or 403 (20 in a row stop it)
---| "transport"        # no connection, or it broke, or a certificate was refused
---| "timeout"          # no reply in time; a write may have been applied
---| "invalid_response" # 2xx, but its body cannot be used; a write was probably applied
---| "cancelled"        # not sent, because the run is stopping
---| "refused"          # not sent, because moonkey forbids it: --read-only, --dry-run, --restricted, the self-lockout guard, no consent
---| "drift"            # not sent, because the token is not any more what the change was made from: token.edit, plans

---@class moonkey.errors
local M = {}

---Every kind of error.
---@type moonkey.ErrorKind[]
M.KINDS = {}

---Is this value the error of a call?
---@param value any
---@return boolean
function M.is(value) end

return M
