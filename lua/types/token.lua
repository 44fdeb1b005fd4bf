---@meta moonkey.token
-- The global `token`, and the same table from require "moonkey.token". Types for the Lua language server; nothing here runs.

---A token object of the platform. A JSON null is absent, and so is whatever the credential's account may not see.
---Tokens of a list leave out `modules` and `audit` unless they are selected.
---Source: /public/v1/accounts/api-tokens and /{id} of the platform's API.
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

---A new token. Source: POST /public/v1/accounts/api-tokens.
---@class moonkey.NewTokenFields : moonkey.TokenFields
---@field name string
---@field account? string|{ id: string } `ACC-NNNN-NNNN`; absent: the platform decides, or refuses

---What a list asks for. Source: the platform's query language (RQL), its paging and selection.
---
---`where`: an expression of moonkey.rql; or RQL as text, which the platform judges; or properties and what they have
---to equal, all of them. What it or `order` says of `audit` selects `audit`.
---@class moonkey.ListOptions
---@field where? moonkey.Rql|string|table<string, moonkey.RqlValue|moonkey.Null>
---@field select? string|string[] fields beside the usual ones, or without them: "modules,-token"
---@field order? string|string[] properties, descending after a `-`: "-lastAccessAt,name"; `id` is put behind them
---@field limit? integer the most rows in all; 0 makes no request
---@field page_size? integer rows of a request, 1 to 100; 100. A server may give fewer

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

---All tokens that the credential's account may see, or those that `where` describes, page by page:
---`for tok in token.list{ where = { status = "Active" }, limit = 500 } do … end`. No request is made before the first token is
---asked for; from then on the page behind the current one is on its way while the script works. Leaving the loop cuts that off.
---
---No id comes twice. Where tokens vanish from the list while it is read, such as those that the script disables, none of the others
---is left out; one that appears in it meanwhile may be. A list always ends; the log has a warning where the platform told of more
---tokens than came. Several tasks may call one iterator.
---A page that failed raises its moonkey.Error, as does each call after it. Misuse raises where list was called: an unknown option
---or a wrong type, `limit=` or `order=` within `where`.
---@param options? moonkey.ListOptions
---@return fun(): moonkey.Token? next
---@return nil
---@return nil
---@return table closing of the generic for: it cuts off what is on its way
function token.list(options) end

---Make a token: one POST, which is never sent twice. Parks the task; others run meanwhile.
---`err.unknown` is true where it broke off and a token may have been made: look before you repeat it.
---The secret is in `token` of the token that is returned, and may not be shown again by the platform; see moonkey.secret.
---Misuse raises: no name, an unknown field or a wrong type. Under --dry-run nothing is written; what is returned has no id.
---@param fields moonkey.NewTokenFields
---@param opts? moonkey.CallOptions
---@return moonkey.Token? token nil when it failed
---@return moonkey.Error? err
function token.create(fields, opts) end

---Switch a disabled token on: one POST, which is never sent twice; `err.unknown` is true where it broke off and may have been done.
---The platform answers 400 where the token is Active already, and 404 where it is deleted. Parks the task; others run meanwhile.
---Under --dry-run it is only read, and returned or refused as the platform would.
---@param id string
---@param opts? moonkey.CallOptions
---@return moonkey.Token? token nil when it failed
---@return moonkey.Error? err
function token.enable(id, opts) end

---Switch an active token off. Everything else as for enable; the credential's own token needs --allow-self.
---@param id string
---@param opts? moonkey.CallOptions
---@return moonkey.Token? token nil when it failed
---@return moonkey.Error? err
function token.disable(id, opts) end

---Delete a token, for good: one DELETE, tried again where that may help; a 404 of the second attempt may mean that the first one
---has done it. Parks the task; others run meanwhile. The credential's own token needs --allow-self. Under --dry-run it is only read.
---@param id string
---@param opts? moonkey.CallOptions
---@return true? deleted nil when it failed
---@return moonkey.Error? err
function token.delete(id, opts) end

---Read a token, let a function change a copy of it, and write what differs, and nothing where nothing does:
---`token.edit(id, function(tok) tok.name = tok.name:upper() end)`.
---
---name, description, icon and modules (a set of ids) can be changed; nil or json.null clears description or icon. Just before the
---write the token is read again: where its fields, `revision` or `audit.updated.at` are not what they were, nothing is written, and
---err.kind is "drift". So there are one or three requests, each with the limits of `opts`. Parks the task; others run meanwhile.
---What fn raises goes through. Misuse raises at the caller's line, a change of any other field too.
---Under --dry-run nothing is written; the token is returned as it would be.
---@param id string
---@param fn fun(tok: moonkey.Token): moonkey.Token? it changes the copy, which is its own, or returns another whole token
---@param opts? moonkey.CallOptions
---@return moonkey.Token? token nil when it failed
---@return boolean|moonkey.Error|nil changed was something written; or the error
function token.edit(id, fn, opts) end

return token
