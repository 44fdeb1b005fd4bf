---@meta moonkey.token
-- The global `token`, and the same table from require "moonkey.token". Types for the Lua language server; nothing here runs.

---A token object of the platform. A JSON null is absent, and so is whatever the credential's account may not see.
---Source: GET and PUT /public/v1/accounts/api-tokens/{id} of the platform's API.
---@class moonkey.Token
---@field id string `TKN-NNNN-NNNN`
---@field name string
---@field description? string
---@field icon? string
---@field status "Active"|"Disabled"|"Deleted"
---@field token? moonkey.Secret the secret of the token: prints and encodes as `[redacted]`; not every version returns it
---@field account moonkey.Account
---@field modules? moonkey.Module[]
---@field audit? table<string, moonkey.Event> by event: `created`, `updated`, `enabled`, `disabled`; those that occurred
---@field lastAccessAt? string UTC timestamp with milliseconds; see moonkey.time
---@field revision? integer 1 when created, 1 more with each change; newer versions only
---@field extensions? table[] newer versions only
---@field ["$meta"]? table `omitted`: the names of the fields that were left out

---@class moonkey.Account
---@field id string `ACC-NNNN-NNNN`
---@field type? "Client"|"Operations"|"Vendor"
---@field status? string
---@field name? string
---@field icon? string

---@class moonkey.Module A permission module of the platform, not a Lua module.
---@field id string `MOD-NNNN`
---@field name? string
---@field description? string
---@field filters? table
---@field settings? table

---@class moonkey.Event
---@field at string UTC timestamp with milliseconds
---@field by? table the user or token that did it: `id`, `name`

---What an update changes. An absent field stays as it is; the body sent holds exactly the fields that are given.
---@class moonkey.TokenFields
---@field name? string at most 200 characters of letters, digits, space and `-` `.` `'` `"`; the platform checks
---@field description? string|moonkey.Null at most 2000 characters; json.null clears it
---@field icon? string|moonkey.Null json.null clears it
---@field modules? (string|{ id: string })[] the whole set afterwards; `{}` removes them all

---@class moonkey.CallOptions
---@field max_time? number seconds for the call with its retries, more than 0; can only lower --max-time
---@field retry? integer how often the call is tried again; can only lower --retry

---@class moonkey.UpdateOptions : moonkey.CallOptions
---@field reply? boolean false: nobody needs the updated token. The reply is checked just the same, but no table is made of it

---@class moonkey.Change One field of what an update would change.
---@field field string
---@field from any as JSON has it; modules are a list of ids
---@field to any

---@class moonkey.token
token = {}

---Change a token: one PUT, tried again where that may help. Parks the task; others run meanwhile.
---Misuse raises: an empty id, no fields, an unknown field or a wrong type.
---Under --dry-run nothing is written: it reads the token, and returns what it would be and a list of moonkey.Change.
---@param id string
---@param fields moonkey.TokenFields
---@param opts? moonkey.UpdateOptions
---@return moonkey.Token|true|nil updated nil when it failed; true with `reply = false`
---@return moonkey.Error|moonkey.Change[]|nil err
function token.update(id, fields, opts) end

---Read a token: one GET, tried again where that may help. Parks the task; others run meanwhile.
---@param id string
---@param opts? moonkey.CallOptions
---@return moonkey.Token? token nil when it failed
---@return moonkey.Error? err
function token.get(id, opts) end

return token
