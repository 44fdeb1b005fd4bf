---@meta _
-- Modules of your own that moonkey finds by their names: what a file of lua/moonkey/KIND/NAME.lua has to return. These are types for
-- your annotations; there is nothing to be required.

---moonkey.command.NAME: the command `moonkey NAME`. It runs like a script: with the global `token`, and its calls may wait.
---@class moonkey.CommandModule
---@field summary? string one line, for the list of commands
---@field description? string for --help, and for `moonkey help NAME`
---@field configure? fun(cmd: table) adds options and arguments to a command of argparse
---@field run fun(args: table): integer? what argparse makes of the words; returns the exit code, 0 if nothing

---moonkey.format.NAME: `--format NAME`, and files with its extensions.
---@class moonkey.FormatModule
---@field summary? string
---@field extensions? string[] of names of files, without the dot
---@field open fun(file: file*, options: moonkey.FormatOpening): (fun(): moonkey.Row|string[]|nil, integer|table|string|nil), function?, string[]? next_row, close and columns; nil and a message where the input cannot be used. next_row gives a row and its line; nil, `{ line =, message = }` for one that is wrong; nil at the end. With columns a row is a list of cells, which mean what they mean in CSV

---@class moonkey.FormatOpening
---@field path? string the file's name; nil for standard input
---@field name string for messages

---moonkey.output.NAME: `-o NAME` of `report` and of lists; one of the two functions is enough. What they write has secrets masked.
---@class moonkey.OutputModule
---@field summary? string
---@field report? fun(facts: table, write: fun(...: any), results: fun(): (fun(): moonkey.RowResult?)) facts: what `moonkey report -o json` prints
---@field list? fun(write: fun(...: any), columns: string[]): (fun(object: table, cells: string[])), fun()? what takes an object, and what is called once after the last

---moonkey.credential.NAME: `credential_source = "NAME"` in a profile. It may return only its function.
---@class moonkey.CredentialModule
---@field read fun(options: table): string?, string? is given credential_options; returns the credential, or nil and why there is none

---moonkey.check.NAME: `plan --check NAME`, and `checks = { "NAME" }` in a profile. It may return only its first function.
---@class moonkey.CheckModule
---@field summary? string
---@field check fun(change: moonkey.PlannedChange, report: fun(message: string)) is called with each row that changes something, and reports what is wrong with it
---@field finish? fun(report: fun(message: string)) once after the last row: for what no row shows alone

---@class moonkey.PlannedChange
---@field row integer
---@field line? integer
---@field id string
---@field changes moonkey.Change[]
---@field before table<string, any> by field, what the token has
---@field after table<string, any> by field, what it is to have
