---@meta moonkey.log
-- Messages for people, on standard error, with secrets masked. Standard output is left to data.

---@alias moonkey.LogLevel "debug"|"info"|"warn"|"error"|"off"

---@class moonkey.log
local M = {}

---Shown with --log-level debug. Like string.format; a lone argument is taken as it is.
---@param format any
---@param ... any
function M.debug(format, ...) end

---@param format any
---@param ... any
function M.info(format, ...) end

---@param format any
---@param ... any
function M.warn(format, ...) end

---@param format any
---@param ... any
function M.error(format, ...) end

---Would a message of this level be shown?
---@param level moonkey.LogLevel
---@return boolean
function M.enabled(level) end

---Keep `line` at the bottom of the terminal, below the messages; nil takes it away. Only for a standard error that is a terminal.
---@param line? string UTF-8, one line, no wider than the terminal
function M.status(line) end

---What --log-level, --log-format and --color set.
---@param options { level?: moonkey.LogLevel, format?: "text"|"json", color?: boolean }
function M.configure(options) end

return M
