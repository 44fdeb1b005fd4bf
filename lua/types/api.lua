---@meta moonkey.api
-- Any endpoint of the platform, with the same credential, retries and guards as the token calls.

---@class moonkey.RequestOptions: moonkey.CallOptions
---@field query? string|table<string, string|number|boolean> an RQL expression as it is, or parameters; encoded where a URL needs it
---@field json? any the body, encoded; json.null is null, and a table without members is `{}` unless json.array made it
---@field headers? table<string, string> beside the usual ones; Authorization, Host and the like are the host's

---@class moonkey.api
local M = {}

---Send one request, and again where that may help: GET, PUT and DELETE; POST and PATCH only where nothing was sent. Parks the
---task; others run meanwhile.
---
---A POST that breaks off may have been carried out: err.unknown is true then. In replies a JSON null is absent, and every string
---member `token` is a secret object. Misuse raises: an unknown method or option, a path with `..`, a header that is the host's.
---@param method "GET"|"POST"|"PUT"|"PATCH"|"DELETE"
---@param path string such as `/accounts/modules`, percent-encoded; `/public/v1` may stand before it
---@param options? moonkey.RequestOptions
---@return any body decoded JSON of any kind (null is json.null, and false is false); true for an empty body; nil when it failed
---@return moonkey.Error? err
function M.request(method, path, options) end

return M
