---@meta moonkey.task
-- Functions that run side by side. A call that waits (token.update, task.sleep, …) parks only its own task; between two waits a task
-- has everything to itself. A script ends when all its tasks have.

---A task that was started. One that fails and is never joined makes the run fail, with its traceback.
---@class moonkey.Task
local Task = {}

---Wait for the end of the task.
---@return any ... what its function returned; raises what it raised
function Task:join() end

---@class moonkey.task
local M = {}

---Start fn(...) as a task.
---@param fn fun(...): any
---@param ... any
---@return moonkey.Task
function M.spawn(fn, ...) end

---Wait while other tasks run. Raises "interrupted" on Ctrl-C.
---@param seconds number 0 to 1e9
function M.sleep(seconds) end

---Call fn(item) for each item, a few at a time. How many requests are on the way at once is also limited by -j.
---An error raised in fn starts no further calls, waits for those under way, and is raised again.
---@generic T, R
---@param items T[]|fun(): T? a list, or an iterator that ends with nil
---@param fn fun(item: T): R?, any
---@param opts? { jobs?: integer } how many at a time; 10
---@return table<integer, R> results the first result of each call, by index
---@return table<integer, any> errors by index, the second result of calls whose first was nil
function M.map(items, fn, opts) end

---Call all functions at once and wait for all of them. An error in one is raised again, once all have ended.
---@param functions (fun(): any)[]
---@return any ... the first result of each, in order
function M.all(functions) end

return M
