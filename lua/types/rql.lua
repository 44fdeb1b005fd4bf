---@meta moonkey.rql
-- Queries of the platform's lists (RQL), built from values: quoting and percent-encoding are done here, and nothing that stands in
-- a value can change what a query means. tostring(expression) is what follows the "?" of a URL. Misuse raises at the caller's line.

---An expression. It cannot be changed, and is composed with `&`, `|` and `~`; `==` compares what expressions say.
---@class moonkey.Rql
---@operator band(moonkey.Rql): moonkey.Rql
---@operator bor(moonkey.Rql): moonkey.Rql
---@operator bnot: moonkey.Rql

---A text; a number (seconds since 1970 for a date: `lastAccessAt`, or a property that ends in `.at`); true or false.
---@alias moonkey.RqlValue string|number|boolean

---What is wrong with a text that rql.parse does not take. tostring gives all of it as one line.
---@class moonkey.RqlError
---@field message string in the platform's words
---@field key string what it is about: a property, an operator, or "rql_validation"
---@field position integer of the character in the text

---@class moonkey.rql
---@field null table what a missing value is compared with: `rql.eq("description", rql.null)`
---@field empty table the empty text, as the platform's empty()
local M = {}

M.null = {}
M.empty = {}

---Property names are checked for their form only; the platform knows which there are. Texts are compared with regard to case.
---@param property string such as "status" or "account.id"
---@param value moonkey.RqlValue|table rql.null and rql.empty too
---@return moonkey.Rql
function M.eq(property, value) end

---Not equal. Tokens that have no value at all are not among them.
---@param property string
---@param value moonkey.RqlValue|table
---@return moonkey.Rql
function M.ne(property, value) end

---@param property string
---@param value moonkey.RqlValue|table
---@return moonkey.Rql
function M.gt(property, value) end

---@param property string
---@param value moonkey.RqlValue|table
---@return moonkey.Rql
function M.ge(property, value) end

---@param property string
---@param value moonkey.RqlValue|table
---@return moonkey.Rql
function M.lt(property, value) end

---@param property string
---@param value moonkey.RqlValue|table
---@return moonkey.Rql
function M.le(property, value) end

---`*` at the beginning or the end of the pattern stands for anything; without it the whole text has to match. Minds case.
---@param property string
---@param pattern string
---@return moonkey.Rql
function M.like(property, pattern) end

---As like, whatever the case.
---@param property string
---@param pattern string
---@return moonkey.Rql
function M.ilike(property, pattern) end

---@param property string
---@param values moonkey.RqlValue[] not empty
---@return moonkey.Rql
function M.in_(property, values) end

M["in"] = M.in_

---None of the values; tokens that have no value at all are among them.
---@param property string
---@param values moonkey.RqlValue[] not empty
---@return moonkey.Rql
function M.out(property, values) end

---Does the text occur in it, whatever the case? Stars in the text are stars.
---@param property string
---@param text string
---@param options? { case: boolean } case = true minds case
---@return moonkey.Rql
function M.contains(property, text, options) end

---@param property string
---@param text string
---@param options? { case: boolean }
---@return moonkey.Rql
function M.starts_with(property, text, options) end

---@param property string
---@param text string
---@param options? { case: boolean }
---@return moonkey.Rql
function M.ends_with(property, text, options) end

---Is there an element, or one for which `expression` holds? Property names in it are the element's:
---`rql.any("modules", rql.eq("id", "MOD-1756"))`.
---@param property string
---@param expression? moonkey.Rql
---@return moonkey.Rql
function M.any(property, expression) end

---@param property string
---@param expression moonkey.Rql
---@return moonkey.Rql
function M.all(property, expression) end

---`a & b`, for any number of expressions.
---@param ... moonkey.Rql
---@return moonkey.Rql
function M.and_(...) end

M["and"] = M.and_

---`a | b`, for any number of expressions.
---@param ... moonkey.Rql
---@return moonkey.Rql
function M.or_(...) end

M["or"] = M.or_

---`~a`
---@param expression moonkey.Rql
---@return moonkey.Rql
function M.not_(expression) end

M["not"] = M.not_

---The time as the platform writes it: UTC, with milliseconds.
---@param seconds number since 1970
---@return string
function M.date(seconds) end

---The value as it goes on the wire, for queries that are put together by hand: quoted and percent-encoded.
---@param value moonkey.RqlValue
---@return string
function M.quote(value) end

---What follows the "?" of a URL, by the platform's grammar.
---@param text string
---@return moonkey.Rql? expression
---@return moonkey.RqlError? err
function M.parse(text) end

---@param value any
---@return boolean is it an expression?
function M.is(value) end

---Do both say the same, in the same order?
---@param a moonkey.Rql
---@param b moonkey.Rql
---@return boolean
function M.equal(a, b) end

---Does the expression name the property, or one below it? `rql.uses(expression, "audit")`
---@param expression moonkey.Rql
---@param property string
---@return boolean
function M.uses(expression, property) end

return M
