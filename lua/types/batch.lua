---@meta moonkey.batch
-- What `moonkey batch` runs, for scripts; and the types of a job file, which the command takes with --job.

---One record of the input: a JSON object, or the cells of a CSV line by column. In CSV an empty cell is absent, `\N` is json.null, and
---`modules` is a list; all else is text.
---@class moonkey.Row
---@field id? string
---@field [string] any

---@class moonkey.JobContext
---@field row integer number of the row, from 1; a CSV header is not counted
---@field line? integer line of the input on which the row begins
---@field id? string the row's id
---@field state any what the job's setup returned; over a queue, that of the worker that has the row
---@field run? string the run's id, where it has a journal
---@field log moonkey.log as moonkey.log, with the row before each line: ctx.log.info("…")

---What is done for a row. The first value becomes the row's result; nil and an error, or an error raised, fail the row, not the run.
---@alias moonkey.JobFunction fun(row: moonkey.Row, ctx: moonkey.JobContext): any, any

---@class moonkey.Job
---@field job moonkey.JobFunction
---@field setup? fun(): any called once before the first row; an error ends the run
---@field teardown? fun(state: any) called once after the last row

---@class moonkey.RowResult
---@field row integer
---@field line? integer
---@field id? string
---@field outcome "done"|"skipped"|"failed"|"unknown"|"pending" skipped: nothing had to be written; unknown: a POST broke off; pending: the run was stopped first, resume it
---@field status? integer HTTP status of the last reply
---@field kind? moonkey.ErrorKind|"job"|"row"|"interrupted" of the error: "job" of a job's own, "row" for a row that is wrong itself, "drift": the token is not what the plan was made from, "interrupted": the program was ended while a POST was under way
---@field title? string
---@field detail? string
---@field errors? moonkey.FieldError[]
---@field trace_id? string the platform's, for its support
---@field traceparent? string of the last request (W3C Trace Context)
---@field changes? moonkey.Change[] without a job: what changed, where the token was read first, or would change under --dry-run
---@field attempts integer HTTP exchanges that the row needed
---@field ms integer milliseconds from start to end
---@field value? any what the job returned

---@class moonkey.BatchOptions
---@field source string|moonkey.Row[]|fun(): moonkey.Row? a file's name, "-" for standard input, a list, or an iterator
---@field format? "jsonl"|"json"|"csv" where the file's name does not tell
---@field job? moonkey.JobFunction|moonkey.Job without it: token.update of each row
---@field jobs? integer rows at a time, 1 to 1000; 10
---@field on_result? fun(result: moonkey.RowResult) in order of completion, once the result is in the journal
---@field results? string a new file for the results: JSONL, or CSV by its name
---@field stdout? boolean results go to standard output as JSONL
---@field progress? boolean progress is shown on standard error
---@field halt? string stop once so many rows have failed: "fail=10", or "fail=5%" of those tried, looked at from the 20th on
---@field journal? string|boolean the file of the run's journal (SQLite, mode 0600); false: none; otherwise one in the state directory
---@field resume? boolean go on with the run of `journal`, if there is one: rows that have ended are not done again; they have to be the same
---@field skip_unchanged? boolean read each token first, and do not write what it has already; not with a job
---@field undoable? boolean read each token first, and keep what it was in the journal; not with a job

---@class moonkey.BatchSummary
---@field rows integer that were read or passed over
---@field done integer of the run as a whole, as all counts
---@field failed integer
---@field skipped integer
---@field unknown integer
---@field pending integer
---@field causes table[] failures grouped: `count`, `kind`, `status`, `title`, `reason`, `examples`
---@field seconds number
---@field source string
---@field before integer rows that earlier sessions of the run have dealt with
---@field kind? "resume"|"retry" what this session of the run is; nil for the first one
---@field run? string the run's id: `moonkey resume`, `retry`, `runs show` and `report` take it
---@field journal? string path of its journal
---@field stopped? "interrupted"|"auth"|"forbidden"|"certificate"|"consent"|"limit"|"halt"|"output"|"journal" why the run ended early
---@field ended? boolean true where the input was read to its end
---@field not_sent? string what the first row that was not sent any more was told
---@field halted? string by the halt rule: "10 of 200 rows failed"
---@field unusable? { line: integer?, message: string } the input made no sense from there on
---@field output_error? string
---@field journal_error? string
---@field unrecorded? integer results that could not be recorded: a resume does these rows again

---@class moonkey.batch
---@field DEFAULT_JOBS integer
---@field MAX_JOBS integer
local M = {}

---Run a job for each row. Rows with one id run in the order of the input. Rows that fail are counted, not raised.
---@param options moonkey.BatchOptions
---@return moonkey.BatchSummary? summary nil when nothing could be started
---@return string? message
function M.run(options) end

return M
